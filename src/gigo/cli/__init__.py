"""The command line: arguments to one call of the API, its result to the terminal.

Only this package prints and exits. Status 0: done; 1: nobody reads the output any more; 2: input or
machine are at fault, one line says how; 130: interrupted or asked to end, a run says how to go on.

app         the bare command, shared options, printing
training    demo, run, plan, find
results     status, report, table, compare, tolerance, exchange
corrupting  corrupt, audit
data        init, schema, list, data
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from gigo.cli.app import app, fail, stopped
from gigo.errors import GigoError

# In this order they are in the help.
# isort: split
from gigo.cli import training

# isort: split
from gigo.cli import results

# isort: split
from gigo.cli import corrupting

# isort: split
from gigo.cli import data

if TYPE_CHECKING:
    from gigo.api import Result

__all__ = ["corrupting", "data", "main", "results", "training"]


def main(arguments: Sequence[str] | None = None, run: Callable[..., Result] | None = None) -> None:
    """Entry point of the ``gigo`` command.

    Args:
        arguments: of the command; None takes those that the program was started with.
        run: trains a study, called as `gigo.run` is; None takes that.

    Raises:
        SystemExit: always, with the exit status.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    _print_whatever_happens()
    # What a scheduler sends before it kills is taken as Ctrl-C is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _check_working_folder()
        code = app(given or ["--help"], prog_name="gigo", standalone_mode=False, obj=run)
        sys.stdout.flush()  # here, where a failure can be told
    except GigoError as error:
        code = fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = stopped("before it was done")
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "gigo"
        code = fail(f"{error.format_message()} (see {command} --help)")
    except OSError as error:
        # A full disk behind standard output, or `| head -1`, which is nobody's fault. A failure of
        # anything else that is written names its file, and what is short of memory fails otherwise.
        lost = error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EPIPE)
        named = f"standard output: {error}" if lost else f"{error}"
        code = 1 if isinstance(error, BrokenPipeError) else fail(named)
        if lost:  # or what is left to print would fail once more
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code or 0)


def _check_working_folder() -> None:
    try:
        os.getcwd()
    except OSError as error:  # PyTorch's libraries would end the process without a word of ours
        raise GigoError(f"the working folder can't be used ({error.strerror})") from None


def _print_whatever_happens() -> None:
    """Where there is no standard output, or one that lacks characters, work is not to be lost."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            os.set_inheritable(number, True)  # training processes write there, too
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
        elif isinstance(stream, io.TextIOWrapper) and stream.errors != "backslashreplace":
            stream.reconfigure(errors="replace")  # C.ascii has surrogateescape, not strict
