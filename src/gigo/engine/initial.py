"""The networks that trials start from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from gigo.engine.resident import Resident
from gigo.rng import Stream
from gigo.trial import Trial


def initial_networks(trials: Sequence[Trial], resident: Resident) -> list[nn.Module]:
    """A network a trial; those of one replicate start from the same weights."""
    made: dict[tuple[int, int], nn.Module] = {}
    dataset = resident.dataset
    for trial in trials:
        if (trial.seed, trial.replicate) in made:
            continue
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(Stream(trial.seed, trial.replicate, "weights").seed())
            made[trial.seed, trial.replicate] = trial.model.value(
                dataset.input_shape, dataset.n_classes
            )
    return [made[trial.seed, trial.replicate] for trial in trials]
