"""The built-in studies, as TOML files of the kind users write."""

from __future__ import annotations

import os
from importlib.resources import as_file, files
from pathlib import Path

from gigo.errors import SpecError, unknown
from gigo.study import Study


def names() -> list[str]:
    """Of the built-in studies."""
    found = (Path(entry.name) for entry in files(__name__).iterdir())
    return sorted(path.stem for path in found if path.suffix == ".toml")


def find(study: str | Path) -> Study:
    """The study of a built-in name, or in a TOML file.

    Raises:
        SpecError: neither, or what the file says is wrong.
    """
    if Path(study).suffix.lower() == ".toml":
        return Study.from_toml(Path(study))
    if str(study) not in names():
        if os.path.exists(study):
            raise SpecError("study", str(study), f"a TOML file; for your data: --data {study}")
        raise unknown("study", str(study), [*names(), "a file ending in .toml"])
    with as_file(files(__name__) / f"{study}.toml") as path:
        return Study.from_toml(path)
