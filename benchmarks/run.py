"""The table of docs/performance.md: ``python benchmarks/run.py [--quick] [NAME ...]``.

Every measurement is a process of its own; gigo and a rival take turns, and what is quoted is the
median of the ratios of neighbours, which a machine that drifts does not bend. Rivals in Keras run
in the Python that GIGO_KERAS_PYTHON names, or in this one if it has the extra ``keras``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN = "<!-- benchmarks/run.py writes from here -->"
END = "<!-- to here -->"


class Duel(NamedTuple):
    """What is compared: time per model of a rival over that of gigo."""

    what: str
    name: str
    ours: str
    rival: str
    rival_is: str
    goal: str


KERAS, TORCH = "Keras 3 `fit`", "plain PyTorch float32 loop, data in memory"
FULL = "article's network, full-size epochs, batch 256"
DUELS = [
    Duel(f"{FULL}, 28x28x1", "fit-28", "gigo", "keras", KERAS, "1.8"),
    Duel("the same", "fit-28", "gigo", "keras-bf16", f"{KERAS}, mixed_bfloat16", "1"),
    Duel("the same", "fit-28", "gigo", "torch", TORCH, "2.2"),
    Duel(f"{FULL}, 32x32x3", "fit-32", "gigo", "keras", KERAS, "1.8"),
    Duel("the same", "fit-32", "gigo", "keras-bf16", f"{KERAS}, mixed_bfloat16", "1"),
    Duel("the same", "fit-32", "gigo", "torch", TORCH, "2.2"),
    Duel(
        "article's network, first 1,000 items, `oracle`", "first-1000", "gigo-oracle",
        "keras-test", f"{KERAS} in a loop, validation on the test set", "2.3",
    ),
    Duel(
        "article's network, first 1,000 items, `clean`", "first-1000", "gigo-clean",
        "keras-split", f"{KERAS} in a loop, validation on the same held-out items", "2",
    ),
    Duel(
        "the same", "first-1000", "gigo-clean", "keras-test",
        "the article's way: validation on the test set", "6",
    ),
    Duel("demo's network, 8x8, batch 16, 63 models", "digits", "gigo", "torch", TORCH, "3"),
    Duel("demo's network, 8x8, batch 32, 64 replicates", "small", "gigo", "torch", TORCH, "4"),
]  # fmt: skip


def main() -> None:
    """Run the duels asked for, print the table, write it where it belongs."""
    quick = "--quick" in sys.argv
    names = [argument for argument in sys.argv[1:] if argument != "--quick"]
    rounds = 1 if quick else 3
    lines = [
        "| what is trained | gigo, s per model | rival | ratio | goal | machine | n |",
        "|---|---|---|---|---|---|---|",
    ]
    for duel in DUELS:
        if not names or duel.name in names:
            lines.append(row(duel, rounds))
            print(lines[-1], flush=True)
    if not quick and not names:
        write(lines, rounds)


def row(duel: Duel, rounds: int) -> str:
    """Of the table: gigo and a rival take turns."""
    ours = ratio = ""
    if duel.rival.startswith("keras") and not keras_python():
        ratio = "left out: no Keras here"
    elif duel.rival == "keras-bf16" and precision() != "bfloat16":
        ratio = "left out: no bfloat16"
    else:
        pairs = [
            (measure(duel.name, duel.ours), measure(duel.name, duel.rival)) for _ in range(rounds)
        ]
        ratios = [rival / ours for ours, rival in pairs]
        ours = f"{statistics.median(seconds for seconds, _ in pairs):.3g}"
        ratio = f"{statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"
    cells = duel.what, ours, duel.rival_is, ratio, f"{duel.goal}x", machine_text(), rounds
    return f"| {' | '.join(map(str, cells))} |"


def precision() -> str:
    """What gigo trains in on this machine."""
    import torch

    from gigo.engine.device import resolve_precision
    from gigo.machine import Machine

    return resolve_precision("auto", torch.device("cpu"), Machine.here())


def keras_python() -> str:
    """The interpreter that rivals in Keras run in; empty if there is none."""
    found = importlib.util.find_spec("keras") and sys.executable
    return os.environ.get("GIGO_KERAS_PYTHON", found or "")


def measure(name: str, side: str) -> float:
    """Seconds per model, in a fresh process."""
    python = keras_python() if side.startswith("keras") else sys.executable
    done = subprocess.run(
        [python, str(HERE / "measure.py"), name, side],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent / "src")},
    )
    if done.returncode:
        sys.exit(f"{name} {side} failed:\n{done.stderr}")
    result = json.loads(done.stdout.splitlines()[-1])
    return result["seconds"] / result["models"]


def machine_text() -> str:
    """What the numbers were made on."""
    from gigo.machine import Machine

    return f"{Machine.here().processor}, {os.cpu_count()} cores, {precision()}"


def write(lines: list[str], rounds: int) -> None:
    """Replace the table of the page; what people wrote around it stays."""
    import torch

    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    made = (
        f"`make bench`, {rounds} rounds, PyTorch {torch.__version__},"
        f" Python {platform.python_version()}."
    )
    table = "\n".join([BEGIN, "", *lines, "", made, "", END])
    PAGE.write_text(before + table + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
