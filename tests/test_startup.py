"""Commands that train nothing import nothing that is slow to import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from command import environment
from factories import grid_of, make_study
from gigo.store import Store

ROOT = Path(__file__).parent.parent
LIGHT = [
    "--help",
    "--version",
    "run --help",
    "list datasets",
    "list corruptions",
    "list models",
    "list studies",
    "status RUN",
    "plan demo --rate 2",  # errors are fast too
    "status nowhere",
]
SCRIPT = """
import json, sys
from gigo.cli import main
found = {}
for command in json.loads(sys.argv[1]):
    sys.argv = ["gigo", *command.replace("RUN", "small").split()]
    try:
        main()
    except SystemExit as end:
        heavy = {"altair", "pandas", "pyarrow", "scipy", "sklearn", "torch", "vl_convert"}
        found[command] = [end.code, sorted(heavy & set(sys.modules))]
print(json.dumps(found))
"""


def python(*arguments: str, **options: Any) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_trains_nothing_imports_nothing_heavy(tmp_path: Path) -> None:
    Store.create(tmp_path / "small", grid_of(make_study())).close()
    printed = python("-c", SCRIPT, json.dumps(LIGHT), cwd=tmp_path)
    found = json.loads(printed.splitlines()[-1])
    codes = dict.fromkeys(LIGHT, 0) | {"plan demo --rate 2": 2, "status nowhere": 2}
    assert found == {command: [code, []] for command, code in codes.items()}


def test_how_far_a_run_is_can_be_asked_without_numpy(tmp_path: Path) -> None:
    Store.create(tmp_path / "small", grid_of(make_study())).close()
    script = "import sys; from gigo import describe; describe.status('small'); print(*sys.modules)"
    loaded = python("-c", script, cwd=tmp_path).split()
    assert not {"numpy", "gigo.datasets", "gigo.models"} & {*loaded}


def test_the_package_itself_imports_nothing_foreign() -> None:
    script = "import sys; old = set(sys.modules); import gigo; print(*set(sys.modules) - old)"
    roots = {name.partition(".")[0] for name in python("-c", script).split()}
    assert roots - sys.stdlib_module_names == {"gigo"}


def test_the_benchmark_measures_what_is_promised() -> None:
    title, *lines = python(str(ROOT / "benchmarks" / "startup.py"), "1").splitlines()
    assert title.split() == ["command", "median", "slowest"]
    commands = ["--help", "--version", "status RUN", "list models"]
    for command, line in zip(commands, lines, strict=True):
        assert line.startswith(f"gigo {command} ")
        assert line.endswith(("  ok", "  over 0.5 s"))
