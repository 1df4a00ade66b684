"""Where copies of data sets may be on this computer."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from gigo.datasets.official import Copy, Layout, Official


def copies(official: Official, folder: Path, *, direct: bool) -> Iterator[Copy]:
    """The copies of a data set under a folder, whole ones first, incomplete ones after.

    Args:
        official: the data set looked for.
        folder: of data sets, searched in each layout's sub-folders.
        direct: look in the folder itself too, after them. Not done in folders that nobody named:
            MNIST and Fashion-MNIST have the same file names, and one is not a damaged other.
    """
    found = [
        copy
        for layout in official.layouts
        for place in dict.fromkeys((*layout.folders, "") if direct else layout.folders)
        for at in _places(folder, place)
        if (copy := _copy(layout, at)).paths
    ]
    yield from sorted(found, key=lambda copy: bool(copy.missing))


def _places(folder: Path, pattern: str) -> list[Path]:
    # glob, not Path.glob: a folder that we may not read is an empty one.
    if "*" not in pattern:
        return [folder / pattern]
    return sorted(folder / place for place in glob.glob(pattern, root_dir=folder))


def _copy(layout: Layout, folder: Path) -> Copy:
    # os.path, not Path.is_file: likewise one without the file.
    at = [
        next((folder / name for name in names if os.path.isfile(folder / name)), None)
        for names in layout.files
    ]
    missing = tuple(names[-1] for names, path in zip(layout.files, at, strict=True) if not path)
    return Copy(layout, folder, tuple(path for path in at if path), missing)


def wanted(official: Official) -> str:
    """The files and folders that `copies` looks for in a named folder, in words."""
    ways: list[str] = []
    for layout in official.layouts:
        files = ", ".join(" or ".join(names) for names in layout.files)
        folders = ", ".join(f"{folder}/" for folder in layout.folders if folder)
        ways.append(f"{files} (directly or in {folders})" if folders else files)
    return "; or ".join(ways)


def other_caches() -> list[Path]:
    """Folders in which users of Keras, torchvision and Hugging Face have data sets, each once.

    torchvision has no place of its own: its users name a root, most often one of these.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    keras = os.environ.get("KERAS_HOME") or "~/.keras"
    torch = os.environ.get("TORCH_HOME") or f"{cache}/torch"
    hugging_face = os.environ.get("HF_HOME") or f"{cache}/huggingface"
    hub = os.environ.get("HF_HUB_CACHE") or f"{hugging_face}/hub"
    roots = (
        f"{keras}/datasets",
        "data",
        "datasets",
        ".",
        "../data",
        "~/data",
        "~/datasets",
        torch,
        f"{torch}/datasets",
        hub,
    )
    real = (os.path.realpath(os.path.expanduser(root)) for root in roots)
    return [Path(root) for root in dict.fromkeys(real)]


def own_cache(folder: str) -> Path:
    """The folder in which gigo keeps the files that it fetched of a data set."""
    from platformdirs import user_cache_path

    return user_cache_path("gigo") / "datasets" / folder
