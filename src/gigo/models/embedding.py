"""A user's own features: a function of some inputs, checked whenever it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.errors import GigoError, SpecError
from gigo.inputs import Inputs, count

GIVES = "a function (rows of x) -> (n, d) of finite numbers"


@dataclass(frozen=True)
class Embedding:
    """Calls a function with some inputs, and sees to it that it gives vectors.

    Attributes:
        name: of the function, for errors.
        function: ``(rows of x) -> (n, d)``, anything that NumPy takes for an array.
        width: d; None before it is known.

    >>> import numpy as np
    >>> Embedding("lengths", lambda texts: [[len(text)] for text in texts])(["a", "abc"]).tolist()
    [[1.0], [3.0]]
    """

    name: str
    function: Callable[[Inputs], Any]
    width: int | None = None

    def __call__(self, x: Inputs) -> NDArray[np.float32]:
        """Vectors (n, d) of some inputs.

        Raises:
            SpecError: the function raises an error, or gives something else.
        """
        try:
            found = np.asarray(self.function(x), np.float32)
        except GigoError:
            raise
        except Exception as error:  # anybody's code
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise SpecError("model.features", self.name, f"{GIVES} ({reason})") from error
        n, width = count(x), self.width
        if found.ndim != 2 or len(found) != n or width not in (None, found.shape[1]):
            right = f"({n}, {'d' if width is None else width})"
            expected = f"{GIVES}: {right} for {n} items, not {found.shape}"
            raise SpecError("model.features", self.name, expected)
        if not found.shape[1] or not np.isfinite(found).all():
            told = "no numbers" if not found.shape[1] else "missing or infinite values"
            raise SpecError("model.features", self.name, f"{GIVES}: these have {told}")
        return found
