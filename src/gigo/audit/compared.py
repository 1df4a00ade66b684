"""What is different between two data sets, whoever changed one into the other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gigo.audit.account import transition
from gigo.errors import DataError
from gigo.inputs import fingerprints
from gigo.resolve import whole_data
from gigo.types import Dataset, Labels, Watch, silent

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Audit:
    """Two data sets side by side, of their training items.

    Attributes:
        n_before, n_after: items.
        matched: how items were found again: ``position``, or ``content`` of their inputs.
        n_both: items that are in both.
        labels_changed: of these, those with another label.
        inputs_changed: of these, those with another input; 0 where they were matched by content.
        left, added: items that are in one alone.
        copies_before, copies_after: items whose input is that of an earlier one of the same set.
        transition: (K, K) shares of the labels after among the items of a class before, of those in
            both: rows sum to 1, or are NaN where a class has none.
    """

    n_before: int
    n_after: int
    matched: Literal["position", "content"]
    n_both: int
    labels_changed: int
    inputs_changed: int
    left: int
    added: int
    copies_before: int
    copies_after: int
    transition: pd.DataFrame

    @property
    def lines(self) -> list[str]:
        """The same for people."""
        of = f"of {self.n_both:,}"
        return [
            f"items           {self.n_before:,} before, {self.n_after:,} after",
            f"in both         {self.n_both:,}, matched by {self.matched}",
            f"labels changed  {self.labels_changed:,} {of} ({self.share:.4g})",
            f"inputs changed  {self.inputs_changed:,} {of}",
            f"left            {self.left:,}",
            f"added           {self.added:,}",
            f"copies          {self.copies_before:,} before, {self.copies_after:,} after",
        ]

    @property
    def share(self) -> float:
        """Of labels changed; 0 where no item is in both."""
        return self.labels_changed / max(self.n_both, 1)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; a row of the matrix is null where a class has no item in both."""
        numbers = {name: value for name, value in vars(self).items() if name != "transition"}
        rows = self.transition.to_numpy().tolist()
        matrix = {
            "classes": [*map(str, self.transition.index)],
            "rows": [None if row[0] != row[0] else row for row in rows],
        }
        return {**numbers, "share_of_labels_changed": self.share, "transition": matrix}


def audit_files(
    before: str,
    after: str,
    *,
    data_dir: Path | None = None,
    watch: Watch = silent,
    **options: Any,
) -> Audit:
    r"""Compare two data sets, by names or paths; options of the data hold for both.

    Raises:
        SpecError, DataError: one can't be read, or they hold inputs of different kinds.

    >>> for name, last in (("a.csv", "ham"), ("b.csv", "spam")):
    ...     _ = Path(name).write_text(f"text,label\nhi,ham\nbuy,spam\nyo,{last}\n")
    >>> found = audit_files("a.csv", "b.csv")
    >>> found.matched, found.labels_changed, float(found.transition.loc["ham", "spam"])
    ('position', 1, 0.5)
    """
    one, two = (whole_data(name, data_dir, watch, **options) for name in (before, after))
    return compared(one, two)


def compared(before: Dataset, after: Dataset) -> Audit:
    """Compare the training items of two data sets.

    Items are matched by position where there are as many, unless more are found again by the
    content of their inputs, as in a folder where images changed places.

    Raises:
        DataError: they hold inputs of different kinds.
    """
    if before.kind != after.kind:
        kinds = f"{before.source} has inputs of kind {before.kind}, {after.source} {after.kind}"
        raise DataError(f"{kinds}: expected two of one kind")
    one, two = fingerprints(before.x_train), fingerprints(after.x_train)
    pairs = _by_content(one, two)
    matched: Literal["position", "content"] = "content"
    same = len(pairs[0])
    if len(one) == len(two):
        alike = sum(a == b for a, b in zip(one, two, strict=True))
        if alike >= len(pairs[0]):
            every = np.arange(len(one))
            matched, pairs, same = "position", (every, every), alike
    names = [*dict.fromkeys([*before.classes, *after.classes])]
    place = np.array([names.index(name) for name in after.classes])
    old, new = before.y_train[pairs[0]], place[after.y_train[pairs[1]]]
    both = len(old)
    return Audit(
        n_before=len(one),
        n_after=len(two),
        matched=matched,
        n_both=both,
        labels_changed=int((old != new).sum()),
        inputs_changed=both - same,
        left=len(one) - both,
        added=len(two) - both,
        copies_before=len(one) - len({*one}),
        copies_after=len(two) - len({*two}),
        transition=transition(old, new, np.array(names, object)),
    )


def _by_content(one: list[str], two: list[str]) -> tuple[Labels, Labels]:
    """Positions of equal items, of copies the first with the first."""
    where: defaultdict[str, list[int]] = defaultdict(list)
    for place in reversed(range(len(two))):
        where[two[place]].append(place)
    found = [(k, where[item].pop()) for k, item in enumerate(one) if where[item]]
    pairs = np.array(found, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
