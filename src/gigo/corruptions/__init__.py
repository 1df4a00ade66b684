"""Ways to spoil a training set, one module per family.

A corruption gives a `gigo.schedule.Schedule`. Many corruptions of labels are the matrix of where
the labels go: `relabel` draws a schedule from any such matrix, and theory reads the same one.
"""

from __future__ import annotations

from collections.abc import Mapping

from gigo.corruptions import backdoor, images, labellers, labels, scored, sets, tables, texts
from gigo.corruptions.draw import matrix_of, relabel
from gigo.corruptions.theory import cliffs, highest_rate, limiting_accuracy, transition_matrix
from gigo.entries import CorruptionEntry

__all__ = [
    "CATALOGUE",
    "cliffs",
    "highest_rate",
    "limiting_accuracy",
    "matrix_of",
    "relabel",
    "transition_matrix",
]


CATALOGUE: Mapping[str, CorruptionEntry] = {
    **labels.ENTRIES,
    **labellers.ENTRIES,
    **scored.ENTRIES,
    **sets.ENTRIES,
    **images.ENTRIES,
    **backdoor.ENTRIES,
    **tables.ENTRIES,
    **texts.ENTRIES,
}
"""Each is ``(n_classes, **options) -> (K, K)``, row k the distribution of the label that a
corrupted item of true class k gets, or zeros where items of class k stay as they are; or
``(dataset, items, stream, **options) -> Schedule``. What has a parameter ``reference`` is given the
scores of a reference model (`gigo.reference.Reference`); what has ``read``, what reads its ``file``
(`gigo.datasets.second_labels`)."""
