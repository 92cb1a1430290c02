"""Recursive feature machines (Radhakrishnan et al. 2024, arXiv 2212.13881) on xrfm's kernels.

Repeat: kernel ridge regression; average outer product of the predictor's gradients (AGOP); let it be
the kernel's metric. A concept's direction is the top eigenvector of its own AGOP at the iteration
that tells it best on validation clips.

All concepts of a layer are fitted together: one kernel, one factorisation and one metric, the sum
of the concepts' AGOPs, serve them all. The search draws from the paper's space (MusicRFM, arXiv
2510.19127) and spends its time by successive halving (Jamieson and Talwalkar 2016): every draw gets
a first look on few clips, the better ones more clips and iterations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from xrfm.rfm_src.kernels import LaplaceKernel

from steering.probes.fitted import Fitted, ProbeData, finish
from steering.probes.method import Method
from steering.probes.scores import auc, r_squared

PATIENCE = 2
"""Iterations without a better score after which a run ends."""


@dataclass(frozen=True)
class Draw:
    """One point of the search space.

    Attributes:
        bandwidth: L of ``exp(-(d / L)^q)``, for activations whose mean distance is `SCALE`.
        exponent: q. ridge: added to the kernel's diagonal. centred: whether gradients are centred.
    """

    bandwidth: float
    exponent: float
    ridge: float
    centred: bool


@dataclass(frozen=True)
class Rung:
    """A stage of the search: the best ``keep`` draws, on ``clips`` clips, for ``iterations``."""

    keep: int
    clips: int
    iterations: int


@dataclass(frozen=True)
class Search:
    """How many draws, and what becomes of them. The last rung gives the directions."""

    draws: int = 100
    rungs: tuple[Rung, ...] = (Rung(100, 400, 1), Rung(16, 1000, 3), Rung(3, 2000, 10))
    gradients: int = 800
    """Clips at which gradients are taken for an AGOP."""


SCALE = 20.0


def draw(generator: torch.Generator) -> Draw:
    """A point of the paper's space: bandwidth 1 to 100 and ridge 1e-5 to 10 log-uniform, q 0.7 to 1.4."""
    a, b, c, d = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
    return Draw(100**a, 0.7 + 0.7 * c, 10 ** (-5 + 6 * b), d < 0.5)


def fit(
    data: ProbeData, search: Search | None = None, generator: torch.Generator | None = None
) -> Fitted:
    """Directions ``[C, L, D]`` of all concepts at all layers."""
    search = search or Search()
    generator = generator or torch.Generator().manual_seed(0)
    draws = [draw(generator) for _ in range(search.draws)]
    order = torch.randperm(len(data.x), generator=generator)
    vectors, scores, chosen = [], [], []
    for layer in range(data.layers):
        best = _search_layer(data, layer, draws, search, order)
        vectors.append(best.vectors)
        scores.append(best.scores)
        chosen.append([asdict(one) for one in best.draws])
    settings: dict[str, object] = {"draws": chosen}
    return finish(data, torch.stack(vectors, 1), torch.stack(scores, 1), settings)


method = Method("rfm", fit, "recursive feature machine", order=4, preference=2)


@dataclass
class Best:
    """The best of each concept so far: AGOPs ``[C, D, D]``, scores ``[C]`` and the draws they are of.

    While draws are only ranked, nobody needs their AGOPs.
    """

    products: Tensor | None
    scores: Tensor
    draws: list[Draw]

    @property
    def vectors(self) -> Tensor:
        """Eigenvectors ``[C, D]`` of the largest eigenvalues."""
        assert self.products is not None, "a run that is only ranked has no directions"
        return torch.linalg.eigh(self.products).eigenvectors[..., -1]

    def take(self, other: Best) -> None:
        """Put what the other has found better in the place of what is here."""
        better = other.scores > self.scores
        if self.products is not None and other.products is not None:
            self.products[better] = other.products[better]
        self.scores[better] = other.scores[better]
        self.draws = [
            theirs if wins else ours
            for ours, theirs, wins in zip(self.draws, other.draws, better.tolist(), strict=True)
        ]


def _search_layer(
    data: ProbeData, layer: int, draws: Sequence[Draw], search: Search, order: Tensor
) -> Best:
    centre = data.x[:, layer].mean(0)
    x, x_val = data.x[:, layer] - centre, data.x_val[:, layer] - centre
    scale = SCALE / (math.sqrt(2) * x.square().sum(1).mean().sqrt()).clamp_min(1e-12)
    x, x_val = x * scale, x_val * scale
    standing = list(draws)
    for rung in search.rungs:
        rows, final = order[: rung.clips], rung is search.rungs[-1]
        fitted = (x[rows], data.y[rows], x_val, data.y_val)
        found = [
            run(*fitted, one, rung.iterations, search, data.task, directed=final)
            for one in standing[: rung.keep]
        ]
        ranking = sorted(range(len(found)), key=lambda i: -float(found[i].scores.mean()))
        standing = [standing[place] for place in ranking]
    best = found[0]
    for other in found[1:]:
        best.take(other)
    return best


def run(
    x: Tensor,
    y: Tensor,
    x_val: Tensor,
    y_val: Tensor,
    one: Draw,
    iterations: int,
    search: Search,
    task: str = "classification",
    directed: bool = True,
) -> Best:
    """One RFM for all concepts: ``x [N, D]``, ``y [N, C]``, with validation clips.

    Kernel: ``k(x, z) = exp(-(|x - z|_M / L)^q)`` with M the concepts' summed AGOP over its largest
    entry; the predictor is ``k(., X) (K + ridge I)^-1 (y - mean)``.

    Args:
        directed: whether its directions are wanted, not its scores alone.
    """
    kernel = LaplaceKernel(bandwidth=one.bandwidth, exponent=one.exponent)
    score = auc if task == "classification" else r_squared
    mean, root = y.mean(0), None
    best: Best | None = None
    stale = 0
    for left in reversed(range(iterations)):
        gram = kernel.get_kernel_matrix(x, x, root)
        gram.diagonal().add_(one.ridge)
        weights = _solve(gram, y - mean)
        predicted = kernel.get_kernel_matrix(x_val, x, root) @ weights + mean
        scores = score(predicted.unsqueeze(-1), y_val)[:, 0]
        products = None
        if directed or left:
            products = agop(kernel, x, weights, root, one.centred, search.gradients)
        now = Best(products if directed else None, scores, [one] * len(scores))
        if best is None:
            best = now
        else:
            stale = 0 if (scores > best.scores).any() else stale + 1
            best.take(now)
        if stale >= PATIENCE or products is None:
            break
        root = _root(products.sum(0))
    assert best is not None
    return best


def agop(
    kernel: LaplaceKernel,
    x: Tensor,
    weights: Tensor,
    root: Tensor | None,
    centred: bool,
    most: int,
) -> Tensor:
    """Each concept's average gradient outer product, ``[C, D, D]``.

    Args:
        x: centres ``[N, D]``. weights: ``[N, C]`` of the kernel predictors.
        root: square root of the metric, ``[D, D]``, or None for none.
        centred: take the mean gradient out first, so that what all clips share does not count.
        most: clips at which gradients are taken at most, evenly out of the centres.
    """
    points = x[:: -(-len(x) // most)]
    gradients = kernel.get_function_grads(x, points, weights.T.contiguous(), root)  # [C, P, D]
    if centred:
        gradients = gradients - gradients.mean(1, keepdim=True)
    return gradients.mT @ gradients / len(points)


def _solve(gram: Tensor, targets: Tensor) -> Tensor:
    """``gram^-1 targets``, by Cholesky; by LU where rounding made the matrix indefinite."""
    factor, failed = torch.linalg.cholesky_ex(gram)
    if failed:
        return torch.linalg.solve(gram, targets)
    return torch.cholesky_solve(targets, factor)


def _root(metric: Tensor) -> Tensor:
    """Symmetric square root of a metric, scaled as xrfm does: its largest entry becomes 1."""
    values, vectors = torch.linalg.eigh(metric / metric.max().clamp_min(1e-30))
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T
