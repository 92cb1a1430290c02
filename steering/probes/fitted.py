"""What goes into a probe and what comes out: all concepts at all layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from curation.errors import BadInput
from steering.probes.scores import auc, r_squared

Task = Literal["classification", "regression"]
TIE = 0.001
FEWEST = 4
"""Clips of a concept, and without it, that a split must have."""


@dataclass(frozen=True)
class ProbeData:
    """Activations and targets of the train and validation splits.

    Attributes:
        x, x_val: float32 ``[N, L, D]``.
        y, y_val: float32 ``[N, C]``: 1 where a clip has the concept and 0 elsewhere, or any number.
        concepts: names of the C columns.

    Raises:
        BadInput: a number is not finite, or a concept has too few clips with or without it.
        ValueError: activations and targets do not fit each other.
    """

    x: Tensor
    y: Tensor
    x_val: Tensor
    y_val: Tensor
    concepts: tuple[str, ...]
    task: Task = "classification"

    def __post_init__(self) -> None:
        for name, x, y in (("train", self.x, self.y), ("validation", self.x_val, self.y_val)):
            if len(x) != len(y) or y.shape[1] != len(self.concepts):
                raise ValueError(f"{name}: {tuple(x.shape)} activations, {tuple(y.shape)} targets")
            if not torch.isfinite(x).all() or not torch.isfinite(y).all():
                raise BadInput(
                    f"the {name} activations or targets are not finite: read them in float32"
                )
            self._check_enough(name, y)

    def _check_enough(self, name: str, y: Tensor) -> None:
        if self.task == "regression":
            if len(y) < FEWEST or (y.std(0) == 0).any():
                raise BadInput(f"the {name} split has one value only: use more clips")
            return
        positive = y.sum(0)
        for concept, count in zip(self.concepts, positive.tolist(), strict=True):
            if min(count, len(y) - count) < FEWEST:
                raise BadInput(
                    f"the {name} split has {count:.0f} clips of {concept} and "
                    f"{len(y) - count:.0f} others: {FEWEST} of each are needed, use more clips"
                )

    @property
    def layers(self) -> int:
        return int(self.x.shape[1])

    def to(self, device: torch.device | str) -> ProbeData:
        """The same on another device: probes are fitted where their data is."""
        moved = {name: getattr(self, name).to(device) for name in ("x", "y", "x_val", "y_val")}
        return replace(self, **moved)

    def shuffled(self, generator: torch.Generator) -> ProbeData:
        """The same with all labels dealt out anew: a control that can learn nothing.

        Validation's, too: by those `finish` turns directions round, and penalties are chosen.
        """
        y, y_val = (
            one[torch.randperm(len(one), generator=generator)] for one in (self.y, self.y_val)
        )
        return replace(self, y=y, y_val=y_val)


@dataclass(frozen=True)
class Fitted:
    """Directions of every concept at every layer, and how well they tell it on validation data.

    Attributes:
        vectors: float32 ``[C, L, D]``, of length 1, pointing to where there is more of the concept.
        scores: float32 ``[C, L]``: AUC of the *probe* on validation clips, R squared in regression.
        alone: float32 ``[C, L]``: the same of the projection on the vector alone.
        calibration: float32 ``[C, L, 2]``: ``a`` and ``b`` such that ``sigmoid(a h . v + b)`` is the
            probability of the concept (Platt 1999), or ``a h . v + b`` the number in regression.
        settings: what was chosen, by concept and layer.
    """

    vectors: Tensor
    scores: Tensor
    alone: Tensor
    calibration: Tensor
    settings: dict[str, object]

    def to(self, device: torch.device | str) -> Fitted:
        """The same on another device."""
        names = ("vectors", "scores", "alone", "calibration")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})

    def decide(self, x: Tensor) -> Tensor:
        """Activations ``[N, L, D]`` to calibrated probabilities (or numbers) ``[N, C, L]``."""
        raw = torch.einsum("nld,cld->ncl", x, self.vectors)
        return raw * self.calibration[..., 0] + self.calibration[..., 1]

    def probabilities(self, x: Tensor) -> Tensor:
        """Activations ``[N, L, D]`` to the probability of each concept, layer by layer."""
        return self.decide(x).sigmoid()


def finish(
    data: ProbeData,
    vectors: Tensor,
    scores: Tensor | None,
    settings: dict[str, object],
    oriented: bool = False,
) -> Fitted:
    """Normalise, orient, score and calibrate directions ``[C, L, D]``.

    Args:
        scores: of the probes that the vectors come from, ``[C, L]``; None where the projection on
            the vector is all there is.
        oriented: they point where they were found to push, and are not turned round, wherever
            validation clips with the concept lie.
    """
    length = vectors.norm(dim=-1, keepdim=True)
    unit = torch.where(length > 0, vectors / length.clamp_min(1e-30), vectors).float()
    projected = torch.einsum("nld,cld->ncl", data.x_val, unit)
    centred = data.y_val - data.y_val.mean(0)
    sign = torch.einsum("ncl,nc->cl", projected - projected.mean(0), centred).sign()
    sign = torch.where(sign == 0, torch.ones_like(sign), sign)
    sign = torch.ones_like(sign) if oriented else sign
    unit, projected = unit * sign[..., None], projected * sign
    if data.task == "classification":
        alone = auc(projected, data.y_val)
        calibration = platt(projected, data.y_val)
    else:
        calibration = least_squares(projected, data.y_val)
        alone = r_squared(projected * calibration[..., 0] + calibration[..., 1], data.y_val)
    return Fitted(unit, alone if scores is None else scores, alone, calibration, settings)


def simplest(scores: Tensor) -> Tensor:
    """Of settings from the most to the least restrained, the first that is as good as the best.

    Args:
        scores: ``[C, P]``. Within `TIE` of the best counts as good.

    >>> simplest(torch.tensor([[0.9, 0.9995, 1.0]])).tolist()
    [1]
    """
    good = scores >= scores.amax(-1, keepdim=True) - TIE
    return good.float().argmax(-1)


def platt(projected: Tensor, y: Tensor, rounds: int = 50) -> Tensor:
    """``a`` and ``b`` of ``sigmoid(a p + b)`` that fit 0 and 1 best, by Newton's method.

    Args:
        projected: ``[N, C, L]``. y: ``[N, C]``, smoothed towards the middle as Platt (1999) does.
    """
    positive, count = y.sum(0), float(len(y))
    high, low = (positive + 1) / (positive + 2), 1 / (count - positive + 2)
    target = (y * high + (1 - y) * low)[..., None]
    mean, spread = projected.mean(0), projected.std(0).clamp_min(1e-12)
    p = (projected - mean) / spread
    a, b = torch.zeros_like(mean), torch.logit(target.mean(0)).expand_as(mean).clone()
    for _ in range(rounds):
        q = (a * p + b).sigmoid()
        weight = (q * (1 - q)).clamp_min(1e-9)
        gradient = torch.stack([((q - target) * p).mean(0) + 1e-6 * a, (q - target).mean(0)], -1)
        aa, ab, bb = (weight * p * p).mean(0) + 1e-6, (weight * p).mean(0), weight.mean(0)
        hessian = torch.stack([torch.stack([aa, ab], -1), torch.stack([ab, bb], -1)], -2)
        change = torch.linalg.solve(hessian, gradient.unsqueeze(-1)).squeeze(-1).clamp(-2, 2)
        a, b = a - change[..., 0], b - change[..., 1]
    return torch.stack([a / spread, b - a * mean / spread], dim=-1)


def least_squares(projected: Tensor, y: Tensor) -> Tensor:
    """``a`` and ``b`` of ``a p + b`` nearest to numbers ``[N, C]``; ``projected`` is ``[N, C, L]``."""
    p, t = projected - projected.mean(0), (y - y.mean(0))[..., None]
    a = (p * t).sum(0) / (p * p).sum(0).clamp_min(1e-12)
    return torch.stack([a, y.mean(0)[:, None] - a * projected.mean(0)], dim=-1)
