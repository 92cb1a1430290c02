"""Prompt listeners on disk: linear classifiers as numbers, so that loading them runs no code.

A folder holds `listeners.safetensors` and `listeners.json`. They are fitted once on rendered songs
with ``python -m steering listeners``, and heard wherever real songs are not at hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.special import softmax

from curation.errors import BadInput
from curation.files import whole, write_whole
from sketch.measures.adherence import Listener
from steering.metrics.adherence import PromptListeners

FORMAT = 1
TENSORS, FACTS = "listeners.safetensors", "listeners.json"
LISTENERS = Path(__file__).parents[1] / "listeners"
"""Where those that come with the project are."""
PARTS = ("mean", "scale", "weights", "intercepts")


@dataclass(frozen=True)
class LinearClassifier:
    """Standardised features into multinomial logistic regression, as plain arrays.

    Attributes:
        classes_: ``[C]`` names. mean, scale: ``[F]`` of the features.
        weights: ``[C, F]``, and ``intercepts`` ``[C]``: log odds, up to a constant.

    Raises:
        ValueError: the arrays do not fit each other, or are not finite.
    """

    classes_: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray

    def __post_init__(self) -> None:
        classes, size = len(self.classes_), len(self.mean)
        shapes = [one.shape for one in (self.scale, self.weights, self.intercepts)]
        finite = all(np.isfinite(getattr(self, part)).all() for part in PARTS)
        if shapes != [(size,), (classes, size), (classes,)] or not finite:
            raise ValueError(f"{classes} classes of {size} features, but {shapes}")

    @classmethod
    def of(cls, model: Any) -> LinearClassifier:
        """What `listening.classifier.linear` fitted; of two classes the first has the odds 0."""
        scaler, regression = (step for _, step in model.steps)
        weights, intercepts = regression.coef_, regression.intercept_
        if len(weights) == 1:
            weights = np.concatenate([0 * weights, weights])
            intercepts = np.concatenate([0 * intercepts, intercepts])
        return cls(regression.classes_, scaler.mean_, scaler.scale_, weights, intercepts)

    def predict_proba(self, heard: np.ndarray) -> np.ndarray:
        """Probability ``[N, C]`` of every class, for features ``[N, F]``.

        Raises:
            BadInput: the features are other ones than it was fitted on.
        """
        if heard.shape[1:] != self.mean.shape:
            raise BadInput(
                f"features of shape {heard.shape}, the listener knows {len(self.mean)}: fit it anew "
                "with 'python -m steering listeners'"
            )
        odds = (heard - self.mean) / self.scale @ self.weights.T + self.intercepts
        return softmax(odds, axis=1)

    def predict(self, heard: np.ndarray) -> np.ndarray:
        """The likeliest class of each clip, ``[N]``."""
        return self.classes_[self.predict_proba(heard).argmax(axis=1)]


@dataclass(frozen=True)
class KeptListeners:
    """Listeners, and what they were fitted on.

    Attributes:
        seconds: length of the clips that they know.
        errors: in words, by attribute, on real clips of the test split.
    """

    listeners: PromptListeners
    seconds: float
    errors: Mapping[str, str]

    def save(self, folder: Path) -> None:
        """Write both files, the tensors first."""
        tensors: dict[str, np.ndarray] = {}
        known = {}
        for name, one in self.listeners.listeners.items():
            model = (
                one.model
                if isinstance(one.model, LinearClassifier)
                else LinearClassifier.of(one.model)
            )
            for part in PARTS:
                tensors[f"{name}.{part}"] = np.ascontiguousarray(getattr(model, part), np.float32)
            known[name] = {"classes": model.classes_.tolist(), "chance": one.chance}
        facts = {
            "format": FORMAT,
            "seconds": self.seconds,
            "errors": dict(self.errors),
            "listeners": known,
        }
        with whole(folder / TENSORS) as part_file:
            save_file(tensors, part_file)
        write_whole(folder / FACTS, json.dumps(facts, indent=1) + "\n")


def load_listeners(folder: Path = LISTENERS) -> KeptListeners | None:
    """The listeners in a folder; None where there are none.

    Raises:
        BadInput: they are damaged or of another format.
    """
    if not (folder / FACTS).exists():
        return None
    try:
        facts = json.loads((folder / FACTS).read_text())
        tensors = load_file(folder / TENSORS)
        if facts["format"] != FORMAT:
            raise ValueError(f"format {facts['format']}")
        listeners = {
            name: _listener(name, one, tensors) for name, one in facts["listeners"].items()
        }
        return KeptListeners(PromptListeners(listeners), float(facts["seconds"]), facts["errors"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError):
        raise BadInput(
            f"the listeners in {folder} are damaged: fit them anew with 'python -m steering listeners'"
        ) from None


def _listener(name: str, facts: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Listener:
    arrays = [tensors[f"{name}.{part}"].astype(np.float64) for part in PARTS]
    return Listener(
        name, LinearClassifier(np.array(facts["classes"]), *arrays), float(facts["chance"])
    )
