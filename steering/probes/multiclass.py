"""Probes that name one of several concepts: what generated clips are scored with.

`aggregate` brings layers together as the paper does (MusicRFM, arXiv 2510.19127): the calibrated
scores of every concept at every layer become features ``[N, C x L]`` of one more predictor, a kernel
machine whose setting is drawn from the paper's space and chosen on validation clips.
`discriminant` is of another family than any of the probes that find directions: linear discriminant
analysis with a shrunk covariance, on all layers side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import Pipeline, make_pipeline
from torch import Tensor
from xrfm.rfm_src.kernels import LaplaceKernel

from steering.probes.fitted import Fitted, ProbeData
from steering.probes.rfm import SCALE, Draw, draw

DRAWS = 300
CENTRES = 2_000


@dataclass(frozen=True)
class Aggregate:
    """One predictor over the layers of a fitted probe.

    Attributes:
        fitted: the probes of every concept at every layer.
        draw: the kernel that was chosen; ``score`` its share of validation clips named rightly.
    """

    fitted: Fitted
    concepts: tuple[str, ...]
    draw: Draw
    score: float
    mean: Tensor
    scale: Tensor
    centres: Tensor
    weights: Tensor

    def scores(self, x: Tensor) -> Tensor:
        """Activations ``[N, L, D]`` to a score of each concept ``[N, C]``."""
        kernel = LaplaceKernel(bandwidth=self.draw.bandwidth, exponent=self.draw.exponent)
        return kernel.get_kernel_matrix(self._features(x), self.centres, None) @ self.weights

    def name(self, x: Tensor) -> list[str]:
        """The concept of each clip."""
        return [self.concepts[place] for place in self.scores(x).argmax(-1).tolist()]

    def accuracy(self, x: Tensor, y: Tensor) -> float:
        """Share of the clips ``[N, L, D]`` whose concept ``[N, C]`` is named."""
        return float((self.scores(x).argmax(-1) == y.argmax(-1)).float().mean())

    def _features(self, x: Tensor) -> Tensor:
        return (self.fitted.decide(x).flatten(1) - self.mean) * self.scale


def aggregate(
    fitted: Fitted, data: ProbeData, generator: torch.Generator, draws: int = DRAWS
) -> Aggregate:
    """Fit the predictor over layers: kernel ridge regression on the layers' scores.

    Args:
        draws: points of the search space; each costs one factorisation of at most `CENTRES` clips.
    """
    features, held_out = (fitted.decide(x).flatten(1) for x in (data.x, data.x_val))
    mean = features.mean(0)
    spread = (features - mean).std(0).clamp_min(1e-9)
    scale = SCALE / (spread * (2 * features.shape[1]) ** 0.5)
    rows = torch.randperm(len(features), generator=generator)[:CENTRES]
    centres, targets = ((features - mean) * scale)[rows], data.y[rows] - data.y.mean(0)
    held_out, truth = (held_out - mean) * scale, data.y_val.argmax(-1)
    best: tuple[float, Draw, Tensor] | None = None
    for _ in range(draws):
        one = draw(generator)
        kernel = LaplaceKernel(bandwidth=one.bandwidth, exponent=one.exponent)
        gram = kernel.get_kernel_matrix(centres, centres, None)
        gram.diagonal().add_(one.ridge)
        weights = torch.linalg.solve(gram, targets)
        guesses = (kernel.get_kernel_matrix(held_out, centres, None) @ weights).argmax(-1)
        right = float((guesses == truth).float().mean())
        if best is None or right > best[0]:
            best = (right, one, weights)
    assert best is not None
    return Aggregate(fitted, data.concepts, best[1], best[0], mean, scale, centres, best[2])


@dataclass(frozen=True)
class Discriminant:
    """A fitted linear discriminant analysis."""

    concepts: tuple[str, ...]
    model: Pipeline

    def name(self, x: Tensor) -> list[str]:
        """The concept of each clip ``[N, L, D]``."""
        return [self.concepts[place] for place in self.model.predict(x.flatten(1).numpy())]

    def accuracy(self, x: Tensor, y: Tensor) -> float:
        """Share of the clips whose concept ``[N, C]`` is named."""
        truth = y.argmax(-1).tolist()
        named = self.name(x)
        return sum(self.concepts[t] == n for t, n in zip(truth, named, strict=True)) / len(named)


def discriminant(x: Tensor, y: Tensor, concepts: Sequence[str], axes: int = 200) -> Discriminant:
    """Fit on activations ``[N, L, D]`` with one concept each, ``[N, C]``."""
    flat = x.flatten(1).numpy()
    model = make_pipeline(
        PCA(min(axes, *flat.shape), random_state=0),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    )
    return Discriminant(tuple(concepts), model.fit(flat, y.argmax(-1).numpy()))
