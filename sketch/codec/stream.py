"""Sound as the codes come in: chunks that, put together, are the whole clip's samples."""

from __future__ import annotations

import torch
from torch import Tensor

from sketch.codec.features import HOP
from sketch.codec.model import SketchCodec


class ChunkedDecoder:
    """Decodes one clip, or a batch of them, piece by piece.

    Each frame waits for the ``codec.config.decoder_future`` frames (160 ms) that its sound depends
    on, and ``decoder_past`` frames before it are decoded again with it, so there is no seam.
    """

    def __init__(self, codec: SketchCodec) -> None:
        self.codec = codec
        self.codes: Tensor | None = None
        self.first = 0
        self.sounded = 0

    def push(self, codes: Tensor) -> Tensor:
        """Codes ``[B, K, T]`` that come next, to the samples ``[B, N]`` that are now settled."""
        self.codes = codes if self.codes is None else torch.cat([self.codes, codes], dim=-1)
        return self._sound(self._heard - self.codec.config.decoder_future)

    def finish(self) -> Tensor:
        """The samples ``[B, N]`` that were still waiting; nothing comes after them.

        Raises:
            ValueError: no codes were pushed.
        """
        return self._sound(self._heard)

    @property
    def _heard(self) -> int:
        return self.first + (0 if self.codes is None else self.codes.shape[-1])

    def _sound(self, until: int) -> Tensor:
        if self.codes is None:
            raise ValueError("no codes were pushed: push() some before finish()")
        if until <= self.sounded:
            return torch.zeros(len(self.codes), 0, device=self.codes.device)
        made = self.codec.decode(self.codes[None], first_frame=self.first).audio_values
        assert made is not None
        samples = made[:, 0, (self.sounded - self.first) * HOP : (until - self.first) * HOP]
        self.sounded = until
        spent = max(0, until - self.codec.config.decoder_past - self.first)
        self.codes = self.codes[..., spent:]
        self.first += spent
        return samples
