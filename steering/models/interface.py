"""What the rest of the library asks of a model: codes, conditions, blocks, logits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from curation.errors import BadInput
from sketch.language.delay import delayed
from steering.models.origin import Origin
from steering.models.sites import Site, Sublayer
from steering.models.streams import OverlapStream, Stream
from steering.models.weights import DecoderWeights


@dataclass(frozen=True)
class Condition:
    """Prompts as the decoder's cross-attention reads them.

    Attributes:
        states: ``[R, W, D]`` in the decoder's size; zeros where there is no word.
        mask: ``[R, W]``, 1 for words. A row without a word is an unconditional one.
    """

    states: Tensor
    mask: Tensor

    def with_unconditional(self) -> Condition:
        """The rows of guidance: all conditional ones, then as many without a word."""
        return Condition(
            torch.cat([self.states, torch.zeros_like(self.states)]),
            torch.cat([self.mask, torch.zeros_like(self.mask)]),
        )

    def repeated(self, count: int) -> Condition:
        """One row, ``count`` times."""
        return Condition(self.states.expand(count, -1, -1), self.mask.expand(count, -1))

    def rows(self, chosen: Sequence[int]) -> Condition:
        """Some of the rows."""
        places = torch.tensor(list(chosen), device=self.states.device)
        return Condition(self.states[places], self.mask[places])


class Decoding(Protocol):
    """One generation in progress; its caller gives a column of codes and gets what comes next."""

    def step(self, codes: Tensor) -> Tensor:
        """Codes ``[R, K]`` of one step to logits ``[R, K, E]`` of the next."""


class MusicModel(ABC):
    """A MusicGen: text to codes to sound.

    Attributes:
        origin: what its directions are marked with.
        codebooks: K. vocabulary: E; the code E itself stands for 'nothing yet'.
        frame_rate: frames a second. sample_rate: Hz.
    """

    origin: Origin
    backend: str
    codebooks: int
    vocabulary: int
    frame_rate: float
    sample_rate: int
    longest_seconds: float = 30.0

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the decoder is."""

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """What the decoder computes in."""

    @property
    @abstractmethod
    def blocks(self) -> Sequence[nn.Module]:
        """The decoder's blocks, first to last; each gives the residual stream ``[R, S, D]``."""

    @abstractmethod
    def sublayers(self, sublayer: Sublayer) -> Sequence[nn.Module]:
        """Of every block the module that gives what this sublayer adds to the stream, ``[R, S, D]``."""

    def modules_at(self, site: Site) -> Sequence[nn.Module]:
        """Of every block the module whose output is read and changed at a site."""
        return self.blocks if site == "block output" else self.sublayers(site)

    @abstractmethod
    def encode(self, audio: Tensor) -> Tensor:
        """Samples ``[B, N]``, mono at ``sample_rate``, to codes ``[B, K, T]``."""

    @abstractmethod
    def decode(self, codes: Tensor) -> Tensor:
        """Codes ``[B, K, T]`` to samples ``[B, N]``."""

    @abstractmethod
    def condition(self, prompts: Sequence[str]) -> Condition:
        """Prompts in the decoder's size; an empty prompt is a row without a word."""

    @abstractmethod
    def through_blocks(self, columns: Tensor, condition: Condition) -> Tensor:
        """What `run` does, where gradients may be asked for."""

    @abstractmethod
    def through_heads(self, states: Tensor) -> Tensor:
        """What `heads` does, where gradients may be asked for."""

    @torch.inference_mode()
    def run(self, columns: Tensor, condition: Condition) -> Tensor:
        """Delayed codes ``[R, K, S]`` through all blocks in one pass: ``[R, S, D]`` after the norm."""
        return self.through_blocks(columns, condition)

    @torch.inference_mode()
    def heads(self, states: Tensor) -> Tensor:
        """What `run` gave, as logits ``[R, K, S, E]``."""
        return self.through_heads(states)

    def logits(self, columns: Tensor, condition: Condition) -> Tensor:
        """Delayed codes ``[R, K, S]`` in one pass to logits ``[R, K, S, E]``."""
        return self.heads(self.run(columns, condition))

    @abstractmethod
    def start(self, condition: Condition) -> Decoding:
        """Begin to generate, one row of codes per row of the condition."""

    @abstractmethod
    def weights(self) -> DecoderWeights:
        """The decoder's tensors.

        Raises:
            BadInput: the decoder is of another shape than MusicGen's.
        """

    def stream(self) -> Stream:
        """A decoder of codes that come piece by piece, for one clip or several of one length."""
        return OverlapStream(self.decode, round(self.sample_rate / self.frame_rate))

    @property
    def blank(self) -> int:
        """The code that stands for 'nothing yet'."""
        return self.vocabulary

    def delayed(self, codes: Tensor) -> Tensor:
        """Codes ``[B, K, T]`` as the decoder reads them: ``[B, K, T + K]``."""
        return delayed(codes, self.blank)

    def frames(self, seconds: float) -> int:
        """Frames of a clip.

        Raises:
            BadInput: a length that cannot be played.
        """
        if not 1 / self.frame_rate <= seconds <= self.longest_seconds:
            raise BadInput(
                f"{seconds:g} s cannot be played: ask for {1 / self.frame_rate:g} to "
                f"{self.longest_seconds:g} s"
            )
        return round(seconds * self.frame_rate)


def readable(mask: Tensor) -> Tensor:
    """A mask without empty rows: their states are zeros, so attending to them adds nothing."""
    return torch.where(mask.sum(-1, keepdim=True) > 0, mask, torch.ones_like(mask))


def residual_stream(output: Any) -> Tensor:
    """What a block or its sublayer gives, ``[R, S, D]``: bare, or first in a tuple, by library and version."""
    return output[0] if isinstance(output, tuple) else output


def replaced(output: Any, stream: Tensor) -> Any:
    """That output with another stream in it."""
    return (stream, *output[1:]) if isinstance(output, tuple) else stream
