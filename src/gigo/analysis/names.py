"""What training sets and lines are called, in sentences, legends and tables."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gigo.analysis.curves import Curve
from gigo.axes import CURVE, SETTINGS
from gigo.recipe import told_apart


class Namer:
    """Names training sets and lines by what distinguishes them in a table.

    Args:
        frame: the tidy table; an axis that has one value for a training set is not named.
        n_items: training items by data set's name.

    Attributes:
        varying: the settings in which trials of a training set and corruption differ.
        lines: the axes in which the lines of a figure differ: these where there are any; else
            the corruption, or where there is but one, and several sizes of a data set, the size.
    """

    def __init__(self, frame: pd.DataFrame, n_items: Mapping[str, int]) -> None:
        self._n_items = n_items
        curves = frame.drop_duplicates(list(CURVE))
        sets = curves.groupby(["dataset", "size", "corruption"], sort=False, observed=True)
        self.varying = tuple(axis for axis in SETTINGS if max(sets[axis].nunique(), default=0) > 1)
        self._recipes = told_apart(set(curves["recipe"]))
        self._many_models = "model" not in self.varying and len(set(curves["model"])) > 1
        self._many_sizes = len(set(curves["size"])) > 1
        most = max(curves.groupby("dataset", observed=True)["size"].nunique(), default=0)
        by_size = most > 1 and len(set(curves["corruption"])) == 1
        self.lines: tuple[str, ...] = ("size",) if by_size else ("corruption",)
        if self.varying:
            self.lines = SETTINGS

    def setting(self, curve: Curve) -> str:
        """``digits``, with model, recipe and validation where they vary."""
        varied = self.varied(curve._asdict())
        return f"{self.data(curve)}, {varied}" if varied else self.data(curve)

    def data(self, curve: Curve) -> str:
        """``digits``, or ``digits, patches`` where data sets or sizes have models of their own."""
        return f"{curve.dataset}, {curve.model}" if self._many_models else curve.dataset

    def label(self, curve: Curve) -> str:
        """What a line of a figure stands for: ``mlp, clean validation``, ``pair``, ``9 labels``."""
        if self.lines == ("size",):
            return f"{self.size(curve)} labels"
        return self.varied(curve._asdict()) or curve.corruption

    def varied(self, setting: Mapping[str, str]) -> str:
        """Of a setting by axis, what varies: ``mlp, clean validation``."""
        return ", ".join(self._axis_text(axis, setting[axis]) for axis in self.varying)

    def _axis_text(self, axis: str, value: str) -> str:
        named = {"model": value, "recipe": self._recipes.get(value, value)}
        return named.get(axis) or (f"no {axis}" if value == "none" else f"{value} {axis}")

    def size(self, curve: Curve) -> str:
        """``all 1,347`` or ``200``."""
        is_all = self._n_items.get(curve.dataset) == curve.size
        return f"all {curve.size:,}" if is_all else f"{curve.size:,}"

    def line(self, curve: Curve) -> str:
        """Everything that distinguishes a curve, in short."""
        size = [f"{self.size(curve)} labels"] if self._many_sizes else []
        return ", ".join([self.setting(curve), *size, curve.corruption])
