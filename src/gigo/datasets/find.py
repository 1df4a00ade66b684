"""A data set from the first place that has a true copy of it.

The order: a folder that the user names (an argument, else the variable ``GIGO_DATA``), and then
nothing else; without one, caches of other tools, gigo's own cache, the official mirrors. Whatever
the place, what was decoded must have the known fingerprint. A copy that has not is an error in a
folder that the user named; elsewhere it is logged as a warning and passed over.

A user may accept another copy by the fingerprint that it has: then that one is looked for, and no
other, so that what was accepted is what is read, next time too.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gigo.datasets.download import fetch, silent
from gigo.datasets.official import Copy, Official
from gigo.datasets.places import copies, other_caches, own_cache, wanted
from gigo.errors import DataError, SpecError
from gigo.types import Dataset, Watch

HINT = " (gigo run --unverified reads them as they are)"
"""For copies in a folder that the user named."""

_log = logging.getLogger(__name__)


class Verdict(NamedTuple):
    """On one copy of a data set.

    Attributes:
        place: its file or folder.
        fault: what is wrong with it, empty if nothing is.
    """

    place: str
    fault: str


def find(
    official: Official,
    sha256: str,
    data_dir: Path | None,
    *,
    accepted: str | None = None,
    watch: Watch = silent,
) -> Dataset:
    """Read a data set.

    Args:
        official: what its files are.
        sha256: the fingerprint of the official data.
        data_dir: a folder named by the user; None for ``GIGO_DATA`` or else all other places.
        accepted: the fingerprint to look for instead, if the user accepts such a copy.
        watch: is told of a download.

    Raises:
        DataError: the named folder has no such copy, or no place has one and no mirror works.
    """
    expected = accepted or sha256
    if named := _named(data_dir):
        copy = _named_copies(official, *named)[0]
        return _checked(official, copy, sha256, expected, hint=HINT)
    passed_over: list[str] = []
    for copy in _cached(official):
        try:
            return _checked(official, copy, sha256, expected)
        except DataError as error:
            _log.warning("%s: passed over a copy: %s", official.name, error)
            passed_over.append(f"passed over {error}")
    if expected != sha256:
        reasons = "; ".join(["none found", *passed_over])
        raise DataError(f"{official.name}: expected a copy of sha256 {expected} ({reasons})")
    return _checked(official, _fetched(official, passed_over, watch), sha256, expected)


def as_is(official: Official, sha256: str, data_dir: Path | None) -> Dataset:
    """What a folder that the user named holds, whatever it is.

    Raises:
        SpecError: no folder is named.
        DataError: it holds no copy, or one that can't be read.
    """
    named = _named(data_dir)
    if named is None:
        raise SpecError("unverified", True, "--data-dir or GIGO_DATA to name the copy's folder")
    return _read(official, _named_copies(official, *named)[0], sha256)


def every_copy(official: Official, data_dir: Path | None) -> list[Copy]:
    """Every copy of a data set where `find` would look, in its order; whole or not, not read.

    Raises:
        DataError: the folder that the user named has none.
    """
    named = _named(data_dir)
    return _named_copies(official, *named) if named else list(_cached(official))


def verdicts(official: Official, sha256: str, data_dir: Path | None) -> Iterator[Verdict]:
    """Each of those copies, read and checked."""
    hint = HINT if _named(data_dir) else ""
    for copy in every_copy(official, data_dir):
        fault = ""
        try:
            _checked(official, copy, sha256, sha256, hint=hint)
        except DataError as error:
            fault = str(error)
        yield Verdict(str(copy.place), fault)


def _named(data_dir: Path | None) -> tuple[Path, str] | None:
    """The folder that the user named, and how."""
    variable = os.environ.get("GIGO_DATA")
    if data_dir is not None:
        folder, origin = Path(os.path.expanduser(data_dir)), "data_dir"
    elif variable:
        folder, origin = Path(os.path.expanduser(variable)), "GIGO_DATA"
    else:
        return None
    if not os.path.isdir(folder):  # also where it may not be looked at
        raise DataError(f"{origin} = '{folder}': expected an existing folder")
    return folder, origin


def _named_copies(official: Official, folder: Path, origin: str) -> list[Copy]:
    """The copies in a folder that the user named; one there must be."""
    found = list(copies(official, folder, direct=True))
    if not found:
        raise DataError(
            f"{origin} = '{folder}': holds no {official.name}: expected {wanted(official)}"
        )
    return found


def _cached(official: Official) -> Iterator[Copy]:
    for folder in other_caches():
        yield from copies(official, folder, direct=False)
    yield from copies(official, own_cache(official.download.folder), direct=True)


def _fetched(official: Official, passed_over: list[str], watch: Watch) -> Copy:
    folder = own_cache(official.download.folder)
    try:
        paths = fetch(official.download, folder, watch)
    except DataError as error:
        reasons = "; ".join([str(error), *passed_over])
        raise DataError(
            f"{official.name}: no copy found and none fetched: expected --data-dir or GIGO_DATA to "
            f"name a folder with {', '.join(official.download.files)} ({reasons})"
        ) from error
    return Copy(official.download.layout, folder, tuple(paths), ())


def _read(official: Official, copy: Copy, sha256: str) -> Dataset:
    """What a copy holds; where it is not the official data, its source says so."""
    if copy.missing:
        raise DataError(f"{copy.folder}: lacks {', '.join(copy.missing)} of {official.name}")
    arrays = copy.layout.read(copy.paths).frozen()
    found = official.fingerprint(*arrays)
    remark = "" if found == sha256 else " (unverified: differs from the official data)"
    return Dataset(
        official.name,
        arrays.x_train,
        arrays.y_train,
        {"test": (arrays.x_test, arrays.y_test)},
        official.class_names,
        "image",
        found,
        f"{copy.place}{remark}",
    )


def _checked(
    official: Official, copy: Copy, sha256: str, expected: str, *, hint: str = ""
) -> Dataset:
    """What a copy holds, if it is what was expected; the hint is for one that is not the data."""
    dataset = _read(official, copy, sha256)
    if dataset.sha256 == expected:
        return dataset
    n_test = len(dataset.tests["test"][1])
    raise DataError(
        f"{copy.place}: holds {len(dataset.y_train)} + {n_test} items of sha256 "
        f"{dataset.sha256}: expected those of {official.name}, {expected}"
        f"{hint if expected == sha256 else ''}"
    )
