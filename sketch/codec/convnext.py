"""The block that encoder and decoder are made of (Liu et al. 2022, in one dimension)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """A depthwise convolution over time, then a small network per frame, added to its input.

    Args:
        past: frames that the convolution sees before the one it writes.
        future: frames that it sees after it.
    """

    def __init__(self, size: int, past: int, future: int) -> None:
        super().__init__()
        self.padding = (past, future)
        self.depthwise = nn.Conv1d(size, size, past + 1 + future, groups=size)
        self.norm = nn.LayerNorm(size)
        self.widen = nn.Linear(size, 4 * size)
        self.narrow = nn.Linear(4 * size, size)
        self.scale = nn.Parameter(torch.full((size,), 0.2))

    def forward(self, frames: Tensor) -> Tensor:
        """``[B, T, size]`` to the same."""
        padded = functional.pad(frames.transpose(1, 2), self.padding)
        mixed = self.depthwise(padded).transpose(1, 2)
        mixed = self.narrow(functional.gelu(self.widen(self.norm(mixed))))
        return frames + self.scale * mixed
