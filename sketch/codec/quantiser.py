"""Residual vector quantisation with codebooks that follow the data (EnCodec, arXiv 2210.13438).

Codes stay as they are while they are nearly right: an entry is left only for one that is nearer by
a share of the usual distance. Without that, fine codebooks change in most frames of a held note,
which is heard as flicker and gives the language model noise to learn.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from sketch.codec.constants import Constants


class Codebook(Constants):
    """Vectors that are moving averages of what was assigned to them.

    Args:
        entries: number of vectors.
        size: their dimensions.
        patience: how much nearer another entry must be, as a share of the mean squared distance.
        decay: of the moving averages, per training step.
    """

    vectors: Tensor
    distance: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, entries: int, size: int, patience: float, decay: float = 0.99) -> None:
        super().__init__()
        self.patience, self.decay = patience, decay
        self.register_buffer("vectors", torch.randn(entries, size) * 0.1)
        self.register_buffer("distance", torch.zeros(()))
        self.register_tables()

    def tables(self) -> dict[str, Tensor]:
        """The averages as they stand before anything was assigned."""
        entries, size = self.vectors.shape
        return {"counts": torch.zeros(entries), "sums": torch.zeros(entries, size)}

    def nearest(self, points: Tensor) -> Tensor:
        """``[..., size]`` to the index of the nearest vector, ``[...]``."""
        return self._nearness(points).argmax(-1)

    def choose(self, points: Tensor) -> Tensor:
        """``[B, T, size]`` to indices ``[B, T]`` that change only where that is worth it."""
        nearness = self._nearness(points)
        best, nearest = nearness.max(-1)
        enough = best - 0.5 * self.patience * self.distance
        rows = torch.arange(len(points), device=points.device)
        chosen = [nearest[:, 0]]
        for t in range(1, points.shape[1]):
            keep = nearness[rows, t, chosen[-1]] >= enough[:, t]
            chosen.append(torch.where(keep, chosen[-1], nearest[:, t]))
        return torch.stack(chosen, dim=1)

    def _nearness(self, points: Tensor) -> Tensor:
        """Half the squared distance to each vector, negated, but for what all have in common."""
        return points @ self.vectors.T - 0.5 * self.vectors.square().sum(1)

    @torch.no_grad()
    def start_from(self, points: Tensor, rounds: int = 8) -> None:
        """Begin with k-means over points ``[P, size]``."""
        entries = len(self.vectors)
        chosen = torch.randint(len(points), (entries,), device=points.device)
        self.vectors.copy_(points[chosen])
        for _ in range(rounds):
            assigned = self.nearest(points)
            self._tally(points, assigned, decay=0.0)
            self._revive(points, least=0.5)
            self._settle()
        self.distance.copy_((points - self.vectors[self.nearest(points)]).square().sum(1).mean())

    @torch.no_grad()
    def follow(self, points: Tensor, assigned: Tensor) -> None:
        """Move towards points ``[P, size]`` and put unused vectors where points are."""
        nearest = self.vectors[self.nearest(points)]
        self.distance.lerp_((points - nearest).square().sum(1).mean(), 1 - self.decay)
        self._tally(points, assigned, self.decay)
        self._revive(points, least=0.02 * len(points) / len(self.vectors))
        self._settle()

    def _tally(self, points: Tensor, assigned: Tensor, decay: float) -> None:
        counts = torch.bincount(assigned, minlength=len(self.vectors)).to(points.dtype)
        sums = torch.zeros_like(self.sums).index_add_(0, assigned, points)
        self.counts.mul_(decay).add_(counts, alpha=1 - decay)
        self.sums.mul_(decay).add_(sums, alpha=1 - decay)

    def _revive(self, points: Tensor, least: float) -> None:
        dead = (self.counts < least).nonzero().squeeze(1)
        if len(dead):
            fresh = points[torch.randint(len(points), (len(dead),), device=points.device)]
            weight = max(least, 1e-3) * 2
            self.counts[dead] = weight
            self.sums[dead] = fresh * weight

    def _settle(self) -> None:
        self.vectors.copy_(self.sums / self.counts.clamp_min(1e-6).unsqueeze(1))


class ResidualQuantiser(nn.Module):
    """K codebooks, each for what the ones before it left over."""

    def __init__(self, codebooks: int, entries: int, size: int, patience: float = 0.0) -> None:
        super().__init__()
        self.codebooks = nn.ModuleList(Codebook(entries, size, patience) for _ in range(codebooks))

    @property
    def books(self) -> list[Codebook]:
        """The codebooks, first to last."""
        return cast(list[Codebook], list(self.codebooks))

    def encode(self, latent: Tensor) -> Tensor:
        """``[B, T, size]`` to codes ``[B, K, T]``."""
        codes, rest = [], latent
        for book in self.books:
            codes.append(book.choose(rest))
            rest = rest - book.vectors[codes[-1]]
        return torch.stack(codes, dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes ``[B, K, T]`` to ``[B, T, size]``."""
        parts = [book.vectors[codes[:, k]] for k, book in enumerate(self.books)]
        return torch.stack(parts).sum(0)

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Train: the quantised latent with its gradient passed straight through, and the codes."""
        points = latent.detach()
        rest, codes = points, []
        for book in self.books:
            assigned = book.choose(rest)
            before = rest
            rest = rest - book.vectors[assigned]
            book.follow(before.flatten(0, 1), assigned.flatten())
            codes.append(assigned)
        quantised = points - rest
        return latent + (quantised - latent).detach(), torch.stack(codes, dim=1)

    @torch.no_grad()
    def start_from(self, points: Tensor) -> None:
        """Begin every codebook with k-means over latents ``[P, size]``."""
        rest = points
        for book in self.books:
            book.start_from(rest)
            rest = rest - book.vectors[book.nearest(rest)]
