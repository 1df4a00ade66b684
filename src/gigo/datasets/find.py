"""A data set from the first place that has a true copy of it.

The order: a folder that the user names (an argument, else the variable ``GIGO_DATA``), and then
nothing else; without one, caches of other tools, gigo's own cache, the official mirrors. Whatever
the place, what was decoded must have the known fingerprint. A copy that has not is an error in a
folder that the user named; elsewhere it is logged as a warning and passed over.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from gigo.datasets.arrays import fingerprint
from gigo.datasets.download import fetch
from gigo.datasets.official import Copy, Official
from gigo.datasets.places import copies, other_caches, own_cache, wanted
from gigo.errors import DataError
from gigo.types import Dataset

_log = logging.getLogger(__name__)


def find(official: Official, sha256: str, data_dir: Path | None) -> Dataset:
    """Read a data set.

    Args:
        official: what its files are.
        sha256: the fingerprint its arrays must have.
        data_dir: a folder named by the user; None for ``GIGO_DATA`` or else all other places.

    Raises:
        DataError: the named folder has no true copy, or no place has one and no mirror works.
    """
    if data_dir is not None:
        return _read(official, _named_copy(official, data_dir, "data folder"), sha256)
    if variable := os.environ.get("GIGO_DATA"):
        return _read(official, _named_copy(official, Path(variable), "GIGO_DATA"), sha256)
    passed_over: list[str] = []
    for copy in _cached(official):
        try:
            return _read(official, copy, sha256)
        except DataError as error:
            _log.warning("%s: passed over a copy: %s", official.name, error)
            passed_over.append(f"passed over {error}")
    return _read(official, _fetched(official, passed_over), sha256)


def _named_copy(official: Official, folder: Path, origin: str) -> Copy:
    """The copy in a folder that the user named; one there must be."""
    folder = folder.expanduser()
    if not folder.is_dir():
        raise DataError(f"{origin} = '{folder}': expected an existing folder")
    copy = next(copies(official, folder, direct=True), None)
    if copy is None:
        raise DataError(
            f"{origin} = '{folder}': holds no {official.name}: expected {wanted(official)}"
        )
    return copy


def _cached(official: Official) -> Iterator[Copy]:
    for folder in other_caches():
        yield from copies(official, folder, direct=False)
    yield from copies(official, own_cache(official.name), direct=True)


def _fetched(official: Official, passed_over: list[str]) -> Copy:
    folder = own_cache(official.name)
    try:
        paths = fetch(official.download, folder)
    except DataError as error:
        reasons = "; ".join([str(error), *passed_over])
        raise DataError(
            f"{official.name}: no copy found and none fetched: expected --data-dir or GIGO_DATA to "
            f"name a folder with {', '.join(official.download.files)} ({reasons})"
        ) from error
    return Copy(official.download.layout, folder, tuple(paths), ())


def _read(official: Official, copy: Copy, sha256: str) -> Dataset:
    """The copy's arrays, if they are what they should be."""
    if copy.missing:
        raise DataError(f"{copy.folder}: lacks {', '.join(copy.missing)} of {official.name}")
    arrays = copy.layout.read(copy.paths).frozen()
    found = fingerprint(*arrays)
    place = copy.paths[0] if len(copy.paths) == 1 else copy.folder
    if found != sha256:
        raise DataError(
            f"{place}: holds {len(arrays.y_train)} + {len(arrays.y_test)} items of sha256 {found}: "
            f"expected those of {official.name}, {sha256}"
        )
    return Dataset(official.name, *arrays, official.class_names, found, str(place))
