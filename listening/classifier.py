"""A plain classifier of clips: how much of a label a linear model hears in their features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

STRENGTHS = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)


def fit(
    x: np.ndarray,
    y: Sequence[str],
    held_out: tuple[np.ndarray, Sequence[str]],
    strengths: Sequence[float] = STRENGTHS,
) -> Pipeline:
    """A linear classifier whose regularisation is the one that serves ``held_out`` best.

    Args:
        x: features ``[N, F]`` of the training clips, and ``y`` their classes.
        held_out: features and classes of the validation clips: other groups than the training's.
    """
    models = [linear(strength).fit(x, y) for strength in strengths]
    return max(models, key=lambda model: model.score(*held_out))


def linear(strength: float) -> Pipeline:
    """Standardised features into logistic regression; a small strength is a strong penalty."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300, tol=1e-3))


def confusion(truth: Sequence[str], guesses: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Counts ``[class, guess]`` in the order of ``classes``.

    >>> confusion(["a", "b", "b"], ["a", "a", "b"], ["a", "b"]).tolist()
    [[1, 0], [1, 1]]
    """
    place = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    for true, guess in zip(truth, guesses, strict=True):
        counts[place[true], place[guess]] += 1
    return counts
