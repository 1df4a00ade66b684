"""Inputs turned into vectors once, before any model sees them."""

from __future__ import annotations

from dataclasses import replace

from gigo.types import Dataset, Features


def featured(dataset: Dataset, features: Features | None) -> Dataset:
    """A data set whose inputs are those vectors; itself where there are no features."""
    if features is None:
        return dataset
    x_train, tests = features.value(dataset)
    labelled = {name: (tests[name], labels) for name, (_, labels) in dataset.tests.items()}
    return replace(dataset, x_train=x_train, tests=labelled, kind="vector")
