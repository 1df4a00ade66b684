"""Several training processes at once, each with a stack of its own and a share of the cores.

On a CPU that is faster than one process with all cores: small steps spend much of their time
between PyTorch's parallel loops, and a thread that waits for a busy core holds up all others.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any

from gigo.planner import Room
from gigo.records import Record
from gigo.runner.process import Events, Process, error, message, next_event
from gigo.runner.stacks import Begun, Done, Event, Job, Setup, narrower
from gigo.runner.worker import Failure

LINGER = 0.1
"""Seconds that a record may wait for others, to be stored together; an error
waits for nothing."""


def train_jobs(
    jobs: Sequence[Job],
    setup: Setup,
    workers: int,
    threads: int,
    meanwhile: Callable[[], None] = lambda: None,
    timeout: float | None = None,
) -> Iterator[list[tuple[Job, Event]]]:
    """Train jobs, several at a time.

    What comes within a moment is one item; its records count as stored when the next is asked for.

    Args:
        jobs: begun in this order.
        setup: what they have in common.
        workers: processes at most.
        threads: of each.
        meanwhile: called once, while the processes start.
        timeout: seconds that fitting an estimator may take; None: any number.

    Yields:
        Jobs' events as they come, each with its job. A process that takes too long over an
        estimator is ended; where one died over an estimator, or was ended, the record of that trial
        says so, and the rest of the job goes on in another process.

    Raises:
        DataError, EngineError: as raised in a process, or one of them died over a network.
    """
    pool, held = _Pool(jobs, setup, threads), _Held()
    try:
        pool.start(min(workers, len(jobs)))
        meanwhile()
        while pool.all_busy():
            found = next_event(pool.events, pool.running, timeout or inf, held.since + LINGER)
            if found is not None and isinstance(found[1], Begun | Record | Done):
                held.add(*found)
                continue
            if held:
                yield held.events()
                held.stored()
            if found is not None and found[0] in pool.running:  # others ended, as they should
                yield from pool.passed_on(*found)
        if held:
            yield held.events()
    finally:
        for process in pool.running:
            process.kill()


class _Pool:
    """Processes, and the jobs that none of them has begun.

    Attributes:
        events: what the processes say.
        running: those that have not ended.
    """

    def __init__(self, jobs: Sequence[Job], setup: Setup, threads: int) -> None:
        self.events, self.running = Events(), list[Process]()
        self._waiting, self._room = deque(jobs), Room(setup.memory)
        self._beginning, self._threads = message((setup, threads)), threads

    def start(self, n: int) -> None:
        for _ in range(n):
            self.running.append(Process(self._beginning, self._threads, self.events))

    def all_busy(self) -> bool:
        """Give jobs to the processes that have none, and end those for which none is left.

        Returns:
            Whether any process is left.
        """
        for process in [each for each in self.running if each.job is None]:
            if self._waiting:
                process.begin(self._next())
            else:
                process.end()
                self.running.remove(process)
        return bool(self.running)

    def _next(self) -> Job:
        """The next job; the first part of it if memory ran out before and it has not begun yet."""
        job = self._waiting.popleft()
        parts = self._room.parts(job.trials)
        if len(parts) == 1 or job.checkpoint.exists():
            return job
        self._waiting.extendleft(Job.of(part, job.checkpoint.parent) for part in reversed(parts))
        return self._waiting.popleft()

    def passed_on(self, process: Process, event: Any) -> Iterator[list[tuple[Job, Event]]]:
        """What a process says, of its job; None: it died, and its job goes on in another."""
        job = _job(process)
        if isinstance(event, Failure):
            raise error(event)
        if event is None:
            yield from self._replaced(process, job)
            event = Done()
            process.job = None
        yield [(job, event)]

    def _replaced(self, process: Process, job: Job) -> Iterator[list[tuple[Job, Event]]]:
        """Put what a process that died has left to do first, and start another."""
        if lost := process.lost():
            yield [(job, lost)]
            process.stored([lost])
        parts = process.parts()
        process.end()
        self.running.remove(process)
        if len(parts) > 1:
            self._room.ran_out(job.trials)
            yield [(job, narrower(len(job.trials), len(parts[0].trials)))]
        self._waiting.extendleft(reversed(parts))
        if self._waiting:
            self.start(1)


class _Held:
    """What came and is not passed on yet: where trials are short, several are stored at once.

    Attributes:
        since: when the first of it came; infinity where there is nothing.
    """

    def __init__(self) -> None:
        self._events: list[tuple[Process, Job, Event]] = []
        self.since = inf

    def __bool__(self) -> bool:
        return bool(self._events)

    def add(self, process: Process, event: Event) -> None:
        self._events.append((process, _job(process), event))
        self.since = min(self.since, time.monotonic())
        if isinstance(event, Done):
            process.job = None  # it can have another

    def events(self) -> list[tuple[Job, Event]]:
        return [(job, event) for _, job, event in self._events]

    def stored(self) -> None:
        """The records are in the store: tell so."""
        records: dict[Process, list[Record]] = {}
        for process, _, event in self._events:
            if isinstance(event, Record):
                records.setdefault(process, []).append(event)
        for process, mine in records.items():
            process.stored(mine)
        self._events, self.since = [], inf


def _job(process: Process) -> Job:
    """What a process is training."""
    assert process.job is not None
    return process.job
