"""Data sets of Hugging Face's library, saved on disk by ``save_to_disk``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gigo.datasets.columns import compute
from gigo.datasets.untrusted import reading
from gigo.errors import DataError

TESTS = "test", "validation", "valid", "val", "dev"
"""What a split is called that can be the test set, the first first."""


def is_saved(folder: Path) -> bool:
    """Whether a folder is one that ``save_to_disk`` wrote."""
    return any((folder / name).is_file() for name in ("state.json", "dataset_dict.json"))


def read_saved(folder: Path) -> dict[str, Any]:
    """The splits of a saved data set by name, a ``pyarrow.Table`` each, mapped from the disk.

    A data set without splits is ``train``.

    Raises:
        DataError: the package ``datasets`` is not installed, or can't read the folder.
    """
    try:
        import datasets as library
    except ImportError:
        missing = "expected the package that reads it: pip install 'gigo[hf]'"
        raise DataError(f"{folder}: saved by Hugging Face's datasets: {missing}") from None
    with reading(folder, "a data set that save_to_disk wrote"):
        found: Any = library.load_from_disk(str(folder))
        splits: dict[str, Any] = found if isinstance(found, dict) else {"train": found}
        return {name: split.with_format("arrow")[:] for name, split in splits.items()}


def split_for_training(splits: Mapping[str, Any], place: str) -> str:
    """The name of the split to train on: ``train``, or the only one.

    Raises:
        DataError: there are several, none of which is called so.
    """
    if "train" not in splits and len(splits) != 1:
        names = ", ".join(splits) or "none"
        raise DataError(f"{place}: splits {names}: expected one called train")
    return "train" if "train" in splits else next(iter(splits))


def split_for_testing(
    splits: Mapping[str, Any], train: str, label: str | None
) -> tuple[str | None, tuple[str, ...]]:
    """The name of the split to test on, and what is to be said of the choice.

    It is the first of `TESTS` whose items have labels; None where there is none.

    >>> split_for_testing({"train": None, "validation": None, "extra": None}, "train", None)
    ('validation', ("test set: the split 'validation'", 'splits that are not used: extra'))
    """
    there = [name for name in TESTS if name in splits and name != train]
    found = next((name for name in there if _is_labelled(splits[name], label)), None)
    rest = ", ".join(name for name in splits if name not in (train, found))
    return found, (
        *([f"test set: the split {found!r}"] if found not in (None, "test") else []),
        *([f"splits that are not used: {rest}"] if rest else []),
    )


def _is_labelled(split: Any, label: str | None) -> bool:
    """Whether any item has a label: where labels are kept back, all are -1."""
    if label is None or label not in split.column_names:
        return True
    pc = compute()
    return pc.unique(split.column(label)).drop_null().to_pylist() not in ([], [-1])
