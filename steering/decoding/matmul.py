"""Products of a few rows with a large matrix: what a step of generation spends its time on.

A step multiplies two rows, or two per clip, with every matrix of the model, so it is as fast as the
matrices can be read. BLAS libraries are made for large products: with two rows they take up to
twice as long as with one, and round a row otherwise according to how many stand beside it. On the CPU
`steering.decoding.kernels` reads the matrix once for all rows and does the same to each of them, whatever is
beside it. It is compiled by numba where that is installed; where it is not, torch multiplies.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

MOST_ROWS = 64
"""With more of them, BLAS is as fast."""


class Matrix:
    """A matrix ``[K, N]`` that rows ``[R, K]`` are multiplied with.

    On the CPU a float32 matrix whose numbers are all float16 ones is kept as such: nothing is lost.

    Args:
        weight: ``[N, K]``, as linear layers have it. On a GPU it is shared; on the CPU it is
            copied, in the order in which it is read.

    Attributes:
        kept: the matrix ``[K, N]`` in the dtype in which it is kept.
        array: the same for the loops, float16 as uint16; None where torch multiplies.
        panels: once more in the order in which many rows want it: see `panels_of`.
    """

    def __init__(self, weight: Tensor) -> None:
        on_cpu = weight.device.type == "cpu"
        self.kept = weight.T.contiguous() if on_cpu else weight.T
        self.kernel = kernel() if on_cpu and weight.dtype == torch.float32 else None
        self.array: Any = None
        self.panels: Any = None
        if self.kernel is not None:
            if self.kernel.widens_halves() and is_half(self.kept):
                self.kept = self.kept.half()
            self.array, self.panels = as_array(self.kept), panels_of(self.kept, self.kernel)

    @property
    def tensor(self) -> Tensor:
        """``[K, N]`` in the dtype of the weight, made anew where it is kept as float16."""
        return self.kept if self.kernel is None else self.kept.float()

    @property
    def weight(self) -> Tensor:
        """``[N, K]``; as it was given on a GPU, made anew on the CPU."""
        return self.tensor.T.contiguous()

    @property
    def nbytes(self) -> int:
        """Bytes that a product reads."""
        return self.kept.nbytes

    def times(self, rows: Tensor) -> Tensor:
        """``rows @ matrix``: ``[R, N]``."""
        if self.kernel is None or len(rows) > MOST_ROWS:
            return torch.mm(rows, self.tensor)
        out = rows.new_zeros(len(rows), self.kept.shape[1])
        self.kernel.accumulate(rows.numpy(), self.array, self.panels, out.numpy())
        return out

    def add_to(self, out: Tensor, rows: Tensor) -> None:
        """Add ``rows @ matrix`` to ``out [R, N]``."""
        if self.kernel is None or len(rows) > MOST_ROWS:
            out.addmm_(rows, self.tensor)
        else:
            self.kernel.accumulate(rows.numpy(), self.array, self.panels, out.numpy())


def stacked(matrices: list[Matrix]) -> tuple[Any, Any]:
    """The matrices of all layers as one array ``[L, K, N]`` and their panels, which they then share."""
    if len({one.kept.dtype for one in matrices}) > 1:
        for one in matrices:
            one.kept = one.kept.float()
            one.panels = panels_of(one.kept, one.kernel)
    together = torch.stack([one.kept for one in matrices])
    panels = np.stack([one.panels for one in matrices])
    for one, kept, own in zip(matrices, together, panels, strict=True):
        one.kept, one.array, one.panels = kept, as_array(kept), own
    return as_array(together), panels


def panels_of(matrix: Tensor, kernel: Any) -> Any:
    """A matrix ``[K, N]`` as ``[N / C, K, C]``, C columns after another; none where N is no multiple of C."""
    depth, width = matrix.shape
    count = 0 if width % kernel.COLUMNS else width // kernel.COLUMNS
    parts = matrix[:, : count * kernel.COLUMNS].view(depth, count, kernel.COLUMNS)
    return as_array(parts.transpose(0, 1).contiguous())


def fits_loops(like: Tensor) -> bool:
    """Whether the loops take tensors of this kind."""
    return like.device.type == "cpu" and like.dtype == torch.float32


def is_half(tensor: Tensor) -> bool:
    """Whether float16 holds every number of it."""
    return bool((tensor.half().float() == tensor).all())


def as_array(tensor: Tensor) -> Any:
    """For the loops, in the same memory; float16 as uint16."""
    tensor = tensor.detach()
    return (tensor.view(torch.uint16) if tensor.dtype == torch.float16 else tensor).numpy()


@cache
def kernel() -> ModuleType | None:
    """The compiled loops; None without numba."""
    try:
        from steering.decoding import kernels
    except ImportError:
        return None
    return kernels
