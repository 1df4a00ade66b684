"""What large runs cost to read: ``python benchmarks/growth.py FOLDER [REPLICATES]``.

Makes a run of 1,000 cells in 100 replicates, or so many, with made-up results, where FOLDER has
none. Then each command that trains nothing is a process of its own: its CPU seconds, peak memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

from gigo.resolve import resolve
from gigo.store import Store
from gigo.study import Study

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from factories import make_record, make_test_set  # pyright: ignore[reportMissingImports] - of tests/

COMMANDS = (
    "status RUN",
    "table RUN --csv",
    "report RUN",
    "plan RUN/growth.toml --out RUN",
    "run RUN/growth.toml --out RUN",
)

STUDY = """
dataset = "digits"
size = [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]
corruption = ["symmetric", "biased", "two_sink", {{ name = "symmetric", include_true = true }}]
rates = [{rates}]
replicates = {replicates}
precision = "float32"
"""

MEASURE = """
import resource, sys
from gigo.cli import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, file=sys.stderr)
"""


def main() -> None:
    folder = Path(sys.argv[1])
    if not Store.is_at(folder):
        make_run(folder, int(sys.argv[2]) if sys.argv[2:] else 100)
    for command in COMMANDS:
        arguments = command.replace("RUN", str(folder)).split()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        *said, numbers = done.stderr.splitlines()
        seconds, mebibytes = numbers.split()
        print(f"gigo {arguments[0]:<8} {float(seconds):6.1f} CPU s {mebibytes:>6} MiB", *said[-1:])


def make_run(folder: Path, replicates: int) -> None:
    """A finished run with made-up results."""
    folder.mkdir(parents=True, exist_ok=True)
    rates = ", ".join(f"{k / 25}" for k in range(1, 26))
    file = folder / "growth.toml"
    file.write_text(STUDY.format(rates=rates, replicates=replicates), encoding="utf-8")
    grid = resolve(Study.from_toml(file))
    with Store.create(folder, grid) as store:
        store.add_test_set(make_test_set())
        trials = iter(store.trials().values())
        pattern = make_record(next(iter(store.trials().values())))
        while some := list(islice(trials, 1000)):
            store.add(
                replace(pattern, key=trial.key, trial=trial.to_json(), n_changed=k % 80)
                for k, trial in enumerate(some)
            )


if __name__ == "__main__":
    main()
