"""From what is taught to a direction: every probe is fitted without some of the clips, and heard on those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from curation.errors import BadInput
from steering.activations.reader import typical_norms
from steering.directions.direction import Direction
from steering.models.interface import MusicModel
from steering.probes import ProbeData, get_method
from steering.probes.fitted import FEWEST, platt
from steering.probes.scores import auc
from steering.teaching.material import Material, Step, untold

METHODS = ("mean_difference", "logistic", "ridge")
"""Tried where none is asked for, in the order in which the simplest is taken."""
FOLDS = 3
TIE = 0.005


@dataclass(frozen=True)
class Found:
    """A direction, by which method, and how well each method told the clips that were held out.

    Attributes:
        direction: scores are the AUC of held-out parts, by layer; norms are the material's.
        scores: AUC by method, the mean over the layers.
    """

    direction: Direction
    method: str
    scores: dict[str, float]


def check_methods(methods: Sequence[str]) -> None:
    """Check that there are such methods, before any work is done for them.

    Raises:
        BadInput: there is none of a name, or none is named.
    """
    if not methods:
        raise BadInput(f"no method is named: name one, as {METHODS[0]}")
    for name in methods:
        get_method(name)


def find(
    model: MusicModel,
    material: Material,
    name: str,
    methods: Sequence[str] = METHODS,
    seed: int = 0,
    step: Step = untold,
) -> Found:
    """The direction of the simplest of the methods that tell the concept best.

    Each method's is the mean of those that it finds without each third of the clips, and its scores and
    its calibration are those of the parts that were held out.

    Raises:
        BadInput: there is no such method, or the clips are too short to hold any out.
    """
    check_methods(methods)
    found: dict[str, tuple[Tensor, Tensor, Tensor]] = {}
    folds = _folds(material, seed)
    _check_folds(material, folds)
    for place, method in enumerate(methods):
        found[method] = _cross_fitted(material, folds, method, seed)
        step(place + 1, len(methods))
    scores = {method: float(score.mean()) for method, (_, score, _) in found.items()}
    best = max(scores.values())
    method = next(one for one in methods if scores[one] >= best - TIE)
    vectors, score, calibration = found[method]
    norms = typical_norms(material.x)
    direction = Direction(name, vectors, score, model.origin, calibration, norms)
    return Found(direction, method, scores)


def _folds(material: Material, seed: int) -> np.ndarray:
    """A fold for each part; clips with and without the concept are in all of them."""
    rng = np.random.default_rng(seed)
    fold = np.zeros(len(material.clip), dtype=int)
    for has in (True, False):
        clips = sorted(set(material.clip[material.has == has].tolist()))
        for place, clip in enumerate(rng.permutation(clips)):
            fold[material.clip == clip] = place % FOLDS
    return fold


def _check_folds(material: Material, folds: np.ndarray) -> None:
    """Check that every third of the clips has enough seconds of both kinds to be told apart."""
    for fold in range(FOLDS):
        having = int(material.has[folds == fold].sum())
        lacking = int((folds == fold).sum()) - having
        if min(having, lacking) < FEWEST:
            raise BadInput(
                f"a third of the clips, held out, has {having} s with the concept and {lacking} s "
                f"without: {FEWEST} s of each are needed, give more clips or longer ones"
            )


def _cross_fitted(
    material: Material, folds: np.ndarray, method: str, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Unit vectors ``[L, D]``, AUC ``[L]`` and calibration ``[L, 2]``."""
    x, y = material.x, torch.from_numpy(material.has.astype(np.float32))[:, None]
    total = torch.zeros(x.shape[1:])
    told = torch.zeros(len(x), 1, x.shape[1])
    for fold in range(FOLDS):
        out = torch.from_numpy(folds == fold)
        data = ProbeData(x[~out], y[~out], x[out], y[out], ("it",))
        generator = torch.Generator().manual_seed(seed)
        vectors = get_method(method).fit(data, None, generator).vectors[0]
        total += vectors
        told[out, 0] = torch.einsum("nld,ld->nl", x[out], vectors)
    vectors = total / total.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return vectors, auc(told, y)[0], platt(told, y)[0]
