"""Concepts that are moved at once without moving one another.

What is added gives up what it shares with the concepts before it (Gram-Schmidt). What goes by a probe
cannot: its probe reads along its own vector. So it reads along that, and writes along the vector of the dual
basis: the one in the span of all of them on which its own projection is 1 and every other's is 0. Written in
whichever order, each projection then reaches its own target, and one that is there already stays.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from curation.errors import BadInput
from steering.directions.direction import unit, without
from steering.interventions.intervention import Intervention
from steering.interventions.operators import READING

LEAST_LEFT = 1e-5
"""Share of an added vector that must be left: beneath it is rounding."""

LEAST_OWN = 0.1
"""The same for one that is read: the stream is moved by its inverse, ten times as far as the projection."""


def apart(interventions: Sequence[Intervention]) -> tuple[Tensor, Tensor]:
    """What concepts read along and what they write along: both float32 ``[M, L, D]``.

    The two differ for operators that go by a probe, where another such concept takes part in the layer,
    or one before it in the list is added there.

    Raises:
        BadInput: a concept has next to nothing of its own at a layer where it takes part.
    """
    places = range(len(interventions))
    pairs = [
        _read(interventions, place) if one.operator in READING else _added(interventions, place)
        for place, one in zip(places, interventions, strict=True)
    ]
    read, written = zip(*pairs, strict=True)
    return torch.stack(read).float(), torch.stack(written).float()


def _added(interventions: Sequence[Intervention], place: int) -> tuple[Tensor, Tensor]:
    """What is left of a concept's vectors without those before it."""
    vectors = [one.direction.vectors for one in interventions[: place + 1]]
    left = without(vectors[-1], vectors[:-1])
    before, after = (one.norm(dim=-1, keepdim=True) for one in (vectors[-1], left))
    _check(interventions[place], after / before.clamp_min(1e-30), LEAST_LEFT)
    return unit(left), unit(left)


def _read(interventions: Sequence[Intervention], place: int) -> tuple[Tensor, Tensor]:
    """A concept's own vectors, and those of the dual basis where it takes part."""
    one = interventions[place]
    own = unit(one.direction.vectors.double())
    left = without(own, _beside(interventions, place))
    length = left.norm(dim=-1, keepdim=True)
    _check(one, length, LEAST_OWN)
    return own, torch.where(_layers(one), left / length.square().clamp_min(1e-30), own)


def _beside(interventions: Sequence[Intervention], place: int) -> list[Tensor]:
    """What a concept that is read must not move, ``[L, D]`` each: 0 at layers where it is not pushed."""
    return [
        other.direction.vectors * _layers(other)
        for number, other in enumerate(interventions)
        if number != place and (other.operator in READING or number < place)
    ]


def _layers(one: Intervention) -> Tensor:
    """Whether a concept takes part in each layer: bool ``[L, 1]``."""
    return torch.from_numpy(one.strengths() != 0)[:, None]


def _check(one: Intervention, own: Tensor, least: float) -> None:
    """Args: own: share of its vectors that no other concept has ``[L, 1]``."""
    there = one.direction.vectors.norm(dim=-1, keepdim=True) > 0
    poor = (own < least) & there & _layers(one)
    if poor.any():
        raise BadInput(
            f"{one.direction.name} can hardly be told from the concepts beside it at layer "
            f"{int(poor[:, 0].int().argmax())}, so that it cannot be moved without them: leave one "
            "out, or do not orthogonalise"
        )
