"""Sound out of codes that are still coming in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

PAST, FUTURE = 100, 10
"""Frames on either side of a piece that `OverlapStream` decodes with it.

EnCodec's convolutions reach a few frames to both sides; its recurrent layers remember for longer, but
fade.
"""


class Stream(Protocol):
    """Decodes clips piece by piece; all pieces together are the clip."""

    def push(self, codes: Tensor) -> Tensor:
        """Codes ``[B, K, T]`` that come next, to the samples ``[B, N]`` that are now settled."""

    def finish(self) -> Tensor:
        """The samples ``[B, N]`` that were still waiting; nothing comes after them.

        Raises:
            ValueError: no codes were pushed.
        """


class OverlapStream:
    """Decodes each piece with what is around it, and keeps the piece.

    The pieces meet without a gap and each sample is made once; it differs from the sample of the
    whole clip by what the codec owes to codes that are further away than ``past`` and ``future``.

    Args:
        decode: codes ``[B, K, T]`` to samples ``[B, T * hop]``.
        hop: samples a frame.
    """

    def __init__(
        self, decode: Callable[[Tensor], Tensor], hop: int, past: int = PAST, future: int = FUTURE
    ) -> None:
        self.decode, self.hop, self.past, self.future = decode, hop, past, future
        self.codes: Tensor | None = None
        self.first = 0
        self.sounded = 0

    def push(self, codes: Tensor) -> Tensor:
        """As `Stream.push`."""
        self.codes = codes if self.codes is None else torch.cat([self.codes, codes], dim=-1)
        return self._sound(self.first + self.codes.shape[-1] - self.future)

    def finish(self) -> Tensor:
        """As `Stream.finish`."""
        if self.codes is None:
            raise ValueError("no codes were pushed: push() some before finish()")
        return self._sound(self.first + self.codes.shape[-1])

    def _sound(self, until: int) -> Tensor:
        assert self.codes is not None
        if until <= self.sounded:
            return torch.zeros(len(self.codes), 0, device=self.codes.device)
        start, end = ((frame - self.first) * self.hop for frame in (self.sounded, until))
        samples = self.decode(self.codes)[:, start:end]
        self.sounded = until
        spent = max(0, until - self.past - self.first)
        self.codes = self.codes[..., spent:]
        self.first += spent
        return samples
