"""Progress on a terminal, or as plain lines where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from gigo.printable import duration, printable

if TYPE_CHECKING:
    from gigo.runner import Progress


class Display:
    """What is under way: two lines on a terminal, elsewhere a line every now and then.

    Args:
        console: where to.
        every: seconds between lines.
    """

    def __init__(self, console: Console, every: float = 10.0) -> None:
        self.live = Live(Text("starting"), console=console, transient=True)
        self._every, self._next_line = every, 0.0
        self._patient = time.perf_counter() + every

    def show(self, progress: Progress) -> None:
        """How far a run is: the runner's listener."""
        if progress.note:
            self._line(progress.note)
        left = progress.seconds_left
        guess = "" if left is None else f", {duration(left)} left"
        count = f"{progress.done} of {progress.total} trials{guess}"
        if not progress.total:
            self._reads(progress.download)
        elif progress.download:
            self._draw(progress.download, progress.done, progress.total, count)
        elif progress.stack:
            self._draw(_training(progress), progress.done, progress.total, count)

    def reading(self, what: str, done: int, total: int) -> None:
        """How many images are decoded: a watcher of `gigo.datasets.from_path`."""
        self._reads(f"{done:,} of {total:,} {what}")

    def _reads(self, doing: str) -> None:
        """Data are read, before it is known how many trials there are; mostly that is done soon."""
        if self.live.is_started:
            self.live.update(Text(printable(doing), no_wrap=True, overflow="ellipsis"))
        elif time.perf_counter() >= max(self._patient, self._next_line):
            self._next_line = time.perf_counter() + self._every
            self._line(doing)

    def download(self, file: str, done: int, total: int) -> None:
        """How many of a file's bytes are there, on a terminal alone: a download's watcher."""
        if self.live.is_started:
            self._draw(file, done, total, f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")

    def _draw(self, doing: str, done: int, total: int, count: str) -> None:
        """A line on what is being done, and a bar of what is done."""
        if self.live.is_started:
            bar = Table.grid(Column(ratio=1), Column(no_wrap=True), padding=(0, 1), expand=True)
            bar.add_row(ProgressBar(total, done), count)
            above = Text(printable(doing), no_wrap=True, overflow="ellipsis")
            self.live.update(Group(above, bar))
        elif time.perf_counter() >= self._next_line:
            self._next_line = time.perf_counter() + self._every
            self._line(f"{count}; {doing}")

    def _line(self, text: str) -> None:
        self.live.console.print(printable(text), soft_wrap=True, highlight=False, markup=False)


def _training(progress: Progress) -> str:
    """What is being trained; of a stack that is about to end, nothing is left to count."""
    if not progress.running:
        return progress.stack
    models = "1 model" if progress.running == 1 else f"{progress.running} models"
    epoch = f", epoch {progress.epoch} of at most {progress.epochs}"
    return f"{progress.stack}: {models}{epoch if progress.epochs else ' to fit'}"


@contextmanager
def interactive() -> Generator[Callable[[Progress], None]]:
    """A listener that shows progress where somebody looks: at a terminal or in a notebook.

    Elsewhere, as in a script whose output goes to a file, it shows nothing.
    """
    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        yield lambda progress: None
        return
    with displayed(console) as display:
        yield display.show


@contextmanager
def displayed(console: Console | None = None, every: float = 10.0) -> Generator[Display]:
    """A display that goes away with the context; default on standard output."""
    display = Display(console or Console(), every)
    with display.live if display.live.console.is_terminal else nullcontext():
        yield display
