"""Where training runs and in which precision."""

from __future__ import annotations

import ctypes
import os
import platform
import sys

import torch

from gigo.errors import SpecError
from gigo.machine import Machine

_OUT_OF_MEMORY = "allocate memory", "out of memory", "ALLOC_FAILED", "bad_alloc"
"""What PyTorch's errors say on the CPU, on CUDA, in its libraries and in C++."""

DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32, "float64": torch.float64}


def resolve_device(name: str) -> torch.device:
    """``auto`` is the first accelerator that is there, else the CPU.

    Raises:
        SpecError: a device that PyTorch does not know or this machine does not have.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()  # some devices hold nothing
    # Which of the two says that a device is not there depends on PyTorch's build.
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise SpecError("device", name, f"auto, cpu, cuda or cuda:N on it ({reason})") from None
    return device


def resolve_precision(name: str, device: torch.device, machine: Machine) -> str:
    """``auto`` is bfloat16 where the device multiplies it faster than float32."""
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return machine.precision if device.type == "cpu" else "float32"


def prepare_process() -> None:
    """Set PyTorch and the allocator up in a process that trains or may; can be repeated."""
    keep_freed_memory()
    exact_on_cuda()


def exact_on_cuda() -> None:
    """Have CUDA compute float32 as float32, and the same numbers every time.

    By default convolutions round to TF32's 10 bits, and some of their kernels add up in the order
    in which threads happen to finish.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.deterministic = True


def free_memory(device: torch.device) -> int | None:
    """Bytes that stacks may take, half of what is free on an accelerator; None on the CPU.

    The other half is for what is replayed, which has its own memory, and for evaluation.
    """
    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else None


def out_of_memory(error: Exception) -> bool:
    """Whether that is what an error of Python or PyTorch says."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(sign in str(error) for sign in _OUT_OF_MEMORY)


def keep_freed_memory() -> None:
    """Have glibc keep big freed buffers instead of returning them to the kernel.

    Every training step allocates and frees the same large buffers; returning them costs a page
    fault per 4 KiB at the next step, 20 to 40 % of the time. Safe to call again; does nothing
    where the C library is another, or where ``GIGO_KEEP_MEMORY`` is ``0``.
    """
    if os.environ.get("GIGO_KEEP_MEMORY") == "0":
        return
    if not sys.platform.startswith("linux") or platform.libc_ver()[0] != "glibc":
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # <malloc.h>
    libc = ctypes.CDLL(None)
    # Older versions take 32 MiB at most. Where neither is taken the other settings would do harm:
    # any of them stops glibc from raising the threshold by itself.
    if libc.mallopt(mmap_threshold, 1 << 30) or libc.mallopt(mmap_threshold, 32 << 20):
        libc.mallopt(trim_threshold, 2**31 - 1)
        libc.mallopt(top_pad, 64 << 20)


def describe(device: torch.device) -> str:
    """The device's name, for people."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{Machine.here().processor}, {threads} thread{'s' if threads > 1 else ''}"
