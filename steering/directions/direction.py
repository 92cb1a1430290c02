"""A direction: for one concept a vector per layer, and how far it is to be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from steering.models.origin import Origin


@dataclass(frozen=True)
class Direction:
    """One concept: vectors ``[L, D]``, usually of length 1, and validation scores ``[L]``.

    Directions can be negated, scaled, added and made orthogonal to others; scores of a sum are the
    smaller ones, norms their mean. What comes of that has no calibration and no source.

    Attributes:
        calibration: float32 ``[L, 2]``, slope and intercept ``a`` and ``b`` such that
            ``sigmoid(a p + b)`` is the probability of the concept in a clip whose activations,
            pooled as the bank's facts say, have the projection ``p`` on the layer's vector. A slope
            is per unit of the residual stream, an intercept in log odds at the share of clips that
            have the concept on validation (Platt 1999). None where it was not fitted.
        norms: typical length of the residual stream per layer, float32 ``[L]``: the unit of *relative*
            coefficients. A bank gives its own to its directions; None for one that is from no bank.
        source: name of the bank that a recipe finds it in; empty for what no bank holds.
    """

    name: str
    vectors: Tensor
    scores: Tensor
    origin: Origin
    calibration: Tensor | None = None
    norms: Tensor | None = None
    source: str = ""

    def __neg__(self) -> Direction:
        return -1.0 * self

    def __rmul__(self, factor: float) -> Direction:
        name = f"-{self.name}" if factor == -1 else f"{factor:g}*{self.name}"
        return self._derived(factor * self.vectors, name=name)

    __mul__ = __rmul__

    def __add__(self, other: Direction) -> Direction:
        self.origin.check(other.origin, other.name)
        known = [one.norms for one in (self, other) if one.norms is not None]
        return self._derived(
            self.vectors + other.vectors,
            name=f"{self.name}+{other.name}",
            scores=torch.minimum(self.scores, other.scores),
            norms=torch.stack(known).mean(0) if known else None,
        )

    def __sub__(self, other: Direction) -> Direction:
        return self + (-other)

    def probabilities(self, projected: Tensor, layer: int) -> Tensor | None:
        """Projections on a layer's vector, of any shape, to probabilities; None if not calibrated."""
        if self.calibration is None:
            return None
        slope, intercept = self.calibration[layer]
        return (slope * projected + intercept).sigmoid()

    def even(self) -> Tensor:
        """The projection at which the concept is as likely as not, per layer ``[L]``; 0 without calibration."""
        if self.calibration is None:
            return torch.zeros(len(self.vectors))
        slope, intercept = self.calibration.float().unbind(-1)
        return -intercept / slope.clamp_min(1e-6)

    def unit(self) -> Direction:
        """The same with every layer's vector of length 1; what is 0 stays 0."""
        return self._derived(unit(self.vectors), source=self.source)

    def orthogonal_to(self, *others: Direction) -> Direction:
        """What is left of it, layer by layer, without any share of the others (Gram-Schmidt)."""
        for other in others:
            self.origin.check(other.origin, other.name)
        vectors = without(self.vectors, [other.vectors for other in others])
        return self._derived(vectors)

    def like(self, vectors: Tensor) -> Direction:
        """Other vectors ``[L, D]`` in its place, made to length 1, as controls have them."""
        return self._derived(unit(vectors), source=self.source)

    def _derived(self, vectors: Tensor, source: str = "", **changes: Any) -> Direction:
        return replace(self, vectors=vectors, calibration=None, source=source, **changes)


def without(vectors: Tensor, others: Sequence[Tensor]) -> Tensor:
    """Vectors ``[L, D]`` less their projection on the span of the others' ``[L, D]``, per layer."""
    if not others:
        return vectors
    span = torch.stack(list(others), dim=-1).double()  # [L, D, O]
    basis, sizes, _ = torch.linalg.svd(span, full_matrices=False)
    basis = basis * (sizes > 1e-9 * sizes.amax(-1, keepdim=True)).unsqueeze(1)
    exact = vectors.double().unsqueeze(-1)
    return (exact - basis @ (basis.mT @ exact)).squeeze(-1).to(vectors.dtype)


def unit(vectors: Tensor) -> Tensor:
    """Vectors ``[L, D]`` made to length 1; what is 0 stays 0."""
    length = vectors.norm(dim=-1, keepdim=True)
    return torch.where(length > 0, vectors / length.clamp_min(1e-30), vectors)
