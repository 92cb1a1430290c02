"""A sparse autoencoder: activations as sums of few directions, found without a label.

It is the one with TopK of Gao et al. (2024, arXiv 2406.04093): a centre that is taken off first, of a
vector's latents only the `ACTIVE` largest, columns of length 1 in the decoder, and a second loss by which
latents that are no longer used learn what the others leave. No library stands behind it: those that are
kept up bring a second stack with them (sae-lens transformer-lens, dictionary-learning nnsight and wandb,
eai-sparsify wandb, overcomplete timm, OpenCV and torchvision), and what is needed here is one matrix
product, one choice and one sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from torch.nn import functional

LATENTS, ACTIVE = 1024, 32
"""Of a dictionary; and of these as many as a vector is made of."""

STEPS = 640
"""Of learning: some 10 s of one core for a layer of 256."""

_BATCH, _RATE = 256, 1e-2
"""Of sixteen settings these held the most of the variance of seconds of songs that were held out."""

_REVIVED, _REVIVAL = 128, 1 / 32
"""Unused latents that learn from what is left of a vector, and the weight of it in the loss."""


@dataclass(frozen=True)
class Dictionary:
    """What a layer's activations are made of.

    Attributes:
        encoder, decoder: float32 ``[M, D]``, one latent a row; the decoder's are of length 1.
        centre: float32 ``[D]``. scale: length that counts as 1, typical of what is off the centre.
        active: latents of which a vector is made.
    """

    encoder: Tensor
    decoder: Tensor
    centre: Tensor
    scale: float
    active: int = ACTIVE

    def encode(self, x: Tensor) -> Tensor:
        """Vectors ``[N, D]`` to latents ``[N, M]``, all but a few of them 0 and none below."""
        amounts, places = largest(self._raw(x), self.active)
        return torch.zeros(len(x), len(self.encoder), device=x.device).scatter(1, places, amounts)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents ``[N, M]`` back to vectors ``[N, D]``."""
        return latents @ self.decoder * self.scale + self.centre

    def explained(self, x: Tensor) -> float:
        """Share of the variance of vectors ``[N, D]`` that their latents hold."""
        left = (x - self.decode(self.encode(x))).square().sum()
        return 1 - float(left / (x - x.mean(0)).square().sum().clamp_min(1e-12))

    def dead(self, x: Tensor) -> int:
        """How many latents are 0 in all of ``[N, D]``."""
        return int((self.encode(x) == 0).all(0).sum())

    def _raw(self, x: Tensor) -> Tensor:
        return (x - self.centre) / self.scale @ self.encoder.T


def largest(raw: Tensor, active: int) -> tuple[Tensor, Tensor]:
    """The largest of a row's numbers, what is negative as 0, and their places: ``[N, active]``."""
    amounts, places = raw.topk(active, dim=-1, sorted=False)
    return amounts.relu(), places


def learn(
    x: Tensor,
    generator: torch.Generator,
    latents: int = LATENTS,
    active: int = ACTIVE,
    steps: int = STEPS,
) -> Dictionary:
    """The dictionary of vectors ``[N, D]``; the generator, on the CPU, gives its start and order."""
    centre = x.mean(0)
    scale = float((x - centre).square().sum(-1).mean().sqrt().clamp_min(1e-12))
    centred = (x - centre) / scale
    start = torch.randn(latents, x.shape[1], generator=generator).to(x.device)
    decoder = functional.normalize(start, dim=-1).requires_grad_(True)
    encoder = decoder.detach().clone().requires_grad_(True)
    shift = torch.zeros_like(centre).requires_grad_(True)
    optimiser = torch.optim.Adam([encoder, decoder, shift], lr=_RATE)
    unused = torch.zeros(latents, dtype=torch.long, device=x.device)
    for step, part in enumerate(islice(_batches(len(x), generator), steps)):
        optimiser.param_groups[0]["lr"] = _RATE * min(1.0, 2 * (1 - step / steps))
        with torch.enable_grad():
            dead = unused > len(x)
            loss, used = _loss(centred[part.to(x.device)], encoder, decoder, shift, active, dead)
            optimiser.zero_grad()
            loss.backward()
        optimiser.step()
        with torch.no_grad():
            decoder.copy_(functional.normalize(decoder, dim=-1))
        unused += len(part)
        unused[used] = 0
    shifted = centre + scale * shift.detach()
    return Dictionary(encoder.detach(), decoder.detach(), shifted, scale, active)


def _batches(count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Places of vectors, in another order whenever all have been there."""
    while True:
        yield from torch.randperm(count, generator=generator).split(_BATCH)


def _loss(
    x: Tensor, encoder: Tensor, decoder: Tensor, shift: Tensor, active: int, dead: Tensor
) -> tuple[Tensor, Tensor]:
    """What vectors ``[B, D]`` of mean square length 1 lose, and the latents that they used."""
    raw = (x - shift) @ encoder.T
    amounts, places = largest(raw, active)
    left = x - shift - _sum(amounts, places, decoder)
    loss, used = left.square().sum(-1).mean(), places[amounts > 0]
    if count := min(int(dead.sum()), _REVIVED):
        known = left.detach()
        again = known - _sum(*largest(raw.masked_fill(~dead, -torch.inf), count), decoder)
        loss = loss + _REVIVAL * again.square().sum() / known.square().sum().clamp_min(1e-12)
    return loss, used


def _sum(amounts: Tensor, places: Tensor, decoder: Tensor) -> Tensor:
    """What so much of these rows of the decoder is together, ``[B, D]``."""
    return functional.embedding_bag(places, decoder, per_sample_weights=amounts, mode="sum")
