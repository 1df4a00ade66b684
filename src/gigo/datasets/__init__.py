"""Data sets by name, or by the folder that holds one. This index imports nothing heavy.

``official.toml`` is the catalogue. A data set of it is read from the folder that the user names,
else from gigo's cache, into which missing files are downloaded. Whatever the place, what was
decoded must have the known sha256.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from math import prod
from pathlib import Path
from typing import Any, Literal, NamedTuple

from gigo.after import After
from gigo.cache import home
from gigo.datasets import digits, written
from gigo.datasets.cifar import CIFAR10, CIFAR100, CIFAR100_COARSE
from gigo.datasets.fetch import Get, fetch_files
from gigo.datasets.folder import Copy, Format, look, read
from gigo.datasets.idx import IDX
from gigo.datasets.kept import Kept, kept
from gigo.datasets.labels import column, encode
from gigo.datasets.memory import from_memory
from gigo.datasets.options import Options
from gigo.datasets.own import relabelled
from gigo.datasets.parquet import PARQUET
from gigo.datasets.paths import WAYS, Way, at_once, read_path, write_path
from gigo.datasets.remade import remade
from gigo.datasets.second import label_file, second_labels
from gigo.errors import DataError, unknown
from gigo.types import Dataset, Kind, Watch, silent

__all__ = [
    "CATALOGUE",
    "DatasetEntry",
    "Kept",
    "cache",
    "column",
    "encode",
    "fetch",
    "from_memory",
    "from_path",
    "is_path",
    "kept",
    "label_file",
    "load",
    "remade",
    "second_labels",
    "verify",
    "where",
    "whole",
    "write",
]

FORMATS = {
    "digits": (digits.DIGITS,),
    "idx": (IDX,),
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "cifar100_coarse": CIFAR100_COARSE,
}
"""The ways in which the files of a data set of the catalogue may lie."""


class DatasetEntry(NamedTuple):
    """A catalogue entry: what can be known of a data set without reading it.

    Attributes:
        name: the catalogue's.
        summary: one line for ``gigo list datasets``.
        sha256: of its arrays, as its formats' digest gives it.
        input_shape: of one item, (channels, height, width).
        n_train, n_test: counts.
        classes: one name per class.
        formats: in which its files may lie.
        folders: in which they may lie, relative to a folder of data sets; gigo keeps them in the
            first. Where there are none, it comes with a package that gigo needs anyway.
        downloads: file name -> sha256.
        mirrors: addresses to put before a file's name; the first that works is taken.
        kind: of the inputs.
        dtype: theirs.
    """

    name: str
    summary: str
    sha256: str
    input_shape: tuple[int, ...]
    n_train: int
    n_test: int
    classes: tuple[str, ...]
    formats: tuple[Format, ...]
    folders: tuple[str, ...]
    downloads: Mapping[str, str]
    mirrors: tuple[str, ...]
    kind: Kind = "image"
    dtype: Literal["uint8", "float32"] = "uint8"

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @property
    def n_bytes(self) -> int:
        """Bytes of its inputs."""
        size = 1 if self.dtype == "uint8" else 4
        return size * (self.n_train + self.n_test) * prod(self.input_shape)


Name = str | DatasetEntry


def load(
    name: Name, data_dir: Path | None = None, watch: Watch = silent, *, get: Get | None = None
) -> Dataset:
    """Read a data set of the catalogue; its arrays are read-only.

    Args:
        name: in the catalogue, or a `DatasetEntry` like those in it, such as one with a mirror of
            your own.
        data_dir: the folder that holds the official files, the only place looked at. None: the
            folder that the variable ``GIGO_DATA`` names, likewise; where it is unset or empty,
            gigo's cache, into which missing files are downloaded. Data sets that come with gigo
            need no folder.
        watch: is told of a download's progress.
        get: downloads a file, instead of HTTP: one of pooch's downloaders, for example.

    Raises:
        SpecError: unknown name.
        DataError: missing, damaged or not the official data.

    >>> load("digits").x_train.shape
    (1347, 1, 8, 8)
    """
    entry, copy = _locate(name, data_dir)
    if copy.missing and copy.place == str(cache(entry)):
        fetch(entry, watch=watch, get=get)
        entry, copy = _locate(entry, data_dir)
    return _read(entry, copy)


def from_path(path: str | Path, watch: Watch = silent, **options: Any) -> Dataset:
    r"""Read whatever data set lies in a file or a folder, as a data set of its own.

    It is called by the file's or folder's name; its sha256 is that of what is in it, which need not
    be an official data set. Known are

    - tables: CSV and its relatives, Parquet, Feather and Arrow files (`gigo.datasets.own`); where a
      column has paths of images, these are the inputs;
    - NumPy's ``.npz``, and ``.npy`` with labels in another file;
    - a folder of images per class (`gigo.datasets.image_folder`);
    - folders that ``save_to_disk`` of Hugging Face's library wrote;
    - folders with MNIST's four idx files (of images of any size), CIFAR's pickles or archive, or
      the two Parquet files of PNG images that Hugging Face's hub has of a data set. CIFAR's classes
      have their names (CIFAR-100's are its 100), those of others their labels.

    Args:
        path: may begin with ``~``.
        watch: is told how many images are decoded, where there are some.
        options: see `gigo.datasets.options.Options`; which of them have a use depends on the
            format.

    Raises:
        SpecError: an option is unknown, of no use here, or has a value that can't be.
        DataError: there is no such file or folder, it holds no data set, or one that can't be read.

    >>> Path("mail.csv").write_text("text,kind\nhi,ham\nbuy,spam\nyo,ham\nwin,spam\n") > 0
    True
    >>> mail = from_path("mail.csv", label="kind", test_share=0.5)
    >>> mail.kind, mail.classes, mail.n_train
    ('text', ('ham', 'spam'), 2)
    """
    return read_path(path, options, (OFFICIAL, *WAYS), watch)


def whole(
    name: str, data_dir: Path | None = None, watch: Watch = silent, **options: Any
) -> Dataset:
    r"""A data set by name or path, all items of which are for training unless it has a test set.

    Where it has none, its test set is empty.

    Raises:
        SpecError, DataError: as `load` and `from_path`.

    >>> Path("few.csv").write_text("text,label\nhi,ham\nbuy,spam\n") > 0
    True
    >>> few = whole("few.csv")
    >>> few.n_train, few.n_test
    (2, 0)
    """
    if is_path(name):
        return read_path(name, options, (OFFICIAL, *WAYS), watch, whole=True)
    Options.of(options, (), f"{name}, a data set that gigo knows,")
    return load(name, data_dir, watch)


def write(name: str, out: Path, after: After, **options: Any) -> Path:
    """Write what became of the training items of `whole` in the format that they came in.

    Images in files are linked or copied, those that changed are written as PNG. Official data sets
    and such as lie like them become an ``.npz`` file. Test sets are written as they are.

    Args:
        name: of the data set, or its path.
        out: a folder.
        after: what became of the items.
        options: those with which it was read.

    Returns:
        The file or the folder, in ``out``.

    Raises:
        DataError: it can't be written in this format.
        OSError: it can't be written.
    """
    if is_path(name):
        return write_path(name, options, (OFFICIAL, *WAYS), after, out)
    return written.official(Path(name), Options(), after, out)


def _folder(place: Path) -> Path:
    """A folder; of one of MNIST's files the one in which it lies."""
    return place.parent if place.name.removesuffix(".gz") in IDX.files else place


def _copy(place: Path) -> Copy:
    return look((IDX, *CIFAR10, *CIFAR100, PARQUET), [_folder(place)])


def _is_copy(place: Path) -> bool:
    return bool(_copy(place).paths)


def _from_copy(place: Path, options: Options) -> Dataset:
    """A copy of an official data set, or what lies as these do."""
    folder, copy = _folder(place), _copy(place)
    cifar = CATALOGUE["cifar10"], CATALOGUE["cifar100"]
    classes = next((entry.classes for entry in cifar if copy.format in entry.formats), ())
    dataset = read(copy, os.path.basename(os.path.abspath(folder)) or "data", classes)
    return relabelled(dataset, options) if options.given() else dataset


OFFICIAL = Way(
    "a folder with training and test images",
    _is_copy,
    at_once(_from_copy),
    ("labels", "classes"),
    "a folder with "
    + "; or ".join(", ".join(each.files) for each in (IDX, *CIFAR10, *CIFAR100, PARQUET)),
    written.official,
)
"""Files that lie as those of official data sets do."""


def is_path(name: str) -> bool:
    """Whether a data set's name means a file or a folder, which need not be there."""
    return os.sep in name or "." in name or os.path.exists(os.path.expanduser(name))


def where(name: Name, data_dir: Path | None = None) -> str:
    """The place from which `load` reads a data set, and what is missing there; nothing is read.

    Raises:
        SpecError: unknown name.
        DataError: the folder that the user named is not there, or has no copy.

    >>> where("digits").endswith(": digits comes with gigo")
    True
    """
    entry, copy = _locate(name, data_dir)
    if copy.missing:
        return f"{copy.lacks} ({_hint(entry)})"
    return copy.place if entry.folders else f"{copy.place}: {entry.name} comes with gigo"


def verify(name: Name, data_dir: Path | None = None) -> str:
    """Read what `load` would read, but download nothing; the place.

    Raises:
        SpecError: unknown name.
        DataError: there is no copy, or it is damaged or not the official data.
    """
    _read(*_locate(name, data_dir))
    return where(name, data_dir)


def fetch(name: Name, *, watch: Watch = silent, get: Get | None = None) -> str:
    """Bring a data set's official files into gigo's cache, if they are not there; the place.

    Raises:
        SpecError: unknown name.
        DataError: every mirror failed, or the cache can't be written.
    """
    entry = _entry(name)
    if not entry.folders:
        return where(entry)
    fetch_files(cache(entry), entry.downloads, entry.mirrors, watch, get)
    return str(cache(entry))


def cache(entry: DatasetEntry) -> Path:
    """The folder in which gigo keeps the files that it fetched of a data set."""
    return home("datasets") / entry.folders[0]


def _entry(name: Name) -> DatasetEntry:
    if isinstance(name, DatasetEntry):
        return name
    if name not in CATALOGUE:
        raise unknown("dataset", name, CATALOGUE)
    return CATALOGUE[name]


def _locate(name: Name, data_dir: Path | None) -> tuple[DatasetEntry, Copy]:
    """The copy in the folder that the user named, where there must be one; else in the cache."""
    entry = _entry(name)
    if not entry.folders:
        return entry, digits.copy()
    named = data_dir or os.environ.get("GIGO_DATA")
    if not named:
        return entry, look(entry.formats, [cache(entry)])
    said = f"{'data_dir' if data_dir else 'GIGO_DATA'} = '{named}'"
    folder = Path(os.path.expanduser(named))
    if not os.path.isdir(folder):  # also where it may not be looked at
        raise DataError(f"{said}: expected an existing folder")
    copy = look(entry.formats, [folder / place for place in (*entry.folders, "")])
    if not copy.paths:
        places = " or ".join(f"{place}/" for place in entry.folders)
        ways = f"expected {_ways(entry.formats, ' or ')}, directly or in {places}"
        raise DataError(f"{said}: holds no {entry.name}: {ways}")
    return entry, copy


def _ways(formats: Sequence[Format], between: str) -> str:
    return between.join(", ".join(format.files) for format in formats)


def _read(entry: DatasetEntry, copy: Copy) -> Dataset:
    """What is there, if it is the official data."""
    try:
        dataset = read(copy, entry.name, entry.classes)
        if dataset.sha256 == entry.sha256:
            return dataset
        # A name alone could be the catalogue's.
        hint = f"named by its folder (--dataset {os.path.abspath(copy.place)})"
        raise DataError(
            f"{copy.place}: holds {len(dataset.y_train)} + {len(dataset.tests['test'][1])} items "
            f"of sha256 {dataset.sha256}: expected the official {entry.name}, {entry.sha256}"
            + (f"; this copy is a data set of its own, {hint}" if copy.paths else "")
        )
    except DataError as error:
        if not entry.folders or copy.place != str(cache(entry)):
            raise
        raise DataError(f"{error} ({_hint(entry)})") from error


def _hint(entry: DatasetEntry) -> str:
    return f"gigo data fetch {entry.name} brings the files"


def _plain(table: dict[str, Any]) -> dict[str, Any]:
    """A table of the catalogue as an entry has it."""
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    return values | {"formats": FORMATS[table["formats"]]}


_TABLES = tomllib.loads((files(__name__) / "official.toml").read_text("utf-8"))
CATALOGUE = {name: DatasetEntry(name=name, **_plain(table)) for name, table in _TABLES.items()}
