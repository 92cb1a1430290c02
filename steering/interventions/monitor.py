"""Strength that sets itself: it follows what the concept's own probe hears in the music.

A push that never lets go makes a drone of a note. A monitored one begins at its full coefficient, lets
go as the concept is heard, and takes hold again when it is gone (after SMITIN, Koo et al. 2024,
arXiv 2404.02252, which sets the strength of every head by how a clip does so far).

What is heard is the probe's probability at the first layer at which the concept is pushed, before
anything is added there. Its push reaches that layer by the codes that were chosen and in no other way, so
that the probe hears the music and never the push itself. (Another concept that is pushed further down is
heard: give concepts the same layers.)
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from curation.errors import BadInput
from steering.directions.direction import Direction

LIMITS = {"target": (0.0, 1.0), "rate": (0.0, 100.0), "memory": (0.02, 60.0)}


@dataclass(frozen=True)
class Monitor:
    """How a strength follows what is heard.

    Attributes:
        target: the probability of the concept, by its probe, that is kept up on average, 0 to 1. Of a
            negative coefficient: what it is kept down to.
        rate: by how much of the coefficient the strength moves in a second, for each unit of
            probability that is missing.
        memory: seconds over which what is heard is averaged, exponentially.

    Raises:
        BadInput: one is out of its limits.
    """

    target: float = 0.3
    rate: float = 2.0
    memory: float = 0.5

    def __post_init__(self) -> None:
        for one in fields(self):
            low, high = LIMITS[one.name]
            value = getattr(self, one.name)
            if not low <= value <= high:
                raise BadInput(f"the monitor's {one.name} is {value:g}: give {low:g} to {high:g}")


@dataclass(frozen=True)
class Ear:
    """A concept's monitor with the probe that it hears by.

    Attributes:
        layer: whose output is read, before anything is added to it.
        vector: float32 ``[D]``. slope, intercept: of the projection's log odds (Platt 1999).
    """

    monitor: Monitor
    layer: int
    vector: Tensor
    slope: float
    intercept: float

    @staticmethod
    def of(direction: Direction, monitor: Monitor, layer: int) -> Ear:
        """What hears a concept at a layer.

        Raises:
            BadInput: the direction is not calibrated, so that nothing is known of what it reads.
        """
        if direction.calibration is None:
            raise BadInput(
                f"{direction.name} has no calibration, which a strength that sets itself hears by: "
                "take a concept out of a bank of classes, or leave the monitor out"
            )
        slope, intercept = direction.calibration[layer].tolist()
        vector = direction.vectors[layer].float()
        return Ear(monitor, layer, vector / vector.norm().clamp_min(1e-30), slope, intercept)


def follow(strength: Tensor, heard: Tensor, target: Tensor, gain: Tensor) -> Tensor:
    """Strengths after a step, each from 0 to 1; all of one shape.

    Args:
        heard: probabilities, averaged.
        gain: rate times the seconds of a step; negative where the concept is pushed out.
    """
    return torch.addcmul(strength, gain, target - heard).clamp_(0, 1)


def average(before: Tensor, now: Tensor, weight: Tensor) -> Tensor:
    """A running mean of probabilities, of any shape; weight: seconds of a step by those of the memory."""
    return torch.lerp(before, now, weight)
