"""Progress on a terminal, or as plain lines where there is none."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import Progress, TaskID
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from gigo.describe import duration
from gigo.printable import printable

if TYPE_CHECKING:
    from gigo.runner import Progress as State


class Display:
    """Shows a run's progress while it is used as a context; `show` is the runner's listener.

    Args:
        console: where to.
        line_every: seconds between plain lines, where there is no terminal.
    """

    def __init__(self, console: Console, line_every: float = 10.0) -> None:
        self._console, self._line_every = console, line_every
        self._live = Live(Text("starting"), console=console, transient=True)
        self._next_line = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, progress: State) -> None:
        """Take in how far the run is."""
        if progress.note:
            self._line(progress.note)
        if not progress.stack and not progress.download:
            return
        if self._live.is_started:
            self._live.update(_picture(progress))
        elif time.perf_counter() >= self._next_line:
            self._next_line = time.perf_counter() + self._line_every
            self._line(f"{_done(progress)}; {_training(progress)}")

    def _line(self, text: str) -> None:
        self._console.print(printable(text), soft_wrap=True, highlight=False, markup=False)


class Download:
    """A progress bar of files being fetched; `show` is the watcher."""

    def __init__(self, console: Console) -> None:
        columns = Progress.get_default_columns()
        shown = console.is_terminal
        self._bar = Progress(*columns, console=console, transient=True, disable=not shown)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, file: str, done: int, total: int) -> None:
        """``done`` of ``total`` bytes of a file are there."""
        if file not in self._tasks:
            self._tasks[file] = self._bar.add_task(file, total=total)
        self._bar.update(self._tasks[file], completed=done, total=total)


def _picture(progress: State) -> Group:
    """Two lines: what is being trained, and a bar of the trials done."""
    bar = Table.grid(Column(ratio=1), Column(no_wrap=True), padding=(0, 1), expand=True)
    bar.add_row(ProgressBar(progress.total, progress.done), _done(progress))
    return Group(Text(printable(_training(progress)), no_wrap=True, overflow="ellipsis"), bar)


def _training(progress: State) -> str:
    if progress.download:
        return progress.download
    members = "1 model" if progress.running == 1 else f"{progress.running} models"
    return f"{progress.stack}: {members}, epoch {progress.epoch} of at most {progress.epochs}"


def _done(progress: State) -> str:
    left = progress.seconds_left
    guess = "" if left is None else f", {duration(left)} left"
    return f"{progress.done} of {progress.total} trials{guess}"
