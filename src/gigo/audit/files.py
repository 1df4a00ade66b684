"""A data set in files, corrupted and written in the format that it came in, with an account."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gigo.audit.account import COLUMNS, account, transition
from gigo.audit.steps import Step, after, chained, steps
from gigo.errors import StoreError
from gigo.files import write_whole
from gigo.resolve import check_kind, whole_data, write_data
from gigo.types import Watch, silent

if TYPE_CHECKING:
    import pandas as pd

AUDIT, SUMMARY, PICTURE = "audit.parquet", "summary.json", "transition.svg"
"""Beside the corrupted data: edits (`gigo.audit.account`), counts, the matrix as a figure."""


@dataclass(frozen=True, eq=False)
class Written:
    """What was written.

    Attributes:
        path: the corrupted data.
        summary: as ``summary.json`` has it: ``data``, ``corruption``, ``rate``, ``seed`` and
            ``replicate`` as asked; counts ``items`` (given), ``eligible`` (edits that there are),
            ``selected`` (made), ``changed`` (items that differ, or left), ``wrong_labels``,
            ``inputs``, ``added`` and ``left``; ``share_of_set``, selected of the items that were
            there, or of those in the end where the rate is a share of these;
            ``share_of_eligible``, of the edits that there are; of a trigger ``target`` and
            ``share_of_target``, of the items that then carry this label.
        transition: see `gigo.Corrupted`.
        edits: likewise.
    """

    path: Path
    summary: dict[str, Any]
    transition: pd.DataFrame
    edits: pd.DataFrame


def corrupt_files(
    data: str,
    corruptions: Sequence[Any],
    rate: float,
    out: Path,
    *,
    seed: int = 0,
    replicate: int = 0,
    data_dir: Path | None = None,
    watch: Watch = silent,
    **options: Any,
) -> Written:
    r"""Corrupt the training items of a data set; nothing is held out of them.

    Args:
        data: a path, or the name of a data set.
        corruptions: one as a study has it, after those that have a rate of their own.
        rate: as there.
        out: a folder that is not there yet, or empty.
        seed: of what is drawn.
        replicate: likewise.
        data_dir: where official data lie.
        watch: is told how far decoding is.
        options: of the data, as ``label``.

    Raises:
        SpecError, DataError: as a study that names them.
        StoreError: the folder has something in it, or can't be written.

    >>> lines = "".join(f"{k},{'ham' if k % 2 else 'spam'}\n" for k in range(10))
    >>> Path("mail.csv").write_text(f"words,label\n{lines}") > 0
    True
    >>> found = corrupt_files("mail.csv", ["pair"], 0.2, Path("noisy"))
    >>> found.path.name, found.summary["changed"], sorted(os.listdir("noisy"))
    ('mail.csv', 2, ['audit.parquet', 'mail.csv', 'summary.json', 'transition.svg'])
    """
    place = Path(os.path.expanduser(out))
    known = chained(corruptions)
    _check_new(place)
    dataset = whole_data(data, data_dir, watch, **options)
    for each in (known, *(first for first, _ in known.before)):
        check_kind(each, dataset)
    found = steps(known, rate, dataset, seed, replicate)
    what, names = after(found[-1].done), np.array(dataset.classes, object)
    before = [{**each.to_json(), "rate": share} for each, share in known.before]
    asked = {"data": data, "corruption": [*before, known.to_json()], "rate": rate}
    summary = {**asked, "seed": seed, "replicate": replicate, **_counts(found, dataset.classes)}
    own = what.item >= 0
    matrix = transition(dataset.y_train[what.item[own]], what.labels[own], names)
    edits = account(found, names).astype(dict.fromkeys(COLUMNS[1:], "str"))
    try:
        place.mkdir(parents=True, exist_ok=True)
        path = write_data(data, place, what, **options)
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(f"{place}: expected a folder that can be written ({reason})") from error
    write_whole(place / AUDIT, edits.to_parquet(index=False))
    write_whole(place / SUMMARY, json.dumps(summary, indent=1, ensure_ascii=False).encode())
    write_whole(place / PICTURE, _picture(matrix, known.label))
    return Written(path, summary, matrix, edits)


def _check_new(place: Path) -> None:
    try:
        there = [*place.iterdir()] if place.is_dir() else []
        if there or (os.path.lexists(place) and not place.is_dir()):
            expected = "expected a folder that is not there yet, or is empty, with --out DIR"
            raise StoreError(f"{place}: has something in it: {expected}")
    except OSError as error:
        raise StoreError(
            f"{place}: expected a folder that can be read ({error.strerror})"
        ) from None


def _counts(found: list[Step], classes: tuple[str, ...]) -> dict[str, Any]:
    last, now = found[-1], found[-1].done
    selected = len(last.schedule.item)
    own, added = now.places < now.n_given, last.schedule.rate_of == "added"
    counts: dict[str, Any] = {
        "items": now.n_given,
        "eligible": last.n_eligible,
        "selected": selected,
        "changed": int(now.changed.sum()) + now.n_left,
        "wrong_labels": int((now.labels != now.true).sum()),
        "inputs": int((now.moved & own).sum()),
        "added": now.n_added,
        "left": now.n_left,
        "share_of_set": selected / len((now if added else last.given).places),
        "share_of_eligible": selected / max(last.n_eligible, 1),
    }
    if last.corruption.to_json().get("name") == "trigger" and now.moved.any():
        label = int(np.bincount(now.labels[now.moved]).argmax())
        carry = now.labels == label
        counts["target"] = classes[label]
        counts["share_of_target"] = float(now.moved[carry].mean())
    return counts


def _picture(matrix: pd.DataFrame, label: str) -> bytes:
    from gigo.report.transition import heat_map

    return heat_map(matrix, label)
