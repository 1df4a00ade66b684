"""How fast the commands that train nothing are there: ``python benchmarks/startup.py [RUNS]``.

Whole processes are timed, from the call of ``gigo`` to its end, as whoever types it waits for them.
Prints the median of 20 runs, or of RUNS, and the slowest, after one that is not counted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gigo import studies
from gigo.resolve import resolve
from gigo.store import Store

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from factories import make_record, make_test_set  # pyright: ignore[reportMissingImports] - of tests/

PROMISE = 0.5
"""Seconds in which each of them is done."""

COMMANDS = ("--help", "--version", "status RUN", "list models")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(f"{'command':<18} median   slowest")
    with tempfile.TemporaryDirectory() as folder:
        make_run(Path(folder))
        for command in COMMANDS:
            arguments = command.replace("RUN", folder).split()
            _, *times = (seconds(arguments) for _ in range(1 + runs))
            median = statistics.median(times)
            verdict = "ok" if median < PROMISE else f"over {PROMISE} s"
            print(f"gigo {command:<12} {median:6.2f} s {max(times):6.2f} s  {verdict}")


def make_run(folder: Path) -> None:
    """A finished run of the demo, with made-up results."""
    study = studies.find("demo")
    with Store.create(folder, resolve(study)) as store:
        store.add_test_set(make_test_set())
        store.add(make_record(trial) for trial in store.trials().values())


def seconds(arguments: list[str]) -> float:
    """Of one process."""
    command = [sys.executable, "-c", "from gigo.cli import main; main()", *arguments]
    # The same modules for all, wherever this process found them; their bytecode kept, as pip does.
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
