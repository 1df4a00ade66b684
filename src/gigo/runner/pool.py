"""Several training processes at once, each with a stack of its own and a share of the cores.

On a CPU that is faster than one process with all cores: small steps spend much of their time
between PyTorch's parallel loops, and a thread that waits for a busy core holds up all others.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Any

import cloudpickle
import torch

from gigo.engine import checkpoint
from gigo.errors import DataError, EngineError
from gigo.estimators import Fitting
from gigo.planner import Room
from gigo.runner.stacks import Done, Event, Job, Setup, halves, narrower
from gigo.runner.worker import Failure, Stored
from gigo.types import Record

MOST_WAITED = 1e6
"""Seconds to wait for at most; more would be refused."""

Events = queue.SimpleQueue[tuple["_Worker", Any]]


def train_jobs(
    jobs: Sequence[Job],
    setup: Setup,
    workers: int,
    threads: int,
    meanwhile: Callable[[], None] = lambda: None,
    timeout: float | None = None,
) -> Iterator[list[tuple[Job, Event]]]:
    """Train jobs, several at a time.

    Records that are waiting come together; they count as stored when the next items are asked for.

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
    waiting, events, room = deque(jobs), Events(), Room(setup.memory)
    beginning = _message((setup, threads))
    running: list[_Worker] = []
    try:
        for _ in range(min(workers, len(jobs))):
            running.append(_Worker(beginning, threads, events))
        meanwhile()
        while _all_busy(running, waiting, room):
            records, last = _waiting(events, running, timeout or inf)
            if records:
                yield [(_job(worker), record) for worker, record in records]
            for worker, record in records:
                worker.stored(record)
            worker, event = last or (None, None)
            if worker is None or worker not in running:
                continue  # it has ended, as it should
            job = _job(worker)
            if isinstance(event, Failure):
                raise _error(event)
            if event is None:
                if lost := worker.lost():
                    yield [(job, lost)]
                    worker.stored(lost)
                parts = worker.parts()
                worker.end()
                running.remove(worker)
                if len(parts) > 1:
                    room.ran_out(job.trials)
                    yield [(job, narrower(len(job.trials), len(parts[0].trials)))]
                waiting.extendleft(reversed(parts))
                if waiting:
                    running.append(_Worker(beginning, threads, events))
                event = Done()
            yield [(job, event)]
            if isinstance(event, Done):
                worker.job = None
    finally:
        for worker in running:
            worker.kill()


def _waiting(
    events: Events, running: Sequence[_Worker], timeout: float
) -> tuple[list[tuple[_Worker, Record]], tuple[_Worker, Any] | None]:
    """The next event, or all records up to the next one that is none, and that if it is there.

    Processes that take too long over an estimator are ended meanwhile.
    """
    records: list[tuple[_Worker, Record]] = []
    while True:
        try:
            if records:
                worker, event = events.get(block=False)
            else:
                worker, event = events.get(timeout=_time_left(running, timeout))
        except queue.Empty:
            if records:
                return records, None
            continue
        worker.heard(event)
        if isinstance(event, Record):
            records.append((worker, event))
        elif not isinstance(event, Fitting):
            return records, (worker, event)


def _time_left(running: Sequence[_Worker], timeout: float) -> float | None:
    """Seconds until the next process takes too long; those that do so already are ended."""
    for worker in running:
        worker.end_if_longer_than(timeout)
    left = min(timeout - worker.seconds for worker in running)
    return max(0.0, left) if left < MOST_WAITED else None


def _job(worker: _Worker) -> Job:
    """What a process is training."""
    assert worker.job is not None
    return worker.job


def _all_busy(running: list[_Worker], waiting: deque[Job], room: Room) -> bool:
    """Give jobs to the processes that have none, and end those for which none is left.

    Returns:
        Whether any process is left.
    """
    for worker in [each for each in running if each.job is None]:
        if waiting:
            worker.begin(_next(waiting, room))
        else:
            worker.end()
            running.remove(worker)
    return bool(running)


def _next(waiting: deque[Job], room: Room) -> Job:
    """The next job; the first part of it if memory ran out before and it has not begun yet."""
    job = waiting.popleft()
    parts = room.parts(job.trials)
    if len(parts) == 1 or job.checkpoint.exists():
        return job
    waiting.extendleft(Job.of(part, job.checkpoint.parent) for part in reversed(parts))
    return waiting.popleft()


_STORED = pickle.dumps(Stored())

# A scheduler asks all processes of a job to end: the one that stores answers, also while these
# still import PyTorch.
_BEGIN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
from gigo.runner.worker import main
main()
"""


class _Worker:
    """A training process, seen from outside.

    Attributes:
        job: what it trains, None while it has nothing to do.
    """

    _fitting: Record | None = None
    """What the trial whose estimator is being fitted leaves if the process ends before."""

    _since = inf
    """When that began."""

    _overdue: Record | None = None
    """What is stored of the one for which the process was ended."""

    _goes_on = False
    """Whether the process ended over one estimator: the others can be fitted in another."""

    def __init__(self, beginning: bytes, threads: int, events: Events) -> None:
        self.job: Job | None = None
        self._left: dict[str, None] = {}
        # In a session of its own, since Ctrl-C is for the process that stores.
        self._process = subprocess.Popen(
            # -P: what lies in the current folder is not to be taken for the standard library.
            [sys.executable, "-P", "-c", _BEGIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "OMP_NUM_THREADS": str(threads),
                "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path),
            },
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, args=(events,), daemon=True)
        self._listener.start()
        self._send(beginning)

    def _listen(self, events: Events) -> None:
        assert self._process.stdout is not None
        try:
            while True:
                events.put((self, pickle.load(self._process.stdout)))
        except EOFError:  # it has ended
            events.put((self, None))
        except pickle.UnpicklingError:  # it died while it wrote
            self._kill()
            events.put((self, None))
        except Exception:  # whatever a message leads to, nobody may wait for it
            events.put((self, Failure(traceback.format_exc(), "fault")))

    def _send(self, message: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died; the listener says so
            self._process.stdin.write(message)
            self._process.stdin.flush()

    def begin(self, job: Job) -> None:
        self.job = job
        self._left = dict.fromkeys(trial.key for trial in job.trials)
        self._send(_message(job))

    def heard(self, event: Any) -> None:
        """It said so: an estimator is being fitted from now on, or no longer."""
        if isinstance(event, Fitting):
            self._fitting, self._since = event.record, time.monotonic()
        elif isinstance(event, Record):
            self._fitting, self._since = None, inf

    @property
    def seconds(self) -> float:
        """For how long the estimator has been fitted; minus infinity where there is none."""
        return time.monotonic() - self._since

    def end_if_longer_than(self, seconds: float) -> None:
        """End the process if fitting an estimator takes longer than that."""
        if self.seconds > seconds and self._fitting is not None:
            told = {**self._fitting.provenance, "error": f"not fitted after {seconds:g} s"}
            self._overdue = replace(
                self._fitting, status="timed_out", seconds=self.seconds, provenance=told
            )
            self._since = inf
            self._kill()

    def lost(self) -> Record | None:
        """Of a process that died: the record of the trial over which it did, an estimator's."""
        fitting, overdue = self._fitting, self._overdue
        self._goes_on = fitting is not None or overdue is not None
        if fitting is None:
            return None
        if overdue is not None:  # it may have come to an end at the last moment
            return overdue if overdue.key == fitting.key else None
        told = {**fitting.provenance, "error": self._death("the trial")}
        return replace(fitting, seconds=self.seconds, provenance=told)

    def stored(self, record: Record) -> None:
        self._left.pop(record.key, None)
        self._send(_STORED)

    def parts(self) -> list[Job]:
        """What a process that died has left to do, after `lost`: nothing if all is stored.

        Returns:
            One job where only a single trial was to blame, else two.

        Raises:
            EngineError: that would not help.
        """
        assert self.job is not None
        if not self._left:
            checkpoint.remove(self.job.checkpoint)
            return []
        trials = {trial.key: trial for trial in self.job.trials}
        folder = self.job.checkpoint.parent
        if self._goes_on:
            return [Job.of([trials[key] for key in self._left], folder)]
        if not self._was_killed() or len(trials) == 1:
            raise EngineError(self._death("one model"))
        state = checkpoint.load(self.job.checkpoint, torch.device("cpu"))
        jobs: list[Job] = []
        for keys in halves(list(self._left)):
            job = Job.of([trials[key] for key in keys], folder)
            if state is not None and {*keys} <= {*state.keys}:
                with contextlib.suppress(OSError):  # it only saves time
                    checkpoint.save(state.of(keys), job.checkpoint)
            jobs.append(job)
        checkpoint.remove(self.job.checkpoint)
        return jobs

    def _was_killed(self) -> bool:
        """By a signal that can't be refused: so Linux does when memory runs out."""
        return self._process.wait() == -getattr(signal, "SIGKILL", 9)

    def _death(self, training: str) -> str:
        """How a process ended that died."""
        memory = f", most likely because memory does not suffice for {training}"
        means = memory if self._was_killed() else ""
        return f"a training process ended with status {self._process.wait()}{means}"

    def end(self) -> None:
        """End it, which has nothing to do any more, and what belongs to it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._listener.join()
        self._process.stdout.close()
        self._process.wait()

    def kill(self) -> None:
        """End it at once."""
        self._kill()
        self.end()

    def _kill(self) -> None:
        """End it with all the processes that it may have started."""
        if self._process.poll() is None and hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()


def _message(item: object) -> bytes:
    """A pickle; by value of what the other process can't import, such as a notebook's classes.

    Raises:
        EngineError: it can't be pickled.
    """
    try:
        return cloudpickle.dumps(item)
    except Exception as error:  # anybody's __reduce__ may raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise EngineError(
            f"what is to be trained can't be sent to another process ({reason}): "
            "expected something that can be pickled, or workers = 1, which trains in this one"
        ) from error


def _error(failure: Failure) -> Exception:
    if failure.kind == "fault":
        return RuntimeError(f"in a training process:\n{failure.message}")
    return (DataError if failure.kind == "data" else EngineError)(failure.message)
