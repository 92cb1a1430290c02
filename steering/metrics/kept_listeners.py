"""Prompt listeners on disk: linear classifiers as numbers, so that loading them runs no code.

A folder holds `listeners.safetensors` and `listeners.json`, which names the classes in their order; the
two are sealed. They are fitted once on rendered songs with ``python -m steering listeners``, and heard
wherever real songs are not at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor

from curation.errors import BadInput
from curation.files import is_there
from sketch.measures.adherence import Listener
from steering.metrics.adherence import PromptListeners
from steering.sealed import Sealed

_FIT = "fit them anew with 'python -m steering listeners'"
KEPT = Sealed("what the listeners know", "listeners", again=_FIT, unsealed=_FIT)
TENSORS, FACTS = KEPT.tensors, KEPT.facts
LISTENERS = Path(__file__).parents[1] / "listeners"
"""Where those that come with the project are."""
MOST_NUMBER = 3600
"""Of what stands in the JSON: seconds of a clip, and a share."""
PARTS = ("mean", "scale", "weights", "intercepts")


@dataclass(frozen=True)
class LinearClassifier:
    """Standardised features into multinomial logistic regression, as plain arrays.

    Attributes:
        classes_: ``[C]`` names. mean, scale: ``[F]`` of the features.
        weights: ``[C, F]``, and ``intercepts`` ``[C]``: log odds, up to a constant.

    Raises:
        ValueError: the arrays do not fit each other, are not finite, or a scale is not above 0.
    """

    classes_: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray

    def __post_init__(self) -> None:
        classes, size = len(self.classes_), self.mean.size
        shapes = [getattr(self, part).shape for part in PARTS]
        fits = shapes == [(size,), (size,), (classes, size), (classes,)]
        finite = all(np.isfinite(getattr(self, part)).all() for part in PARTS)
        if not fits or not finite or not (self.scale > 0).all():
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
        tensors: dict[str, Tensor] = {}
        known = {}
        for name, one in self.listeners.listeners.items():
            model = (
                one.model
                if isinstance(one.model, LinearClassifier)
                else LinearClassifier.of(one.model)
            )
            for part in PARTS:
                tensors[f"{name}.{part}"] = torch.from_numpy(np.array(getattr(model, part)))
            known[name] = {"classes": model.classes_.tolist(), "chance": one.chance}
        facts = {"seconds": self.seconds, "errors": dict(self.errors), "listeners": known}
        KEPT.write(folder, facts, tensors)


def load_listeners(folder: Path = LISTENERS) -> KeptListeners | None:
    """The listeners in a folder; None where there are none.

    Raises:
        BadInput: they are damaged or of another format.
    """
    if not is_there(folder / FACTS):
        return None
    facts, tensors = KEPT.read(folder)
    try:
        seconds = _number(facts.get("seconds"), "seconds")
        known, errors = (_object(facts.get(name), name) for name in ("listeners", "errors"))
        if not all(isinstance(said, str) for said in errors.values()):
            raise ValueError("their errors are not in words")
        listeners = {name: _listener(name, one, tensors) for name, one in known.items()}
    except KeyError as error:
        raise KEPT.damaged(folder, f"there is no {error}") from None
    except ValueError as error:
        raise KEPT.damaged(folder, str(error)) from None
    return KeptListeners(PromptListeners(listeners), seconds, errors)


def _listener(name: str, record: Any, tensors: Mapping[str, Tensor]) -> Listener:
    arrays = [tensors[f"{name}.{part}"].double().numpy() for part in PARTS]
    facts = _object(record, name)
    classes = facts.get("classes")
    named = isinstance(classes, list) and all(isinstance(one, str) and one for one in classes)
    if not named or not classes or len(set(classes)) < len(classes):
        raise ValueError(f"the classes of {name} are no names, each another one")
    chance = _number(facts.get("chance"), "chance")
    return Listener(name, LinearClassifier(np.array(classes), *arrays), chance)


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} are no object")
    return value


def _number(value: Any, name: str) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 < value <= MOST_NUMBER
    ):
        raise ValueError(f"{name}: no number above 0, up to {MOST_NUMBER}")
    return float(value)
