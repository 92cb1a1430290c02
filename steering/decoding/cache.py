"""What a decoder keeps between steps: keys and values of the codes so far, and of the prompts."""

from __future__ import annotations

import weakref
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from steering.decoding.matmul import as_array, fits_loops

MOST_SPARE = 256_000_000
"""Bytes of caches whose memory is kept for the next: of the sketch those of a dozen listeners."""

Place = int | Tensor
"""A position: a number, or a tensor that holds it on the device, of all rows ``[1]`` or of each ``[R]``."""


@dataclass(frozen=True)
class Words:
    """What each word of a short prompt does in a block.

    Attributes:
        scores: what a row is multiplied with for its scores ``[H * W, D]``. folded: the same times the
            norm that comes before ``[2, H * W]``.
        adds: what each head and word adds to the row ``[D, H, W]``, padded to powers of two.
    """

    scores: Tensor
    folded: Tensor
    adds: Tensor


@dataclass(frozen=True)
class PromptCache:
    """The prompts as a block's attention reads it, for the ``C`` rows that come first.

    Attributes:
        keys: ``[C * H, D / H, W]``. values: ``[C * H, W, D / H]``, per layer.
        mask: ``[C * H, 1, W]``, to be added; None where no row is padded.
        loops: for the compiled loops, keys and values ``[L, 2, C, H, W, d]`` with the words that are
            read before those that are not, and the number of the former ``[C]``.
        lines: where the loops find each of the rows ``[C, 4]``.
        words: for a GPU, of each block, where there is one short prompt.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    mask: Tensor | None
    rows: int
    loops: tuple[Any, Any] | None = None
    words: tuple[Words, ...] | None = None

    @cached_property
    def lines(self) -> Any:
        assert self.loops is not None
        return lines(self.loops[0])


def lines(array: Any) -> Any:
    """Where the compiled loops find each row of ``[L, 2, R, H, S, d]``: int64 ``[R, 4]``.

    The address of its first number, and bytes from a layer, a part and a head to the next.
    """
    layer, part, row, head = array.strides[:4]
    out = np.empty((array.shape[2], 4), np.int64)
    out[:, 0] = array.ctypes.data + row * np.arange(array.shape[2])
    out[:, 1:] = layer, part, head
    return out


class Spare:
    """Memory of caches that are used no more, for the next of the same shape.

    Who comes and goes then takes no memory that was not there, and gives none back to fragments.
    """

    def __init__(self, most: int = MOST_SPARE) -> None:
        self._most, self._kept = most, deque[Tensor]()

    @torch.inference_mode()
    def take(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Zeros of this shape."""
        for _ in range(len(self._kept)):
            try:
                one = self._kept.popleft()
            except IndexError:
                break
            if one.shape == shape:
                return one.zero_()
            self._kept.append(one)
        return like.new_zeros(shape)

    def give(self, one: Tensor) -> None:
        """Keep it, in place of the oldest where there are too many."""
        self._kept.append(one)
        while self._kept and sum(kept.nbytes for kept in tuple(self._kept)) > self._most:
            self._kept.popleft()


class Cache:
    """Keys and values of the steps so far, with room for ``length`` of them.

    Memory that no step has reached yet is not touched, the first time that it is used.

    Args:
        spare: where its memory comes from, and goes when nobody has it any more.
    """

    def __init__(
        self,
        layers: int,
        rows: int,
        heads: int,
        length: int,
        size: int,
        like: Tensor,
        spare: Spare | None = None,
    ) -> None:
        shape = (layers, 2, rows, heads, length, size)
        self.all = like.new_zeros(shape) if spare is None else spare.take(shape, like)
        if spare is not None:
            weakref.finalize(self, spare.give, self.all).atexit = False
        flat = self.all.view(layers, 2, rows * heads, length, size)
        self.slots = list(self.all)
        self.keys = [one[0].transpose(1, 2) for one in flat]
        self.values = [one[1] for one in flat]
        self.lines = lines(as_array(self.all)) if fits_loops(like) else None

        self._shares: tuple[Tensor, Tensor] | None = None

    def shares(self, count: int) -> tuple[Tensor, Tensor]:
        """For a GPU that reads the past of a row's head in so many shares: what each comes to ``[R H, shares, d + 2]``,
        float32, and how many are ready ``[R H]``."""
        if self._shares is None:
            _, _, rows, heads, _, size = self.all.shape
            parts = self.all.new_empty(rows * heads, count, size + 2, dtype=torch.float32)
            self._shares = parts, self.all.new_zeros(rows * heads, dtype=torch.int32)
        return self._shares

    @staticmethod
    def bytes(layers: int, rows: int, length: int, width: int, item: int) -> int:
        """What it takes: ``width`` is D, ``item`` the bytes of a number."""
        return 2 * layers * rows * length * width * item

    def put(self, layer: int, new: Tensor, place: Place) -> None:
        """Keys and values ``[2, R, H, D / H]`` of the step at a position."""
        if isinstance(place, int):
            self.slots[layer].select(3, place).copy_(new)
        elif len(place) > 1:
            rows = torch.arange(len(place), device=place.device)
            self.slots[layer][:, rows, :, place] = new.transpose(0, 1)
        else:
            self.slots[layer].index_copy_(3, place, new.unsqueeze(3))

    def put_all(self, layer: int, new: Tensor, first: int = 0) -> None:
        """Keys and values ``[2, R, H, S, D / H]`` of S positions from ``first`` on."""
        self.slots[layer][..., first : first + new.shape[3], :] = new

    def take(self, other: Cache) -> None:
        """What another holds, as the first positions."""
        self.all[..., : other.all.shape[-2], :] = other.all
