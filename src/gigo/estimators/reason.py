"""Errors and warnings of anybody's code, a line each."""

from __future__ import annotations

import os
from types import TracebackType

from gigo.printable import printable
from gigo.tables import REMEDIES
from gigo.types import Dataset

MOST_TOLD = 300
"""Characters of an error or a warning that are kept."""


def reason(error: BaseException) -> str:
    """An error in a line, with the place in the code that raised it."""
    place, trace = "", error.__traceback__
    while trace is not None:
        place, trace = _place(trace), trace.tb_next
    return f"{one_line(error)}{place}"


def remedy(error: BaseException, dataset: Dataset) -> str:
    """What to do, where a model failed at columns of a table that it can't take."""
    text = one_line(error)
    kinds = {"words": "could not convert string", "gaps": "NaN"}
    kind = next((kind for kind, says in kinds.items() if says in text), None)
    return f"; {REMEDIES[kind]}" if kind and dataset.kind == "table" else ""


def _place(trace: TracebackType) -> str:
    code = trace.tb_frame.f_code
    return f" ({os.path.basename(code.co_filename)}, line {trace.tb_lineno}, in {code.co_name})"


def one_line(thing: object) -> str:
    """An error or a warning: its kind, and what it says."""
    try:
        text = f"{type(thing).__name__}: {thing}"
    except Exception:  # it can't even say what it is
        text = type(thing).__name__
    text = printable(" ".join(text.split())).removesuffix(": ")
    return text if len(text) <= MOST_TOLD else f"{text[:MOST_TOLD]}..."
