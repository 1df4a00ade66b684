"""What lies at a path: each way in which a data set can lie there, the options it takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from gigo.after import After
from gigo.datasets import arrays, image_folder, own, saved, tablefile, written
from gigo.datasets.options import Options
from gigo.errors import DataError
from gigo.types import Dataset, Watch


class Way(NamedTuple):
    """A way in which a data set lies in a file or a folder.

    Attributes:
        what: in words, such as ``a table``; a part of errors.
        takes: whether a path leads to one; it exists.
        read: path, options, who is told how far decoding is -> data set; raises DataError and
            SpecError.
        uses: names of the options for which it has a use.
        looks: what it looks like, for errors: ``a folder with ...``, or ``a file that ends in``
            what it ends in.
        write: path, options, what became of its training items, a folder -> the file or folder
            that it made there, in the same format.
    """

    what: str
    takes: Callable[[Path], bool]
    read: Callable[[Path, Options, Watch], Dataset]
    uses: Collection[str]
    looks: str
    write: Callable[[Path, Options, After, Path], Path]


def read_path(
    path: str | Path,
    options: Mapping[str, Any],
    ways: Sequence[Way],
    watch: Watch,
    *,
    whole: bool = False,
) -> Dataset:
    """The data set at a path, read in the first way that takes it.

    Args:
        path: may begin with ``~``.
        options: of the data set.
        ways: those known.
        watch: is told how far decoding is.
        whole: hold nothing out where there is no test set, which then is empty.

    Raises:
        SpecError: an option is unknown, of no use in this way, or has a value that can't be.
        DataError: there is nothing, or nothing that is known; or it can't be read.
    """
    place, way = _found(path, ways)
    said = Options.of(options, way.uses, way.what)
    if whole and "test_share" in way.uses:
        said = said.model_copy(update={"test_share": 0.0})
    return way.read(place, said, watch)


def write_path(
    path: str | Path, options: Mapping[str, Any], ways: Sequence[Way], after: After, out: Path
) -> Path:
    """Write what became of the training items of the data set at a path, in its format.

    Its test set is written, too, as it is.

    Returns:
        The file or the folder, in the folder ``out``.

    Raises:
        DataError: it can't be written in this format.
        OSError: it can't be written.
    """
    place, way = _found(path, ways)
    return way.write(place, Options.of(options, way.uses, way.what), after, out)


def _found(path: str | Path, ways: Sequence[Way]) -> tuple[Path, Way]:
    place = Path(os.path.expanduser(path))
    if not os.path.exists(place):  # also where it may not be looked at
        raise DataError(f"dataset = '{path}': expected a file or a folder that is there")
    way = next((way for way in ways if way.takes(place)), None)
    if way is None:
        thing = "a folder" if os.path.isdir(place) else "a file"
        # The last ones are those of most users' data.
        looks = dict.fromkeys(way.looks for way in reversed(ways) if way.looks.startswith(thing))
        raise DataError(f"dataset = '{path}': expected {'; or '.join(looks)}")
    return place, way


def at_once(read: Callable[[Path, Options], Dataset]) -> Callable[[Path, Options, Watch], Dataset]:
    """What reads a data set that needs no watching."""

    def unwatched(path: Path, options: Options, watch: Watch) -> Dataset:
        return read(path, options)

    return unwatched


def _ends(suffixes: Collection[str], path: Path) -> bool:
    return not os.path.isdir(path) and tablefile.suffix(path) in suffixes


FILES = *arrays.SUFFIXES, *tablefile.SUFFIXES
"""What the names of files end in that can be read."""

_A_FILE = f"a file that ends in {', '.join(FILES)}"

WAYS = (
    Way(
        "a data set that save_to_disk wrote",
        saved.is_saved,
        own.from_saved,
        own.SAVED,
        "a folder that save_to_disk of Hugging Face's datasets wrote",
        written.saved_set,
    ),
    Way(
        "an .npz file",
        partial(_ends, {".npz"}),
        at_once(own.from_npz),
        own.NPZ,
        _A_FILE,
        written.npz,
    ),
    Way(
        "an .npy file",
        partial(_ends, {".npy"}),
        at_once(own.from_npy),
        own.NPY,
        _A_FILE,
        written.npy,
    ),
    Way(
        "a table",
        partial(_ends, tablefile.SUFFIXES),
        own.from_table,
        own.TABLE,
        _A_FILE,
        written.table,
    ),
    Way(
        "a folder of images",
        image_folder.is_image_folder,
        image_folder.from_image_folder,
        image_folder.USES,
        "a folder with a folder of images per class",
        written.image_folder,
    ),
)
"""Those of a user's own data."""
