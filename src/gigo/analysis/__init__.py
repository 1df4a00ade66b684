"""Records become a tidy table, the table becomes estimates with intervals, and those words.

records ──► tidy ──► summary ──► (figures)
               ├───► tolerance, midpoint, break_even ──► answer
               └───► compare, with another run, with published points, or within the run
"""

from __future__ import annotations

from gigo.analysis.comparison import COMPARISON_COLUMNS, Comparison, Side
from gigo.analysis.estimates import (
    SUMMARY_COLUMNS,
    Accuracies,
    Curve,
    CurveEstimates,
    break_even,
    curve_estimates,
    midpoint,
    split_curves,
    summary,
    tolerance,
)
from gigo.analysis.findings import Answer, Finding, answer
from gigo.analysis.intervals import Estimate
from gigo.analysis.pairing import between_settings, compare
from gigo.analysis.table import COLUMNS, PER_CLASS_COLUMNS, curves, per_class, tidy
from gigo.analysis.theory import Cliff, cliffs_of, theoretical_cliffs

__all__ = [
    "COLUMNS",
    "COMPARISON_COLUMNS",
    "PER_CLASS_COLUMNS",
    "SUMMARY_COLUMNS",
    "Accuracies",
    "Answer",
    "Cliff",
    "Comparison",
    "Curve",
    "CurveEstimates",
    "Estimate",
    "Finding",
    "Side",
    "answer",
    "between_settings",
    "break_even",
    "cliffs_of",
    "compare",
    "curve_estimates",
    "curves",
    "midpoint",
    "per_class",
    "split_curves",
    "summary",
    "theoretical_cliffs",
    "tidy",
    "tolerance",
]
