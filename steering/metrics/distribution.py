"""How far one set of clips lies from another, by their embeddings ``[N, E]``."""

from __future__ import annotations

import numpy as np
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from curation.errors import BadInput


def frechet(one: np.ndarray, other: np.ndarray, shrink: float = 1e-6) -> float:
    """Frechet distance of Gaussians: ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))``.

    With few clips it is far above 0 for two halves of one set: compare it with that.

    Args:
        shrink: added to the covariances' diagonals, as a share of their mean.

    Raises:
        BadInput: a set has fewer than two clips, the sets are of two sizes, or a number is not
            finite.
    """
    _check(one, other)
    moved = one.mean(axis=0) - other.mean(axis=0)
    a, b = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (one, other))
    floor = shrink * (np.trace(a) + np.trace(b)) / (2 * len(a)) * np.eye(len(a))
    root = np.real(sqrtm((a + floor) @ (b + floor)))
    return float(moved @ moved + np.trace(a + b + 2 * floor - 2 * root))


def mmd(one: np.ndarray, other: np.ndarray) -> float:
    """Squared maximum mean discrepancy, unbiased (Gretton et al. 2012), with a Gaussian kernel.

    Its bandwidth is the median distance of all pairs.

    Raises:
        BadInput: a set has fewer than two clips, the sets are of two sizes, or a number is not
            finite.
    """
    _check(one, other)
    both = np.concatenate([one, other])
    distances = cdist(both, both, "sqeuclidean")
    scale = np.median(distances[~np.eye(len(both), dtype=bool)])
    kernel = np.exp(-distances / max(float(scale), 1e-12))
    n, m = len(one), len(other)
    within_one = (kernel[:n, :n].sum() - n) / (n * (n - 1))
    within_other = (kernel[n:, n:].sum() - m) / (m * (m - 1))
    return float(within_one + within_other - 2 * kernel[:n, n:].mean())


def _check(one: np.ndarray, other: np.ndarray) -> None:
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1]:
        raise BadInput(f"embeddings {one.shape} and {other.shape} are not of one size")
    if min(len(one), len(other)) < 2:
        raise BadInput("a distance between sets needs two clips of each: generate more")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise BadInput("embeddings are not finite: look for silent clips")
