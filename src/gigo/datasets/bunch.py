"""scikit-learn's bunches: what ``load_wine`` and ``fetch_openml`` give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gigo.errors import DataError


class Bunch(NamedTuple):
    """What is in a bunch.

    Attributes:
        name: of the data set, from its description; ``data`` where that does not tell.
        x: the inputs.
        labels: n labels: names of classes where the bunch has them.
        classes: these names in its order; None where it has none.
    """

    name: str
    x: Any
    labels: Any
    classes: tuple[str, ...] | None


def is_bunch(thing: Any) -> bool:
    """Whether something is a mapping of inputs ``data`` and labels ``target``.

    >>> from sklearn.datasets import load_wine
    >>> is_bunch(load_wine()), is_bunch({"data": []})
    (True, False)
    """
    return isinstance(thing, Mapping) and "data" in thing and "target" in thing


def unpack(bunch: Mapping[str, Any]) -> Bunch:
    """Inputs, labels and classes of a bunch.

    Labels that number the names in ``target_names`` become these names. Inputs that are an array
    with a name per column are a data frame, pixels of images aside.

    Raises:
        DataError: its labels are several per item, or its inputs None.

    >>> from sklearn.datasets import load_wine
    >>> found = unpack(load_wine())
    >>> found.name, found.x.shape, found.classes, str(found.labels[0])
    ('wine', (178, 13), ('class_0', 'class_1', 'class_2'), 'class_0')
    """
    x, labels = bunch["data"], bunch["target"]
    described = re.match(r"\.\. _(\w+?)(?:_dataset)?:", str(bunch.get("DESCR") or "").lstrip())
    details = bunch.get("details")
    name = described[1] if described else dict(details or {}).get("name") or "data"
    if x is None or labels is None:
        lacking = "data" if x is None else "target"
        raise DataError(f"{name}: a bunch without {lacking}: expected data and target")
    columns = bunch.get("feature_names")
    if isinstance(x, np.ndarray) and x.ndim == 2 and columns is not None and "images" not in bunch:
        x = _frame(x, [str(each) for each in columns])
    values = np.asarray(labels)
    names = _names(bunch.get("target_names"), values)
    return Bunch(name, x, labels if names is None else np.array(names, object)[values], names)


def _frame(x: Any, columns: list[str]) -> Any:
    import pandas as pd

    known = len(columns) == x.shape[1] == len({*columns})
    return pd.DataFrame(x, columns=pd.Index(columns)) if known else x


def _names(names: Any, labels: Any) -> tuple[str, ...] | None:
    """The names of classes, where labels are their numbers."""
    if names is None or isinstance(names, str) or labels.ndim != 1 or labels.dtype.kind not in "iu":
        return None
    known = tuple(str(name) for name in names)
    inside = len(labels) and labels.min() >= 0 and labels.max() < len(known)
    return known if inside and len({*known}) == len(known) > 1 else None
