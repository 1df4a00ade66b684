"""A training process, seen from outside: jobs go in, events come out; of what it died."""

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
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cloudpickle
import torch

from gigo.engine import checkpoint
from gigo.errors import DataError, EngineError
from gigo.estimators import Fitting
from gigo.records import Record
from gigo.runner.stacks import Job, halves
from gigo.runner.worker import Failure, Stored

MOST_WAITED = 1e6
"""Seconds to wait for at most; more would be refused."""

Events = queue.SimpleQueue[tuple["Process", Any]]
"""What processes say, each with the process that says it."""

# A scheduler asks all processes of a job to end: the one that stores answers, also while these
# still import PyTorch.
_BEGIN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
from gigo.runner.worker import main
main()
"""


class Process:
    """A training process, seen from outside.

    Attributes:
        job: what it trains, None while it has nothing to do.
    """

    _fitting: tuple[Record, float] | None = None
    """What the trial whose estimator is being fitted leaves if the process ends before, and when
    the fit began. Kept by the thread that listens, so that nobody has to be woken for it."""

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
                event = pickle.load(self._process.stdout)
                if isinstance(event, Fitting):
                    self._fitting = event.record, time.monotonic()
                    continue
                if isinstance(event, Record):
                    self._fitting = None
                events.put((self, event))
        except EOFError:  # it has ended
            events.put((self, None))
        except pickle.UnpicklingError:  # it died while it wrote
            self._kill()
            events.put((self, None))
        except Exception:  # whatever a message leads to, nobody may wait for it
            events.put((self, Failure(traceback.format_exc(), "fault")))

    def _send(self, message: bytes) -> None:
        assert self._process.stdin is not None
        if self._process.stdin.closed:  # it ended, and waits for no answer
            return
        with contextlib.suppress(BrokenPipeError):  # it died; the listener says so
            self._process.stdin.write(message)
            self._process.stdin.flush()

    def begin(self, job: Job) -> None:
        self.job = job
        self._left = dict.fromkeys(trial.key for trial in job.trials)
        self._send(message(job))

    @property
    def seconds(self) -> float:
        """For how long the estimator has been fitted; 0 where there is none."""
        return self._seconds(self._fitting)

    @staticmethod
    def _seconds(fitting: tuple[Record, float] | None) -> float:
        return time.monotonic() - fitting[1] if fitting else 0.0

    def end_if_longer_than(self, seconds: float) -> None:
        """End the process if fitting an estimator takes longer than that."""
        fitting = self._fitting
        took = self._seconds(fitting)
        if fitting is not None and took > seconds and self._overdue is None:
            told = {**fitting[0].provenance, "error": f"not fitted after {seconds:g} s"}
            self._overdue = replace(fitting[0], status="timed_out", seconds=took, provenance=told)
            self._kill()

    def lost(self) -> Record | None:
        """Of a process that died: the record of the trial over which it did, an estimator's."""
        fitting, overdue = self._fitting, self._overdue
        self._goes_on = fitting is not None or overdue is not None
        if fitting is None:
            return None
        record = fitting[0]
        if overdue is not None:  # it may have come to an end at the last moment
            return overdue if overdue.key == record.key else None
        told = {**record.provenance, "error": self._death("the trial")}
        return replace(record, seconds=self._seconds(fitting), provenance=told)

    def stored(self, records: Sequence[Record]) -> None:
        """Some of its records are in the store."""
        for record in records:
            self._left.pop(record.key, None)
        self._send(pickle.dumps(Stored(len(records))))

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


def next_event(
    events: Events, running: Sequence[Process], timeout: float, until: float
) -> tuple[Process, Any] | None:
    """What one of the processes says next; those that take too long are ended meanwhile.

    Returns:
        None where nothing was said until then, in seconds of the monotonic clock.
    """
    while True:
        for process in running:
            process.end_if_longer_than(timeout)
        left = min(timeout - process.seconds for process in running)
        left = min(left, until - time.monotonic())
        with contextlib.suppress(queue.Empty):
            return events.get(timeout=max(0.0, left) if left < MOST_WAITED else None)
        if time.monotonic() >= until:
            return None


def message(item: object) -> bytes:
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


def error(failure: Failure) -> Exception:
    """What a job ended by, to be raised here."""
    if failure.kind == "fault":
        return RuntimeError(f"in a training process:\n{failure.message}")
    return (DataError if failure.kind == "data" else EngineError)(failure.message)
