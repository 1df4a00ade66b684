"""Is bfloat16 as good as float32? ``python benchmarks/precision.py [NAME ...]``.

Trains the same trials in both precisions, through gigo's own runs in ``runs/precision``, so that it
can be interrupted and called again, and prints for each point both mean accuracies and the 95 %
interval of their difference, paired by replicate, with its p-value as it is and adjusted for all
points (Holm). Without names the table of all is kept as
``docs/results/precision.csv``.

Where the processor does not multiply bfloat16 itself (``avx512_bf16``, ``amx_bf16``) the products
are worked out as such a processor does: see `Rounded`. That tells about accuracy, not about speed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

import gigo
from gigo.analysis.multiple import holm
from gigo.api import Result
from gigo.machine import Machine
from gigo.study import Study

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "runs" / "precision"
NATIVE = Machine.here().precision == "bfloat16"
TABLE = ROOT / "docs" / "results" / "precision.csv"
STUDIES = {
    "digits": Study.create(
        dataset="digits", rates=[0, 0.2, 0.4, 0.6], recipe="small", replicates=30
    ),
    # Where these differ, once more on replicates of another seed.
    "digits-again": Study.create(
        dataset="digits", rates=0.2, recipe="small", replicates=60, seed=1
    ),
    "mnist-1000": Study.create(
        dataset="mnist",
        size=1000,
        rates=[0, 0.2, 0.4, 0.6],
        recipe="article",
        validation="clean",
        replicates=6,
    ),
    "mnist-all": Study.create(
        dataset="mnist",
        rates=0.4,
        recipe={"base": "article", "epochs": 5},
        validation="clean",
        replicates=3,
    ),
}
PRODUCTS = {
    torch.ops.aten.conv2d.default,  # these three only in inference mode
    torch.ops.aten.linear.default,
    torch.ops.aten.matmul.default,
    torch.ops.aten.convolution.default,
    torch.ops.aten.convolution_backward.default,
    torch.ops.aten.mm.default,
    torch.ops.aten.bmm.default,
    torch.ops.aten.addmm.default,
    torch.ops.aten.baddbmm.default,
}


class Rounded(TorchDispatchMode):
    """Products of bfloat16 numbers by float32 kernels, which every processor has.

    Operands are bfloat16, sums are taken in float32 and rounded to bfloat16 when stored: what
    kernels do that are built on the instruction for it (VDPBF16PS, Intel's manual for developers of
    software, volume 2), but for the order of the sums, and for denormal numbers, which that takes
    for zero.
    """

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation, in float32 if it is a product of bfloat16 numbers."""
        kwargs = kwargs or {}
        halves = any(isinstance(a, torch.Tensor) and a.dtype == torch.bfloat16 for a in args)
        if func not in PRODUCTS or not halves:
            return func(*args, **kwargs)
        found = func(*tree_map_only(torch.Tensor, torch.Tensor.float, args), **kwargs)
        return tree_map_only(torch.Tensor, torch.Tensor.bfloat16, found)


def trained(name: str, precision: str) -> Result:
    """The run of a study in a precision, trained as far as it is not yet."""
    rounded = precision == "bfloat16" and not NATIVE
    called = f"{name}-{'rounded' if rounded else precision}"
    study, folder = STUDIES[name].but(name=called, precision=precision), RUNS / called
    if not rounded:
        return gigo.run(study, out=folder, device="cpu")
    with Rounded():  # of this process alone
        return gigo.run(study, out=folder, device="cpu", workers=1)


def main() -> None:
    """Train what is missing of the studies asked for, and write the table of all there are."""
    parts: list[pd.DataFrame] = []
    for name in sys.argv[1:] or STUDIES:
        found = gigo.compare(trained(name, "bfloat16"), trained(name, "float32")).frame
        part = found[["dataset", "size", "rate"]].assign(
            study=name,
            seed=STUDIES[name].seed,
            bfloat16=found["mean_a"],
            float32=found["mean_b"],
            replicates=found["n_a"],
            difference=found["difference"],
            low=found["low"],
            high=found["high"],
            p=found["p"],
            products="the processor's" if NATIVE else "rounded",
        )
        parts.append(part)
    table = pd.concat(parts)
    table["p_adjusted"] = holm(table["p"].to_numpy("float64"))
    print(table.to_string(index=False))
    if not sys.argv[1:]:
        TABLE.parent.mkdir(exist_ok=True)
        table.to_csv(TABLE, index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
