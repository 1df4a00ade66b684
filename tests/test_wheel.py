"""What users install: the wheel, in an environment of its own, far from the source folder."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "gigo"
FOREIGN = {"PYTHONPATH", "PYTHONHOME", "GIGO_DATA", "COVERAGE_PROCESS_CONFIG"}


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints that knows of no source folder."""
    variables = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    variables |= {"OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "HOME": str(cwd)}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=variables, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(folder: Path) -> Path:
    """The wheel; its build backend is one of the developers' tools, so nothing is fetched."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-build-isolation"]
    run(*pip, "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, environment: Path) -> Path:
    """The interpreter of a new environment with the wheel, and with what it needs from this one."""
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=wheel.parent)
    scheme = {"base": str(environment), "platbase": str(environment)}
    python = Path(sysconfig.get_path("scripts", "venv", scheme)) / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"]
    run(*pip, "--no-deps", wheel, cwd=wheel.parent)
    # A folder that a .pth names is searched, but the .pth files in it, such as that of the
    # editable gigo, are not read.
    packages = Path(sysconfig.get_path("purelib", "venv", scheme))
    own = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(sorted(own)))
    return python


@pytest.mark.slow
def test_the_wheel_is_whole_and_its_demo_runs(tmp_path: Path) -> None:
    wheel = build(tmp_path)
    there = {
        f"gigo/{path.relative_to(SOURCE).as_posix()}"
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == there

    python = install(wheel, tmp_path / "environment")
    empty = tmp_path / "empty"
    empty.mkdir()
    found = run(python, "-c", "import gigo; print(gigo.__file__)", cwd=empty).strip()
    assert Path(found).is_relative_to(tmp_path / "environment")
    rates, rest = ["--rate", "0", "--rate", "0.4"], ["--corruption", "symmetric"]
    narrow = ["--size", "200", "--replicates", "1", *rates, *rest]
    printed = run(python.with_name("gigo"), "run", "demo", *narrow, cwd=empty)
    assert "runs/demo/report.html" in printed.splitlines()[-1]
    page = (empty / "runs" / "demo" / "report.html").read_text(encoding="utf-8")
    for name in ("page.css", "page.js"):
        assert (SOURCE / "report" / name).read_text(encoding="utf-8").strip() in page
    run(python.with_name("gigo"), "compare", "runs/demo", "runs/demo", cwd=empty)


def test_what_is_imported_is_asked_for() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
        lines = project["dependencies"] + project["optional-dependencies"]["hf"]
    asked = {re.split(r"[\[<>=!~; ]", line)[0].lower() for line in lines}
    homes = packages_distributions()
    used: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                used.add(node.module.partition(".")[0])
    foreign = used - sys.stdlib_module_names - {"gigo"}
    needed = {homes[name][0].lower() for name in foreign}
    assert needed <= asked
