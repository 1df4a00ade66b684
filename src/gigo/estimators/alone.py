"""A model computes as if nothing else did: with its own random numbers."""

from __future__ import annotations

import random
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

from gigo.rng import Stream
from gigo.trial import Trial

SEEDS = 2**31 - 1
"""Random states are below it: all libraries take such ones."""


@contextmanager
def alone(trial: Trial) -> Generator[None]:
    """Global generators seeded by the trial, and afterwards as they were before."""
    torch: Any = sys.modules.get("torch")
    before = random.getstate(), np.random.get_state(), torch and torch.get_rng_state()
    seed = _seed(trial.seed, trial.replicate)
    random.seed(seed)
    np.random.seed(seed)
    if torch:
        cuda = torch.cuda.is_initialized()
        (torch if cuda else torch.default_generator).manual_seed(seed)  # the first one is slow
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        if torch:
            torch.set_rng_state(before[2])


@lru_cache
def _seed(seed: int, replicate: int) -> int:
    """The same for all rates: what a model draws is no reason for two of them to differ."""
    return int(Stream(seed, replicate, "global").integers(1, SEEDS)[0])
