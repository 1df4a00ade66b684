"""Images in folders that are called as their classes are."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gigo.datasets.image_items import Items, from_images, is_image
from gigo.datasets.labels import listed
from gigo.datasets.options import SPLITTING, Options
from gigo.errors import DataError
from gigo.types import Dataset, Watch

USES = {"test", "labels", "classes", "kind", "resize", "skip_bad", *SPLITTING}
"""Names of the options for which a folder of images has a use."""

TRAINING = ("train", "training")
TESTING = ("test", "testing", "val", "valid", "validation")
"""Splits, where a folder for training that has folders of classes is among them, in small letters
or capitals. The first of those for testing that has classes is the test set."""

_OF_SYSTEMS = frozenset(["thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"])
"""What systems leave among files; whatever has a dot before its name counts likewise."""


def is_image_folder(path: Path) -> bool:
    """Whether a folder has folders with images in them, or a split that has; little is read.

    >>> is_image_folder(Path("."))
    False
    """
    try:
        return any(
            _has_images(folder) or (_is_split(folder) and any(map(_has_images, _folders(folder))))
            for folder in _folders(path)
        )
    except OSError:  # no folder, or one that may not be looked into
        return False


def from_image_folder(
    path: Path, options: Options, watch: Watch, *, cache: Path | None = None
) -> Dataset:
    """Read images that lie in a folder per class, which is called as the class is.

    Items come by class, then by file, names in the order of their bytes: ``B.png``, ``a.png``,
    ``a10.png``, ``a2.png``. Classes are sorted as everywhere, numbers by value. Hidden files and
    folders are passed over, and so are files beside the folders of classes.

    Where ``train`` with folders of classes is among the folders, it is the training set. Then
    ``test``, else ``val``, ``valid`` or ``validation``, is the test set; it may lack classes.

    Args:
        path: the folder.
        options: `USES` of them. ``test`` is a folder per class of test images, in place of the one
            beside ``train``.
        watch: is told how far decoding is.
        cache: see `gigo.datasets.pictures.read_pictures`.

    Raises:
        DataError: the folder of a class is empty, a file is no image, sizes differ, the test set
            has a class that is unknown to training, or as `gigo.datasets.build.build`.
        SpecError: an option is out of range.
    """
    found = _Walk()
    try:
        train, test = found.splits(path)
        named = options.file("test")
        if named is not None:
            found.leave([test] if test else [], f"the test set is {named}")
            test = named
        items = found.items(train)
        tested = found.items(test, may_lack=True) if test else None
    except OSError as error:
        where = f"{error.filename}: {error.strerror}"
        raise DataError(f"{where}: expected a folder that can be read") from None
    name = path.absolute().name or "images"
    return from_images(name, path, (items, tested), options, found.notes, watch, cache=cache)


def folders(path: Path, options: Options) -> tuple[Path, Path | None, Items]:
    """Where training and test images lie, and the training images.

    Raises:
        DataError: as `from_image_folder`.
    """
    found = _Walk()
    train, test = found.splits(path)
    return train, options.file("test") or test, found.items(train)


class _Look(NamedTuple):
    """What is in a folder, in the order of names' bytes, hidden files and folders aside."""

    folders: list[Path]
    files: list[Path]
    hidden: list[str]


class _Walk:
    """Looks into folders, and keeps what is to be said of that."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._seen: dict[Path, _Look] = {}

    @property
    def notes(self) -> list[str]:
        hidden = Counter(name for seen in self._seen.values() for name in seen.hidden)
        names = [f"{name} ({n:,})" for name, n in sorted(hidden.items())]
        said = f"hidden files and folders are passed over: {listed(names)}"
        return [*self._notes, *([said] if names else [])]

    def splits(self, root: Path) -> tuple[Path, Path | None]:
        """The folders of the training set and of the test set, if there is one."""
        folders = {folder.name.lower(): folder for folder in self._look(root).folders}
        training = [folders[name] for name in TRAINING if name in folders]
        train = next((folder for folder in training if _has_classes(folder)), None)
        if train is None:
            return root, None
        tests = [folders[name] for name in TESTING if name in folders]
        with_classes = [folder for folder in tests if _has_classes(folder)]
        test = with_classes[0] if with_classes else None
        bare = [folder for folder in tests if folder not in with_classes]
        self.leave(bare, "no folder per class is there")
        self.leave(with_classes[1:], f"the test set is {test and test.name}/")
        others = [each for each in folders.values() if each not in (train, *tests)]
        self.leave(others, f"beside {train.name}/ only splits count")
        if test and test.name.lower() not in ("test", "testing"):
            self._notes.append(f"the test set is {test.name}/")
        return train, test

    def leave(self, folders: list[Path], why: str) -> None:
        """Note folders that are not used."""
        if folders:
            names = listed([f"{folder.name}/" for folder in folders])
            self._notes.append(f"{names} {'is' if len(folders) == 1 else 'are'} not used: {why}")

    def items(self, root: Path, *, may_lack: bool = False) -> Items:
        """The files in the folders of classes."""
        top = self._look(root)
        if not top.folders:
            raise DataError(f"{root}: no folders: expected one per class with its images")
        if top.files:
            names = listed([file.name for file in top.files], 5)
            self._notes.append(f"files beside the folders of classes are passed over: {names}")
        found = Items([], [])
        for folder in top.folders:
            inside = self._look(folder)
            if inside.folders:
                raise DataError(
                    f"{inside.folders[0]}: a folder in that of class {folder.name!r}: expected "
                    "images alone (the folder to name is the one that has a folder per class)"
                )
            if not inside.files and not may_lack:
                raise DataError(f"{folder}: the folder of a class without images: expected some")
            found.files.extend(inside.files)
            found.labels.extend([folder.name] * len(inside.files))
        return found

    def _look(self, folder: Path) -> _Look:
        if folder not in self._seen:
            self._seen[folder] = _look(folder)
        return self._seen[folder]


def _look(folder: Path) -> _Look:
    found = _Look([], [], [])
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: os.fsencode(entry.name)):
            folder_like = entry.is_dir()
            if entry.name.startswith(".") or entry.name.lower() in _OF_SYSTEMS:
                found.hidden.append(entry.name + "/" * folder_like)
            else:
                (found.folders if folder_like else found.files).append(folder / entry.name)
    return found


def _folders(path: Path) -> list[Path]:
    return _look(path).folders if path.is_dir() else []


def _is_split(folder: Path) -> bool:
    return folder.name.lower() in (*TRAINING, *TESTING)


def _has_classes(folder: Path) -> bool:
    """Whether it has folders and no images, as a split does and a class does not."""
    inside = _look(folder)
    return bool(inside.folders) and not any(map(is_image, map(str, inside.files)))


def _has_images(folder: Path) -> bool:
    def names() -> Iterator[str]:
        with os.scandir(folder) as entries:
            yield from (each.name for each in entries if not each.name.startswith("."))

    return any(map(is_image, names()))
