"""The article's pages say what their scripts print from the committed tables."""

from __future__ import annotations

import re
from pathlib import Path

import article
import batches
import differences
import pandas as pd
import pytest
from committed import table

DOCS = Path(__file__).parent.parent / "docs"
PAGES = [
    " ".join((DOCS / name).read_text(encoding="utf-8").replace("−", "-").split())
    for name in ("article.md", "results.md")
]


def test_the_pages_count_published_points_as_the_script_does() -> None:
    first = next(batches.agreement("256", batches.trials("")))
    found = re.search(r"(\d+) points to 50 %: (\d+) within 3 points; .* (\d+), .* (\d+):", first)
    assert found is not None
    assert found.groups() == ("36", "26", "32", "1")
    assert "of 36 published points" in PAGES[0]
    assert "26 lie within 3 points of gigo's mean. 32 can be tested" in PAGES[0]
    assert "26 of 36 published points lie within 3 points" in PAGES[1]
    assert "one of the 32 that can be tested is told apart" in PAGES[1]


def test_means_and_losses_of_both_sizes_are_the_script_s() -> None:
    quoted = re.findall(r"[\d.]+ \([\d.]+ to [\d.]+\)", " ".join(differences.means()))
    assert len(quoted) == 10
    assert not [text for text in quoted if text not in PAGES[1]]


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
def test_tolerances_are_the_script_s(name: str) -> None:
    lines = [*article.estimates(table(f"{name}-1000"))][2:-1]
    assert len(lines) == 2
    for line in lines:
        tolerance = line.split(" | ")[7]
        assert "to run" not in tolerance
        assert f"| {tolerance} |" in PAGES[1]


def test_where_no_rate_lies_between_the_script_says_what_to_run() -> None:
    first = [*article.estimates(table("batch-size-mnist-1000"))][2]
    assert "to run: 10 %, 20 %, 30 %" in first


def test_a_run_s_rows_replace_those_of_an_older_table_and_keep_the_others() -> None:
    earlier = table("size-mnist")
    newer = earlier.loc[earlier["rate"] == 0].assign(accuracy=0.5, ece=0.1)
    found = article.united(newer, earlier)
    assert list(found) == list(newer)
    assert len(found) == len(earlier)
    assert set(found.loc[found["rate"] == 0, "accuracy"]) == {0.5}
    assert 0.5 not in set(found.loc[found["rate"] > 0, "accuracy"])
    assert found.loc[found["rate"] > 0, "ece"].isna().all()


def test_independent_means_are_compared_by_welch() -> None:
    a, b = pd.Series([1.0, 2.0, 3.0]), pd.Series([2.0, 4.0, 6.0])
    found = differences.Difference.independent("", a, b)
    assert found.value == pytest.approx(-2)
    assert found.error == pytest.approx((1 / 3 + 4 / 3) ** 0.5)
    assert found.freedom == pytest.approx((5 / 3) ** 2 / ((1 / 3) ** 2 / 2 + (4 / 3) ** 2 / 2))
