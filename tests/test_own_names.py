"""What data sets are called, in the store, in tables and on the page."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.naive_bayes import GaussianNB

import gigo
from gigo.cli import main
from gigo.errors import SpecError
from gigo.resolve import resolve
from gigo.study import Study

N = 60
Y = np.array(["no", "yes"])[np.arange(N) % 2]
FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 2)) + (Y == "yes")[:, None])
SMALL: dict[str, Any] = {"rates": [0, 0.5], "replicates": 1, "model": GaussianNB(), "workers": 1}


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table, and what two annotators say of it."""
    monkeypatch.chdir(tmp_path)
    FRAME.set_axis(["a", "b"], axis=1).assign(label=Y).to_csv("shop.csv", index=False)
    for name, flipped in (("a", 11), ("b", 13)):
        labels = np.where(np.arange(N) % flipped == 0, Y[::-1], Y)
        Path(f"{name}.txt").write_text("".join(f"{label}\n" for label in labels))


def named(*datasets: Any) -> list[str]:
    return [card.name for card in resolve(Study.create(dataset=datasets)).datasets]


def test_two_annotators_side_by_side() -> None:
    """The user's names are in the store, in every table and on the page."""
    Path("two.toml").write_text(
        "dataset = [\n"
        '  { name = "shop.csv", called = "annotator A", labels = "a.txt" },\n'
        '  { name = "shop.csv", called = "annotator B", labels = "b.txt" },\n'
        "]\n"
    )
    fields: dict[str, Any] = {**SMALL, "workers": 2, "size": "all"}
    result = gigo.run("two.toml", **fields)
    frame: Any = result.frame
    summary: Any = result.summary
    both = ["annotator A", "annotator B"]
    assert sorted(each.name for each in result.test_sets.values()) == both
    assert frame["dataset"].unique().tolist() == both
    assert summary["dataset"].unique().tolist() == both
    assert frame["key"].nunique() == 4
    page = result.report().read_text()
    assert all(page.count(name) > 1 for name in both)


def test_a_file_of_labels_is_part_of_the_name() -> None:
    both = [{"name": "shop.csv", "labels": f"./{name}.txt"} for name in "ab"]
    assert named("shop.csv", *both) == ["shop", "shop, labels a.txt", "shop, labels b.txt"]


def test_names_do_not_change_what_is_trained() -> None:
    plain, called = (
        gigo.sweep(dataset={"name": "shop.csv", **more}, **SMALL)
        for more in ({}, {"called": "the shop"})
    )
    assert sorted(called.frame["key"]) == sorted(plain.frame["key"])
    assert named({"name": "digits", "called": "small ones"}) == ["small ones"]
    assert named("digits", {"name": "digits"}) == ["digits"]


def test_data_of_one_content_may_have_two_names() -> None:
    both = gigo.sweep(dataset=["shop.csv", {"name": "shop.csv", "called": "again"}], **SMALL)
    frame: Any = both.frame
    summary: Any = both.summary
    assert frame["key"].nunique() == 2
    assert summary["dataset"].tolist() == ["shop", "shop", "again", "again"]
    assert "again" in both.report().read_text()


def test_data_of_one_name_are_refused_with_what_to_do() -> None:
    with pytest.raises(SpecError, match=r"dataset = 'shop': .*called = \"another one\"") as caught:
        named("shop.csv", {"name": "shop.csv", "seed": 1})
    assert "\n" not in str(caught.value)
    assert named("shop.csv", {"name": "shop.csv", "seed": 1, "called": "other"}) == [
        "shop",
        "other",
    ]


def test_a_run_tells_how_far_images_are_before_it_counts_trials(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 128, (40, 4, 4))
    pixels = (noise + 120 * (np.arange(40) % 2)[:, None, None]).astype(np.uint8)
    for k, image in enumerate(pixels):
        file = tmp_path / "photos" / f"{k % 2}" / f"{k}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    seen: list[gigo.Progress] = []
    gigo.sweep("photos", **SMALL, listener=seen.append)
    first = [progress for progress in seen if not progress.total]
    assert first == seen[: len(first)]
    assert [each.download for each in first][-1] == "40 of 40 images decoded"


def test_a_plan_and_a_first_study_say_what_is_in_the_data(capsys, wide: None) -> None:
    """What was said of the data at ``init`` is in the study, and a plan shows what that means."""
    homes = FRAME.set_axis(["a", "b"], axis=1).assign(home=np.arange(N) // 6, id=np.arange(N))
    homes.assign(happy=Y).to_csv("homes.csv", index=False)
    options = ["--label", "happy", "--group", "home", "--labels", "a.txt", "--drop", "id"]
    classes = ["--class", "yes", "--class", "no"]
    with pytest.raises(SystemExit, match="0"):
        main(["init", "homes.csv", *options, *classes])
    written = tomllib.loads(Path("homes.toml").read_text())
    assert written["dataset"] == {
        "name": "homes.csv",
        "label": "happy",
        "group": "home",
        "labels": "a.txt",
        "classes": ["yes", "no"],
        "drop": ["id"],
    }
    capsys.readouterr()
    with pytest.raises(SystemExit, match="0"):
        main(["plan", "homes.toml", "--workers", "1"])
    said = [line.split(None, 1) for line in capsys.readouterr().out.splitlines()]
    data = [row for row in said if row[0] in ("data", "classes", "note")]
    about = "a table of 2 columns, 48 training and 12 test items, 2 classes"
    assert data[0] == ["data", f"homes, labels a.txt: {about}"]
    assert data[1][1].startswith("yes (") and data[1][1].endswith("), of the training items")
    assert ["note", "test set: 12 of 60 items, held out once, whole groups"] in data
