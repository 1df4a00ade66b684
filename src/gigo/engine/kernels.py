"""PyTorch's kernels over lists of tensors; it uses them itself but has no public name for them."""

from __future__ import annotations

from typing import Any

import torch

aten: Any = torch.ops.aten

fused_adam = aten._fused_adam_
"""``(parameters, gradients, first moments, second moments, [], steps, *, lr, ...)``, in place."""

fused_sgd = aten._fused_sgd_
"""``(parameters, gradients, velocities, *, lr, ...)``, in place."""

copy_each = aten._foreach_copy_
"""``(targets, sources)``: every source into its target, converted if need be."""
