"""The pages: links lead somewhere, commands exist, and the README's examples run."""

from __future__ import annotations

import ast
import re
import runpy
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.core import TyperGroup

import gigo
from command import instant_run
from gigo import cli
from gigo.corruptions import CATALOGUE
from gigo.resolve import resolve

ROOT = Path(__file__).parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
}
README = PAGES["README.md"]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
each_page = pytest.mark.parametrize("page", PAGES)


def example(language: str, text: str = README) -> str:
    """A page's lines in a language."""
    return "\n".join(block for name, block in FENCED.findall(text) if name == language)


def links(text: str) -> list[str]:
    """Where a page's links and images lead inside the project."""
    found = re.findall(r"\]\(\s*([^)\s]+)\s*\)", FENCED.sub("", text))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(text: str) -> set[str]:
    """What links can name on a page: its headings as Git hosts write them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def commands(text: str) -> Iterator[list[str]]:
    """The words of each ``gigo ...`` on a page, in its blocks and between its sentences."""
    for _, block in FENCED.findall(text):
        lines = block.replace("\\\n", " ")
        yield from (line.split() for line in re.findall(r"^gigo ([^#>\n]+)", lines, re.MULTILINE))
    yield from (words.split() for words in re.findall(r"`gigo\s([^`]+)`", FENCED.sub("", text)))


def check_command(words: list[str]) -> None:
    """Raises what the command line raises for a command, option or argument it does not know."""
    command, words = typer.main.get_command(cli.app), list(words)
    while words and isinstance(command, TyperGroup) and words[0][0] != "-":
        assert words[0] in command.commands
        command = command.commands[words.pop(0)]
    if words:  # a sentence may name a command without what it needs
        with suppress(typer.Exit):  # --help
            command.make_context("gigo", words)


def test_the_files_that_the_architecture_names_are_there() -> None:
    named = re.findall(r"`([\w/]+\.(?:py|toml))`", PAGES["docs/architecture.md"])
    folders = [ROOT, ROOT / "src" / "gigo", *(ROOT / "src" / "gigo").glob("*/")]
    missing = {name for name in named if not any((f / name).is_file() for f in folders)}
    assert missing <= {"study.toml", "mine.py"}  # what readers write


@each_page
def test_links_lead_somewhere(page: str) -> None:
    for link in links(PAGES[page]):
        name, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@each_page
def test_commands_exist(page: str) -> None:
    for words in commands(PAGES[page]):
        try:
            check_command(words)
        except Exception as error:
            raise AssertionError(f"gigo {' '.join(words)}") from error


@each_page
def test_scripts_exist(page: str) -> None:
    for script in re.findall(r"python\s+(\w+/\w+\.py)", PAGES[page]):
        assert (ROOT / script).is_file(), script


@pytest.mark.parametrize("folder", ["results", "images"])
def test_a_page_links_every_table_and_figure(folder: str) -> None:
    linked = {Path(link).name for text in PAGES.values() for link in links(text)}
    assert {path.name for path in (ROOT / "docs" / folder).iterdir()} <= linked


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "images").iterdir()), ids=lambda p: p.name)
def test_figures_have_a_dark_look(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ET.fromstring(text).tag.endswith("svg")
    assert "prefers-color-scheme: dark" in text  # else: python benchmarks/figures.py


def test_the_catalogue_s_page_and_pictures_are_those_of_today() -> None:
    scope = runpy.run_path(str(ROOT / "docs" / "corruptions.py"))
    for path, text in scope["written"]().items():
        assert path.read_text(encoding="utf-8") == text, "else: python docs/corruptions.py"


def test_the_readme_counts_the_corruptions() -> None:
    assert f"| corruptions | {len(CATALOGUE)}, " in (ROOT / "README.md").read_text("utf-8")


# The checks themselves


@pytest.mark.parametrize(
    "wrong",
    ["runn demo", "run demo --sizes 3", "run demo too", "run demo --rate", "data were mnist"],
)
def test_a_wrong_command_is_found(wrong: str) -> None:
    with pytest.raises((AssertionError, typer.TyperException)):
        check_command(wrong.split())


def test_commands_are_found_in_blocks_and_sentences() -> None:
    text = "Say `gigo run\ndemo`.\n```console\n$ ls\ngigo plan demo \\\n  --rate 0   # why\n```\n"
    assert list(commands(text)) == [["plan", "demo", "--rate", "0"], ["run", "demo"]]


# The README


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_readme_s_study_is_one(tmp_path: Path) -> None:
    path = tmp_path / "my-study.toml"
    path.write_text(example("toml"))
    study = gigo.Study.from_toml(path)
    assert study.name == "my-study"
    assert len(resolve(study).trials) == 5 * 2 * (1 + 3 * 5)


def test_the_readme_s_python_works(here: Path) -> None:
    quickly = ', recipe={"base": "small", "epochs": 2}, replicates=1)'
    code = re.sub(r"(gigo\.sweep\([^#]*?),?\s*\)$", rf"\1{quickly}", example("python"), flags=re.M)
    code = code.replace('"all"', "300")
    scope: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), scope)
    result = scope["result"]
    assert isinstance(result, gigo.Result)
    assert (result.path / "report.html").is_file()
    used = {node.attr for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Attribute)}
    assert used >= {"sweep", "path", "frame", "summary", "plot", "report", "compare"}


def write_data(folder: Path) -> None:
    """The data that the README's commands name."""
    rows = [f"{20 + k % 31},{'ab'[k % 2]},{'yes' if k % 3 else 'no'}" for k in range(60)]
    (folder / "customers.csv").write_text("\n".join(["age,plan,churned", *rows]))
    notes = [f"{'a note on ' * (1 + k % 3)}{k},{'work' if k % 2 else 'home'}" for k in range(60)]
    (folder / "notes.csv").write_text("\n".join(["note,topic", *notes]))
    np.savez(folder / "X.npz", X=np.arange(120.0).reshape(60, 2), y=np.arange(60) % 3)
    (folder / "mine.py").write_text(
        "from torch import nn\n\n\n"
        "def network(input_shape, n_classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.LazyLinear(n_classes))\n"
    )
    for k in range(40):
        place = folder / "photos" / ("cat" if k % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 40 * (k % 2) + k).save(place / f"{k}.png")


def test_the_readme_s_commands_work(here: Path) -> None:
    Path("my-study.toml").write_text(example("toml").replace('"mnist"', '"digits"'))
    found = re.findall(r"^gigo ([^#>\n]+)", example("console"), re.MULTILINE)
    expected = [
        "demo",
        "plan",
        "run",
        "find",
        "status",
        "report",
        "table",
        "tolerance",
        "exchange",
        "find",
        "compare",
        "list",
        "corrupt",
        "audit",
        "data",
        "init",
    ]
    assert {command.split()[0] for command in found} == {*expected}
    write_data(here)
    for command in found:
        if command.startswith("compare"):
            shutil.copytree("runs/mine", command.split()[-1])
        words = command.split()
        if "--data" in words:
            words += ["--rate", "0", "--rate", "0.4", "--replicates", "1"]
        with pytest.raises(SystemExit) as end:
            cli.main(words, instant_run)
        assert not end.value.code, command
