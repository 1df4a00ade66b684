"""The worked examples end in an answer and a report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import gigo

EXAMPLES = Path(__file__).parent.parent / "examples"


def example(name: str) -> ModuleType:
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "fields"),
    [("table", {}), ("images", {"n": 400}), ("text", {"n": 300})],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_example_ends_in_an_answer_and_a_report(
    name: str, fields: dict[str, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main: Callable[..., gigo.Result] = example(name).main
    result = main(out=tmp_path / "run", rates=(0, 0.4), replicates=2, **fields)
    printed = capsys.readouterr().out
    assert "correct with clean labels" in printed
    assert (tmp_path / "run" / "report.html").is_file()
    assert result.missing == 0
    assert set(result.frame["status"]) == {"ok"}
    clean: Any = result.summary[result.summary["rate"] == 0]
    spoilt: Any = result.summary[result.summary["rate"] == 0.4]
    assert clean["mean"].min() > 0.8
    assert (spoilt["mean"].to_numpy() < clean["mean"].to_numpy()).all()


def test_every_example_is_tried() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"table", "images", "text"}
    assert "examples" not in sys.modules
