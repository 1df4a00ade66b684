"""What a data set's official files are: their names, layouts on disk, checksums and mirrors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from gigo.datasets.arrays import Arrays, fingerprint
from gigo.types import Images, Labels


class Layout(NamedTuple):
    """One way in which copies of a data set lie on disks.

    Attributes:
        folders: where the files may be, relative to a folder of data sets; may contain ``*``.
        files: for each file its possible names, the first found is taken.
        read: the files' paths, in the order of ``files`` -> arrays; raises DataError.
    """

    folders: tuple[str, ...]
    files: tuple[tuple[str, ...], ...]
    read: Callable[[Sequence[Path]], Arrays]


class Download(NamedTuple):
    """How to fetch a data set.

    Attributes:
        layout: that reads what was fetched.
        files: file name -> sha256, in the order of the layout's files.
        mirrors: addresses to put before a file name, the first that works is taken.
        folder: of gigo's cache, where the files are kept.
    """

    layout: Layout
    files: dict[str, str]
    mirrors: tuple[str, ...]
    folder: str


class Official(NamedTuple):
    """All there is to know to find and read a data set.

    Attributes:
        name: the catalogue's name.
        class_names: one name a class.
        layouts: tried in this order in every folder.
        download: where to get it when no copy is found.
        fingerprint: of its arrays, in the order of `Arrays`.
    """

    name: str
    class_names: tuple[str, ...]
    layouts: tuple[Layout, ...]
    download: Download
    fingerprint: Callable[[Images, Labels, Images, Labels], str] = fingerprint


class Copy(NamedTuple):
    """A copy that was found, perhaps not whole.

    Attributes:
        layout: that reads it.
        folder: where it is.
        paths: of its files, in the layout's order.
        missing: names of files that are not there.
    """

    layout: Layout
    folder: Path
    paths: tuple[Path, ...]
    missing: tuple[str, ...]

    @property
    def place(self) -> Path:
        """The file, if it is only one, else the folder."""
        return self.paths[0] if len(self.paths) == 1 else self.folder
