"""The gate: whether a step is steered at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from curation.entries import read_fields
from curation.errors import BadInput


@dataclass(frozen=True)
class Gate:
    """Chance that a step is steered at all: one draw a step, or one per step and layer.

    The paper has 0.3, drawn per layer from the process's random state; here the draws come from a
    seed, the clip's own where none is given, and a longer clip begins with the draws of a shorter one.
    """

    probability: float = 1.0
    per_layer: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise BadInput(f"gate {self.probability}: give a probability from 0 to 1")
        if self.seed is not None and (not isinstance(self.seed, int) or not 0 <= self.seed < 2**63):
            raise BadInput(
                f"gate: its seed is {self.seed!r:.40}, give a whole number from 0 on, of 63 bits"
            )

    def draws(self, steps: int, layers: int, clip_seed: int = 0, first: int = 0) -> np.ndarray:
        """Whether the gate is open at steps from ``first`` on: float ``[S, L]`` of zeros and ones."""
        seed, each = (
            abs(clip_seed) if self.seed is None else self.seed,
            layers if self.per_layer else 1,
        )
        rng = np.random.Generator(np.random.PCG64(seed).advance(first * each))
        drawn = rng.random((steps, each)) < self.probability
        return np.broadcast_to(drawn, (steps, layers)).astype(float)

    def record(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return vars(self).copy()

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> Gate:
        """What `record` kept; one that names no seed is from when 0 was the usual one."""
        return read_fields(Gate, {"seed": 0, **record})
