"""A training process: jobs come in on standard input, events go out on standard output.

Each is a pickle from or for the process that started this one (`gigo.runner.process`), and nobody
else. A record is answered once it is in the store. When the other end is gone this process ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import sys
import traceback
from typing import Any, BinaryIO, NamedTuple

import torch

from gigo.engine.device import prepare_process
from gigo.errors import DataError, GigoError
from gigo.records import Record
from gigo.runner.stacks import Job, Library, Setup, Training


class Stored(NamedTuple):
    """More records are in the store.

    Attributes:
        records: how many.
    """

    records: int


class Failure(NamedTuple):
    """A job ended by an error.

    Attributes:
        message: the error's, or a traceback where it is a fault of gigo's.
        kind: of error: ``data``, ``engine`` or ``fault``.
    """

    message: str
    kind: str


def main() -> None:
    """Serve until standard input ends."""
    jobs = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    events = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a plug-in prints is no event
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())  # nor is a job its input
    # The other end is gone where there is nothing to read, or nobody to write to.
    with contextlib.suppress(EOFError, BrokenPipeError):
        try:
            _serve(jobs, events)
        except (EOFError, BrokenPipeError):
            raise
        except GigoError as error:
            _send(Failure(str(error), "data" if isinstance(error, DataError) else "engine"), events)
        except Exception:
            _send(Failure(traceback.format_exc(), "fault"), events)
    gc.freeze()  # or Python looks through all modules once more, for a second, before it ends


def _serve(jobs: BinaryIO, events: BinaryIO) -> None:
    beginning: tuple[Setup, int] = pickle.load(jobs)
    setup, threads = beginning
    torch.set_num_threads(threads)
    prepare_process()
    unanswered = 0

    def stored() -> None:
        nonlocal unanswered
        while unanswered:
            answer: Stored = pickle.load(jobs)
            unanswered -= answer.records

    training = Training(setup, Library(setup), stored)
    while True:
        message: Job | Stored = pickle.load(jobs)
        if isinstance(message, Stored):
            unanswered -= message.records
            continue
        for event in training.events(message):
            unanswered += isinstance(event, Record)
            _send(event, events)


def _send(event: Any, events: BinaryIO) -> None:
    pickle.dump(event, events)
    events.flush()
