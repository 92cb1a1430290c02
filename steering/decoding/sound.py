"""Codes that are there to the sound that is heard: pieces in, chunks out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from steering.decoding.generation import ENDLESS
from steering.models.interface import MusicModel


@dataclass(frozen=True)
class Chunk:
    """A piece of all clips.

    Attributes:
        audio: float32 ``[B, N]``; silence past the end of a shorter clip.
        codes: ``[B, K, T]`` of these samples; blank past the end of a shorter clip.
        start: seconds from the beginning.
        done, total: frames up to the end of this chunk, and of the longest clip; None where the clips go
            on until they are stopped.
    """

    audio: Tensor
    codes: Tensor
    start: float
    done: int
    total: int | None


@dataclass(frozen=True)
class Piece:
    """Frames of all clips whose codes are there, on their way to be heard.

    Attributes:
        codes: ``[B, K, T]``; blank past the end of a shorter clip. first: the frame that they begin with.
        lengths: frames of each clip. frames: of the longest.
    """

    codes: Tensor
    first: int
    lengths: Sequence[int]
    frames: int


class Sound:
    """Codes of clips to their samples; clips of one length are decoded together."""

    def __init__(self, model: MusicModel, lengths: Sequence[int]) -> None:
        self.rate, self.hop = model.frame_rate, round(model.sample_rate / model.frame_rate)
        self.rows = {
            length: [row for row, one in enumerate(lengths) if one == length]
            for length in sorted(set(lengths))
        }
        self.streams = {length: model.stream() for length in self.rows}
        self.made: dict[int, Tensor] = {}
        self.codes = torch.empty(len(lengths), model.codebooks, 0, dtype=torch.long)
        self.done = 0

    @torch.inference_mode()
    def push(self, piece: Piece, least: int) -> Chunk | None:
        """What can be heard now that more frames are settled; None if it is less than ``least``."""
        settled = piece.first + piece.codes.shape[-1]
        self.codes = torch.cat([self.codes, piece.codes.cpu()], -1)
        for name, rows in self.rows.items():
            length = piece.lengths[rows[0]]
            last = min(settled, length)
            if piece.first < last:
                codes = piece.codes[rows][..., : last - piece.first]
                self._keep(name, self.streams[name].push(codes))
                if last == length:
                    self._keep(name, self.streams[name].finish())
                    silence = (piece.frames - length) * self.hop
                    self._keep(name, self.made[name].new_zeros(len(rows), silence))
        ready = min(made.shape[-1] for made in self.made.values()) if self.made else 0
        if ready < least * self.hop and settled < piece.frames:
            return None
        return self._chunk(piece, ready)

    def _keep(self, length: int, samples: Tensor) -> None:
        kept = self.made.get(length)
        samples = samples.float()
        self.made[length] = samples if kept is None else torch.cat([kept, samples], dim=-1)

    def _chunk(self, piece: Piece, samples: int) -> Chunk:
        audio = torch.empty(sum(map(len, self.rows.values())), samples)
        for length, rows in self.rows.items():
            audio[rows] = self.made[length][:, :samples].to(audio.device)
            self.made[length] = self.made[length][:, samples:]
        count = samples // self.hop
        first, self.done = self.done, self.done + count
        codes, self.codes = self.codes[..., :count].clone(), self.codes[..., count:].clone()
        total = None if piece.frames >= ENDLESS else piece.frames
        return Chunk(audio, codes, first / self.rate, self.done, total)
