"""Products of a few rows with a large matrix: what a step of generation spends its time on.

A step multiplies two rows, or two per clip, with every matrix of the model, so it is as fast as the
matrices can be read. BLAS libraries are made for large products: with two rows they take up to
twice as long as with one, and round a row otherwise according to how many stand beside it. On the CPU
the loop below reads the matrix once for all rows and does the same to each of them, whatever is
beside it. It is compiled by numba where that is installed; where it is not, torch multiplies.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

MOST_ROWS = 16
"""With more of them, BLAS is as fast."""


class Matrix:
    """A matrix ``[K, N]`` that rows ``[R, K]`` are multiplied with.

    Args:
        weight: ``[N, K]``, as linear layers have it. On a GPU it is shared; on the CPU it is
            copied, in the order in which it is read.
    """

    def __init__(self, weight: Tensor) -> None:
        on_cpu = weight.device.type == "cpu"
        self.tensor = weight.T.contiguous() if on_cpu else weight.T
        self.kernel = kernel() if on_cpu and weight.dtype == torch.float32 else None
        self.array = self.tensor.detach().numpy() if self.kernel is not None else None

    def times(self, rows: Tensor) -> Tensor:
        """``rows @ matrix``: ``[R, N]``."""
        if self.kernel is None or len(rows) > MOST_ROWS:
            return torch.mm(rows, self.tensor)
        out = rows.new_zeros(len(rows), self.tensor.shape[1])
        self.kernel(rows.numpy(), self.array, out.numpy())
        return out

    def add_to(self, out: Tensor, rows: Tensor) -> None:
        """Add ``rows @ matrix`` to ``out [R, N]``."""
        if self.kernel is None or len(rows) > MOST_ROWS:
            out.addmm_(rows, self.tensor)
        else:
            self.kernel(rows.numpy(), self.array, out.numpy())


@cache
def kernel() -> Callable[[Any, Any, Any], None] | None:
    """The compiled loop: ``(rows [R, K], matrix [K, N], out [R, N])``; None without numba.

    Compiled once on a machine, which takes a second or two, and kept beside this file.
    """
    try:
        from numba import njit
    except ImportError:
        return None
    signature = "void(float32[:, ::1], float32[:, ::1], float32[:, ::1])"
    options = {"fastmath": {"contract", "nsz"}, "nogil": True, "error_model": "numpy"}
    compiled: Callable[[Any, Any, Any], None]
    try:
        compiled = njit(signature, cache=True, **options)(_accumulate)
    except RuntimeError:  # no folder that a compiled function could be kept in
        compiled = njit(signature, **options)(_accumulate)
    return compiled


def _accumulate(rows, matrix, out):  # type: ignore[no-untyped-def]
    """Eight rows of the matrix at a time, so that ``out`` is read and written an eighth as often."""
    count, depth = rows.shape
    width = matrix.shape[1]
    whole = depth - depth % 8
    for k in range(0, whole, 8):
        for r in range(count):
            a, b, c, d = rows[r, k], rows[r, k + 1], rows[r, k + 2], rows[r, k + 3]
            e, f, g, h = rows[r, k + 4], rows[r, k + 5], rows[r, k + 6], rows[r, k + 7]
            for n in range(width):
                low = a * matrix[k, n] + b * matrix[k + 1, n]
                low += c * matrix[k + 2, n] + d * matrix[k + 3, n]
                high = e * matrix[k + 4, n] + f * matrix[k + 5, n]
                high += g * matrix[k + 6, n] + h * matrix[k + 7, n]
                out[r, n] += low + high
    for k in range(whole, depth):
        for r in range(count):
            for n in range(width):
                out[r, n] += rows[r, k] * matrix[k, n]
