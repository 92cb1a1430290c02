"""Clips as points: the plain statistics of `listening.features`, on the main axes of real music.

No pretrained network is needed, and none of ours is in it, so that distances between sets of clips
(`distribution`) are about sound and not about the model that made it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curation.errors import BadInput

AXES = 16
"""Few enough for the covariance of a hundred clips."""


@dataclass(frozen=True)
class Embedding:
    """Standardise features ``[N, F]`` and turn them onto the axes ``[F, E]`` of most variance."""

    mean: np.ndarray
    spread: np.ndarray
    axes: np.ndarray

    def __call__(self, heard: np.ndarray) -> np.ndarray:
        """Features ``[N, F]`` to points ``[N, E]``; each axis has variance 1 on real clips."""
        return (heard - self.mean) / self.spread @ self.axes


def fit(heard: np.ndarray, axes: int = AXES) -> Embedding:
    """Principal axes of real clips' features ``[N, F]``, whitened.

    Raises:
        BadInput: there are no more clips than axes.
    """
    if len(heard) <= axes:
        raise BadInput(f"{len(heard)} clips for {axes} axes: take more real clips")
    mean, spread = heard.mean(axis=0), heard.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    _, sizes, rows = np.linalg.svd((heard - mean) / spread, full_matrices=False)
    scale = sizes[:axes] / np.sqrt(len(heard))
    return Embedding(mean, spread, rows[:axes].T / np.maximum(scale, 1e-9))
