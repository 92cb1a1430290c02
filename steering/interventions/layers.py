"""How much each layer takes part: weights ``[L]`` out of the layers' validation scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from curation.entries import check_settings
from curation.errors import BadInput

Weighting = Callable[..., np.ndarray]
WEIGHTINGS: dict[str, Weighting] = {}


def weighting(function: Weighting) -> Weighting:
    """Make a function known as a way of weighing layers by its own name."""
    WEIGHTINGS[function.__name__.rstrip("_")] = function
    return function


@weighting
def all_(scores: np.ndarray) -> np.ndarray:
    """1 for every layer.

    >>> all_(np.array([0.5, 0.9])).tolist()
    [1.0, 1.0]
    """
    return np.ones(len(scores))


@weighting
def top(scores: np.ndarray, k: int = 12) -> np.ndarray:
    """1 for the ``k`` layers with the best scores (the paper's top-K), 0 for the others.

    >>> top(np.array([0.5, 0.9, 0.8]), k=2).tolist()
    [0.0, 1.0, 1.0]
    """
    weights = np.zeros(len(scores))
    weights[np.argsort(-scores, kind="stable")[:k]] = 1.0
    return weights


@weighting
def linear(scores: np.ndarray) -> np.ndarray:
    """The scores themselves, stretched from 0 (worst) to 1 (best)."""
    return _stretched(scores)


@weighting
def exponential(scores: np.ndarray, kappa: float = 0.95) -> np.ndarray:
    """The stretched scores to the power ``1 / kappa``: the paper's default (arXiv 2510.19127)."""
    return _stretched(scores) ** (1 / kappa)


@weighting
def only(scores: np.ndarray, layers: list[int]) -> np.ndarray:
    """1 for the named layers, counted from 0.

    >>> only(np.array([0.5, 0.9, 0.8]), layers=[0, 2]).tolist()
    [1.0, 0.0, 1.0]
    """
    weights = np.zeros(len(scores))
    weights[layers] = 1.0
    return weights


@dataclass(frozen=True)
class LayerWeights:
    """A weighting by name, with its settings: what a recipe keeps.

    Raises:
        BadInput: there is no such weighting, or it has no such setting, lacks one, or one is of
            another type or out of its range.
    """

    weighting: str = "all"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.weighting not in WEIGHTINGS:
            raise BadInput(
                f"no layer weighting {self.weighting!r:.40}: choose one of {', '.join(WEIGHTINGS)}"
            )
        what = f"layer weighting {self.weighting}"
        check_settings(WEIGHTINGS[self.weighting], self.settings, what)
        if self.settings.get("k", 1) < 1 or self.settings.get("kappa", 1.0) <= 0:
            raise BadInput(f"{what}: k and kappa must be above 0")

    def of(self, scores: np.ndarray) -> np.ndarray:
        """Weights ``[L]`` for scores ``[L]``.

        Raises:
            BadInput: the model lacks a layer that is named.
        """
        layers = list(self.settings.get("layers", []))
        if any(not 0 <= layer < len(scores) for layer in layers):
            raise BadInput(f"layers {layers}: this model has layers 0 to {len(scores) - 1}")
        return WEIGHTINGS[self.weighting](scores, **self.settings)

    def record(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {"weighting": self.weighting, **self.settings}

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> LayerWeights:
        """What `record` kept; one that names no weighting is from when exponential was the usual one."""
        settings = dict(record)
        return LayerWeights(str(settings.pop("weighting", "exponential")), settings)


def _stretched(scores: np.ndarray) -> np.ndarray:
    """Scores from 0 to 1; all 1 where they are all the same."""
    low, high = float(scores.min()), float(scores.max())
    return np.ones(len(scores)) if high <= low else (scores - low) / (high - low)
