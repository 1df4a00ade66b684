"""Writing: images of the figures, and whole files or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gigo.errors import StoreError
from gigo.report.figures import figure
from gigo.report.material import Material

SCALE = 2
"""Pixels of a PNG per point of the figure."""


def save_figures(
    folder: Path, material: Material, formats: Sequence[str] = ("svg", "png")
) -> list[Path]:
    """One figure per size and format, as ``accuracy-SIZE.FORMAT``.

    Raises:
        StoreError: the folder can't be written.
    """
    import vl_convert

    saved: list[Path] = []
    for size in material.frame["size"].unique():
        spec = figure(material, int(size)).to_dict()
        for kind in formats:
            path = folder / f"accuracy-{size}.{kind}"
            if kind == "svg":
                content = vl_convert.vegalite_to_svg(spec).encode()
            else:
                content = vl_convert.vegalite_to_png(spec, scale=SCALE)
            saved.append(write_whole(path, content))
    return saved


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that nobody ever sees half of it; folders are made as needed.

    Raises:
        StoreError: it can't be written.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp's file is for its owner alone
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise StoreError(
            f"{path}: expected a file that can be written ({error.strerror})"
        ) from None
    return path
