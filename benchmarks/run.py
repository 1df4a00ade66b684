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
MARK = "<!-- benchmarks/run.py writes below this line -->"


class Duel(NamedTuple):
    """What is compared: time a model of a rival over that of gigo."""

    what: str
    name: str
    ours: str
    rival: str
    rival_is: str
    goal: str


KERAS, TORCH = "Keras 3 `fit`", "plain PyTorch float32 loop, data in memory"
DUELS = [
    Duel("full-size training, 28x28x1, batch 256", "fit-28", "gigo", "keras", KERAS, "1.8"),
    Duel("the same", "fit-28", "gigo", "keras-bf16", f"{KERAS}, mixed_bfloat16", "1"),
    Duel("the same", "fit-28", "gigo", "torch", TORCH, "2.2"),
    Duel("full-size training, 32x32x3, batch 256", "fit-32", "gigo", "keras", KERAS, "1.8"),
    Duel("the same", "fit-32", "gigo", "keras-bf16", f"{KERAS}, mixed_bfloat16", "1"),
    Duel("the same", "fit-32", "gigo", "torch", TORCH, "2.2"),
    Duel(
        "first-1,000 sweep, oracle", "first-1000", "gigo-oracle", "keras-test",
        f"{KERAS} loop, validation on the test set", "2.3",
    ),
    Duel(
        "first-1,000 sweep, clean validation", "first-1000", "gigo-clean", "keras-split",
        f"{KERAS} loop, validation on the same held-out items", "2",
    ),
    Duel(
        "the same", "first-1000", "gigo-clean", "keras-test",
        "the article's way: validation on the test set", "6",
    ),
    Duel("digits demo sweep, 8x8, batch 16", "digits", "gigo", "torch", TORCH, "3"),
    Duel(
        "8x8, batch 32, stacks on streams of their own", "small", "gigo", "torch", TORCH, "4",
    ),
]  # fmt: skip


def main() -> None:
    """Run the duels asked for, print the table, write it where it belongs."""
    quick = "--quick" in sys.argv
    names = [argument for argument in sys.argv[1:] if argument != "--quick"]
    rounds = 1 if quick else 3
    lines = [
        "| what | against | goal | ratio, median | lowest to highest | gigo, s a model |",
        "|---|---|---|---|---|---|",
    ]
    for duel in DUELS:
        if names and duel.name not in names:
            continue
        if duel.rival.startswith("keras") and not keras_python():
            print(f"| {duel.what} | {duel.rival_is} | {duel.goal}x | left out: no Keras here | | |")
            continue
        if duel.rival == "keras-bf16" and precision() != "bfloat16":
            print(f"| {duel.what} | {duel.rival_is} | {duel.goal}x | left out: no bfloat16 | | |")
            continue
        pairs = [
            (measure(duel.name, duel.ours), measure(duel.name, duel.rival)) for _ in range(rounds)
        ]
        ratios = [rival / ours for ours, rival in pairs]
        ours = statistics.median(ours for ours, _ in pairs)
        lines.append(
            f"| {duel.what} | {duel.rival_is} | {duel.goal}x | {statistics.median(ratios):.2f}x "
            f"| {min(ratios):.2f} to {max(ratios):.2f} | {ours:.3g} |"
        )
        print(lines[-1], flush=True)
    if not quick and not names:
        write(lines, rounds)


def precision() -> str:
    """What gigo trains in on this machine."""
    import torch

    from gigo.engine.device import resolve_precision

    return resolve_precision("auto", torch.device("cpu"))


def keras_python() -> str:
    """The interpreter that rivals in Keras run in; empty if there is none."""
    found = importlib.util.find_spec("keras") and sys.executable
    return os.environ.get("GIGO_KERAS_PYTHON", found or "")


def measure(name: str, side: str) -> float:
    """Seconds a model, in a fresh process."""
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


def write(lines: list[str], rounds: int) -> None:
    """Replace the table of the page; what people wrote above it stays."""
    import torch

    from gigo import machine

    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else f"# Performance\n\n{MARK}\n"
    made = (
        f"`make bench`, {rounds} rounds, {machine.processor()} with {os.cpu_count()} cores, "
        f"{precision()}, PyTorch {torch.__version__}, Python {platform.python_version()}."
    )
    PAGE.write_text(
        text.split(MARK)[0] + "\n".join([MARK, "", made, "", *lines, ""]), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
