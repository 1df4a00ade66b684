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
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cloudpickle
import torch

from gigo.engine import checkpoint
from gigo.errors import DataError, EngineError
from gigo.planner import Room
from gigo.runner.stacks import Done, Event, Job, Setup, halves, narrower
from gigo.runner.worker import Failure, Stored
from gigo.types import Record

Events = queue.SimpleQueue[tuple["_Worker", Any]]


def train_jobs(
    jobs: Sequence[Job],
    setup: Setup,
    workers: int,
    threads: int,
    meanwhile: Callable[[], None] = lambda: None,
) -> Iterator[list[tuple[Job, Event]]]:
    """Train jobs, several at a time.

    Records that are waiting come together; they count as stored when the next items are asked for.

    Args:
        jobs: begun in this order.
        setup: what they have in common.
        workers: processes at most.
        threads: of each.
        meanwhile: called once, while the processes start.

    Yields:
        Jobs' events as they come, each with its job.

    Raises:
        DataError, EngineError: as raised in a process, or one of them died.
    """
    waiting, events, room = deque(jobs), Events(), Room(setup.memory)
    beginning = _message((setup, threads))
    running: list[_Worker] = []
    try:
        for _ in range(min(workers, len(jobs))):
            running.append(_Worker(beginning, threads, events))
        meanwhile()
        while _all_busy(running, waiting, room):
            records, last = _waiting(events)
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
                parts = worker.parts()
                worker.end()
                running[running.index(worker)] = _Worker(beginning, threads, events)
                if parts:
                    room.ran_out(job.trials)
                    waiting.extendleft(reversed(parts))
                    yield [(job, narrower(len(job.trials), len(parts[0].trials)))]
                event = Done()
            yield [(job, event)]
            if isinstance(event, Done):
                worker.job = None
    finally:
        for worker in running:
            worker.kill()


def _waiting(
    events: Events,
) -> tuple[list[tuple[_Worker, Record]], tuple[_Worker, Any] | None]:
    """The next event, or all records up to the next one that is none, and that if it is there."""
    records: list[tuple[_Worker, Record]] = []
    while True:
        try:
            worker, event = events.get(block=not records)
        except queue.Empty:
            return records, None
        if not isinstance(event, Record):
            return records, (worker, event)
        records.append((worker, event))


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
            self._process.kill()
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

    def stored(self, record: Record) -> None:
        self._left.pop(record.key, None)
        self._send(_STORED)

    def parts(self) -> list[Job]:
        """What a process that died has left to do, as two jobs; nothing if all is stored.

        Raises:
            EngineError: that would not help.
        """
        assert self.job is not None
        code = self._process.wait()
        killed = code == -getattr(signal, "SIGKILL", 9)  # what Linux does when memory runs out
        if not self._left:
            checkpoint.remove(self.job.checkpoint)
            return []
        if not killed or len(self.job.trials) == 1:
            means = ", most likely because memory does not suffice for one model" if killed else ""
            raise EngineError(f"a training process ended with status {code}{means}")
        trials = {trial.key: trial for trial in self.job.trials}
        state = checkpoint.load(self.job.checkpoint, torch.device("cpu"))
        jobs: list[Job] = []
        for keys in halves(list(self._left)):
            job = Job.of([trials[key] for key in keys], self.job.checkpoint.parent)
            if state is not None and {*keys} <= {*state.keys}:
                with contextlib.suppress(OSError):  # it only saves time
                    checkpoint.save(state.of(keys), job.checkpoint)
            jobs.append(job)
        checkpoint.remove(self.job.checkpoint)
        return jobs

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
        self._process.kill()
        self.end()


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
