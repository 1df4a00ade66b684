"""Inputs of any kind: NumPy arrays, SciPy's sparse rows, data frames, lists of texts.

All that gigo asks of them is here: how many there are, some of them by index, what one looks like,
and their content as a number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Inputs = Any
"""``np.ndarray``, ``scipy.sparse.csr_array``, ``pandas.DataFrame`` or ``list[str]``, a row or an
element per item."""


def take(x: Inputs, rows: NDArray[np.integer]) -> Inputs:
    """Some of the items, in the order given.

    >>> take(["a", "b", "c"], np.array([2, 0]))
    ['c', 'a']
    """
    if isinstance(x, list):
        return [x[row] for row in rows.tolist()]
    return x.iloc[rows] if _is_table(x) else x[rows]


def joined(parts: Sequence[Inputs]) -> Inputs:
    """Items of one kind and shape, one after the other.

    >>> joined([["a"], ["b", "c"]])
    ['a', 'b', 'c']
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, list):
        return [text for part in parts for text in part]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if _is_table(first):
        return _joined_tables(parts)
    from scipy.sparse import vstack

    return vstack(parts, format="csr")


def _joined_tables(parts: Sequence[Any]) -> Any:
    """Tables below each other; categories are those of the first, then what others have besides.

    Where they have an order, it is not kept: a misspelt category has no place in it.
    """
    import pandas as pd
    from pandas.api.types import union_categoricals

    columns: dict[Any, Any] = {}
    for name, column in parts[0].items():
        those = [part[name] for part in parts]
        if column.dtype.name == "category":
            columns[name] = union_categoricals(those, ignore_order=True)
        else:
            columns[name] = pd.concat(those, ignore_index=True)
    return pd.DataFrame(columns)


def count(x: Inputs) -> int:
    """How many items there are."""
    return len(x) if isinstance(x, list) else int(x.shape[0])


def n_bytes(x: Inputs) -> int:
    """Bytes that items take in memory, about: of texts and tables, their content alone.

    >>> n_bytes(np.zeros((10, 3, 8, 8), np.uint8))
    1920
    """
    if isinstance(x, np.ndarray):
        return x.nbytes
    if isinstance(x, list):
        return sum(map(len, x))
    if _is_table(x):
        return int(x.memory_usage(index=False).sum())
    return x.data.nbytes + x.indices.nbytes + x.indptr.nbytes


def shape(x: Inputs) -> tuple[int, ...]:
    """Shape of one item: of an array, (columns,) of a table or a sparse matrix, () of a text.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"age": [31, 55], "job": ["cook", "judge"]})
    >>> shape(np.zeros((10, 3, 8, 8))), shape(table), shape(["a text"])
    ((3, 8, 8), (2,), ())
    """
    return () if isinstance(x, list) else tuple(x.shape[1:])


def digest(*arrays: Inputs) -> str:
    """The sha256 of some inputs and labels, as 64 hex digits.

    Of an array: the ASCII line ``dtype shape`` with its newline, such as ``uint8 60000x1x28x28``,
    then the values in C order, little-endian. The machine's byte order and the file format that
    the values came from don't matter. Of a sparse matrix, a table and texts: a line that says so,
    then what they consist of.
    """
    found = hashlib.sha256()
    for x in arrays:
        _feed(found, x)
    return found.hexdigest()


def _feed(found: Any, x: Inputs) -> None:
    if isinstance(x, np.ndarray):
        found.update(f"{x.dtype.name} {'x'.join(map(str, x.shape))}\n".encode())
        little = x.astype(x.dtype.newbyteorder("<"), order="C", copy=False)
        found.update(np.ascontiguousarray(little).data)
    elif isinstance(x, list):
        found.update(f"text {len(x)}\n".encode())
        texts = [text.encode() for text in x]
        _feed(found, np.array([len(text) for text in texts], np.int64))
        found.update(b"".join(texts))
    elif _is_table(x):
        found.update(f"table {len(x)}\n".encode())
        _feed(found, [str(name) for name in x.columns])
        for _, column in x.items():
            _feed_column(found, column)
    else:
        from scipy.sparse import csr_array

        rows: Any = csr_array(x, copy=True)  # what follows sorts it
        rows.sum_duplicates()
        found.update(f"sparse {'x'.join(map(str, rows.shape))}\n".encode())
        for part in (rows.indptr.astype(np.int64), rows.indices.astype(np.int64), rows.data):
            _feed(found, part)


def _feed_column(found: Any, column: Any) -> None:
    """A column of a table: numbers as they are, others as texts, missing ones told apart."""
    if column.dtype.kind in "biuf":
        _feed(found, column.to_numpy(np.float64))
        return
    if column.dtype.name == "category":
        found.update(b"category\n")
        used = column.cat.remove_unused_categories().cat
        names = np.array([str(name) for name in used.categories], object)
        places = np.append(np.argsort(np.argsort(names)), -1)  # the last one is for missing values
        _feed(found, sorted(names.tolist()))
        _feed(found, places[used.codes.to_numpy()])
        return
    missing = column.isna()
    found.update(b"text\n")
    _feed(found, missing.to_numpy())
    _feed(found, column.astype(object).where(~missing, "").astype(str).tolist())


def fingerprints(x: Inputs) -> list[str]:
    """What tells each item from others: 16 hex digits of its content.

    Equal items have equal ones. Those of tables are pandas's hash of a row, others the beginning
    of a sha256.

    >>> same = fingerprints(["a text", "another", "a text"])
    >>> same[0] == same[2], same[0] == same[1], len(same[0])
    (True, False, 16)
    """
    if isinstance(x, list):
        return [_short(text.encode()) for text in x]
    if _is_table(x):
        import pandas.util

        hashed: Any = pandas.util.hash_pandas_object  # pyright sees an object
        return [f"{number:016x}" for number in hashed(x, index=False).tolist()]
    if isinstance(x, np.ndarray):
        return [_short(np.ascontiguousarray(row).data) for row in x]
    ends = zip(x.indptr[:-1].tolist(), x.indptr[1:].tolist(), strict=True)
    columns, values = x.indices.astype(np.int64), x.data
    return [_short(columns[a:b].tobytes() + values[a:b].tobytes()) for a, b in ends]


def _short(content: Any) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def differing(a: Any, b: Any) -> dict[Any, NDArray[np.bool_]]:
    """Of each column of a table, (n,) which cells are others in a second table of n rows.

    >>> import pandas as pd
    >>> a, b = pd.DataFrame({"age": [31.0, None]}), pd.DataFrame({"age": [310.0, None]})
    >>> differing(a, b)["age"]
    array([ True, False])
    """
    found: dict[Any, NDArray[np.bool_]] = {}
    for name in a.columns:
        one, two = (side[name].astype(object).to_numpy() for side in (a, b))
        gone = [side[name].isna().to_numpy() for side in (a, b)]
        found[name] = np.where(gone[0] | gone[1], gone[0] != gone[1], one != two).astype(np.bool_)
    return found


def _is_table(x: Inputs) -> bool:
    return hasattr(x, "iloc")  # pandas need not be imported to know that it is no data frame
