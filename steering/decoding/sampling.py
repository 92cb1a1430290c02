"""From logits to codes: guidance, temperature, top-k, top-p, and noise that belongs to the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from curation.errors import BadInput

DRAWN_AHEAD = 4, 16
"""Steps whose noise is drawn at once, on the CPU and on a GPU."""


@dataclass(frozen=True)
class Sampling:
    """How codes are drawn.

    Attributes:
        guidance: how far to go from the unconditional towards the conditional logits; 1 is off.
        temperature: 0 takes the likeliest code.
        top_k: how many of the likeliest codes stay; 0 is all. top_p: how much of the probability.

    Raises:
        BadInput: a setting is out of its range.
    """

    guidance: float = 3.0
    temperature: float = 1.0
    top_k: int = 250
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and self.guidance >= 1):
            raise BadInput("sampling: temperature must be 0 or more, guidance 1 or more")
        if self.top_k < 0 or not 0 < self.top_p <= 1:
            raise BadInput("sampling: top-k must be 0 or more, top-p above 0 and at most 1")

    @property
    def guided(self) -> bool:
        return self.guidance > 1


def guided(logits: Tensor, guidance: float) -> Tensor:
    """Rows ``[2 * B, ...]``, conditional then unconditional, to ``[B, ...]`` (arXiv 2207.12598)."""
    conditional, unconditional = logits.chunk(2)
    return unconditional + guidance * (conditional - unconditional)


class Noise:
    """Exponential noise of one step after another, of some of which it is drawn at once.

    A row's numbers depend on its own generator alone: on the CPU they are the same, one step after another or
    together, on a GPU they go by how many are drawn at once.
    """

    def __init__(
        self, generators: Sequence[torch.Generator], codebooks: int, vocabulary: int
    ) -> None:
        self._drawn = partial(draw_ahead, generators, codebooks, vocabulary)
        self._count = DRAWN_AHEAD[generators[0].device.type == "cuda"]
        self._ready: list[Tensor] = []

    def next(self) -> Tensor:
        """Of the step at hand ``[B, K, E]``."""
        if not self._ready:
            self._ready = list(self._drawn(self._count).unbind(0))[::-1]
        return self._ready.pop()


def draw_ahead(
    generators: Sequence[torch.Generator], codebooks: int, vocabulary: int, steps: int
) -> Tensor:
    """The same of the steps that come next ``[S, B, K, E]``; on the CPU as if drawn one after another."""
    each = [_exponential(one, (steps, codebooks, vocabulary)) for one in generators]
    return torch.stack(each, dim=1)


def _exponential(generator: torch.Generator, shape: tuple[int, ...]) -> Tensor:
    """On the CPU by the inverse of the distribution, a third of the time."""
    if generator.device.type == "cpu":
        uniform = torch.rand(shape, dtype=torch.float64, generator=generator)
        return uniform.neg_().add_(1).log_().neg_().float()
    return torch.empty(shape, device=generator.device).exponential_(generator=generator)


def choose(logits: Tensor, sampling: Sampling, noise: Tensor | None) -> Tensor:
    """Logits and noise ``[B, K, E]`` to codes ``[B, K]``.

    The largest of probability over exponential noise is a draw from the probabilities.

    Raises:
        ValueError: the temperature is above 0, but there is no noise.
    """
    if sampling.temperature == 0:
        return logits.argmax(-1)
    if noise is None:
        raise ValueError("drawing needs noise: only temperature 0 does without")
    scaled = logits.float() / sampling.temperature
    places = None
    if 0 < sampling.top_k < scaled.shape[-1]:
        scaled, places = scaled.topk(sampling.top_k, dim=-1)
        noise = noise.gather(-1, places)
    if sampling.top_p < 1:
        scaled = _nucleus(scaled, sampling.top_p)
    drawn = (scaled.softmax(-1) / noise.clamp_min(1e-20)).argmax(-1, keepdim=True)
    return (drawn if places is None else places.gather(-1, drawn)).squeeze(-1)


def _nucleus(scaled: Tensor, top_p: float) -> Tensor:
    """All but the smallest set of codes that holds ``top_p`` of the probability masked out."""
    ordered, order = scaled.sort(dim=-1, descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
    ordered = ordered.masked_fill(before >= top_p, float("-inf"))
    return torch.empty_like(scaled).scatter_(-1, order, ordered)
