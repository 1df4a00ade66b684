"""What users may import, and that each of it is shown at work."""

from __future__ import annotations

import ast
import doctest
from collections.abc import Iterator
from pathlib import Path

import pytest

import gigo

SOURCE = Path(gigo.__file__).parent
ENOUGH = 80


def examples(text: str) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(text)


def docstrings(path: Path) -> Iterator[str]:
    """Of a module and all that it defines."""
    kinds = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, kinds):
            yield ast.get_docstring(node) or ""


@pytest.mark.parametrize("name", [name for name in gigo.__all__ if name != "__version__"])
def test_every_public_name_has_an_example(name: str) -> None:
    assert examples(getattr(gigo, name).__doc__ or "")


def test_all_is_what_there_is() -> None:
    assert sorted(gigo.__all__) == list(gigo.__all__)
    assert dir(gigo) == gigo.__all__


def test_no_example_is_skipped_and_there_are_many() -> None:
    lines = 0
    for path in SOURCE.rglob("*.py"):
        for text in docstrings(path):
            for example in examples(text):
                assert not example.options.get(doctest.SKIP), f"{path}: {example.source}"
                lines += 1
    assert lines >= ENOUGH
