"""Progress on a terminal, or as plain lines where there is none."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from gigo.describe import duration

if TYPE_CHECKING:
    from gigo.runner import Progress

LINE_EVERY = 5.0
"""Seconds between plain lines."""


class Display:
    """Shows a run's progress while it is used as a context; `show` is the runner's listener."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = console.is_terminal
        self._bar = Bar(
            TextColumn("{task.fields[what]}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("trials{task.fields[left]}"),
            console=console,
            disable=not self._live,
            transient=True,
        )
        self._task: TaskID = self._bar.add_task("", total=None, what="starting", left="")
        self._last_line = time.perf_counter()

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

    def show(self, progress: Progress) -> None:
        """Take in how far the run is."""
        if progress.note:
            self._console.print(progress.note)
        left = f", {duration(progress.seconds_left)} left" if progress.seconds_left else ""
        what = progress.stack and (
            f"{progress.stack}: {progress.running} models, "
            f"epoch {progress.epoch} of at most {progress.epochs}"
        )
        if self._live:
            self._bar.update(
                self._task,
                completed=progress.done,
                total=progress.total,
                what=what or "starting",
                left=left,
            )
        elif what and time.perf_counter() - self._last_line >= LINE_EVERY:
            self._last_line = time.perf_counter()
            self._console.print(f"{progress.done} of {progress.total} trials; {what}{left}")
