"""One concept pushed, taken out or turned to: in musical terms.

`steering.interventions.plan` turns several into tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from curation.errors import BadInput
from steering.directions.bank import Bank
from steering.directions.direction import Direction
from steering.interventions.layers import LayerWeights
from steering.interventions.operators import OPERATORS
from steering.interventions.schedules import Schedule

Unit = Literal["relative", "raw"]


Rows = Literal["both", "conditional", "unconditional"]


_ROWS: dict[Rows, tuple[bool, bool]] = {
    "both": (True, True),
    "conditional": (True, False),
    "unconditional": (False, True),
}


@dataclass(frozen=True)
class Gate:
    """Chance that a step is steered at all: one draw a step, or one per step and layer.

    The paper has 0.3, drawn per layer from the process's random state; here the draws come from a
    seed, the clip's own where none is given, and a longer clip begins with the draws of a shorter one.

    Raises:
        BadInput: the probability is not from 0 to 1, or the seed is no whole number from 0 on.
    """

    probability: float = 1.0
    per_layer: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise BadInput(f"gate {self.probability}: give a probability from 0 to 1")
        if self.seed is not None and (not isinstance(self.seed, int) or self.seed < 0):
            raise BadInput(f"gate: its seed is {self.seed!r}, give a whole number from 0 on")

    def draws(self, steps: int, layers: int, clip_seed: int = 0) -> np.ndarray:
        """Whether the gate is open: float ``[S, L]`` of zeros and ones."""
        seed = abs(clip_seed) if self.seed is None else self.seed
        rng = np.random.default_rng(seed)
        drawn = rng.random((steps, layers if self.per_layer else 1)) < self.probability
        return np.broadcast_to(drawn, (steps, layers)).astype(float)


@dataclass(frozen=True)
class Intervention:
    """One concept pushed, taken out or turned to.

    Attributes:
        direction: vectors per layer, with the norms and the source of their bank.
        coefficient: strength. *relative*: share of the stream's typical length at each layer, so
            that one value means the same on a small and a large model. *raw*: as published,
            the length that is added itself. For ``ablate`` it is the share that is taken out.
        rows: which of the two rows of guidance are steered.

    Raises:
        BadInput: the coefficient is not finite, there is no such unit, operator or rows, or a
            relative coefficient is of a direction without norms.
    """

    direction: Direction
    coefficient: float
    unit: Unit = "relative"
    schedule: Schedule = field(default_factory=Schedule)
    layers: LayerWeights = field(default_factory=LayerWeights)
    gate: Gate = field(default_factory=Gate)
    operator: str = "add"
    rows: Rows = "both"

    def __post_init__(self) -> None:
        if not np.isfinite(self.coefficient):
            raise BadInput(
                f"the coefficient of {self.direction.name} is {self.coefficient}: give a number"
            )
        if self.unit not in ("relative", "raw"):
            raise BadInput(f"unit {self.unit!r}: choose relative or raw")
        if self.rows not in _ROWS:
            raise BadInput(f"rows {self.rows!r}: choose one of {', '.join(_ROWS)}")
        if self.operator not in OPERATORS:
            raise BadInput(f"no operator {self.operator!r}: choose one of {', '.join(OPERATORS)}")
        if self.scaled_by_norm and self.direction.norms is None:
            raise BadInput(
                f"{self.direction.name} has no norms, which relative coefficients are shares of: take "
                "it out of a bank, or give unit='raw'"
            )

    @property
    def source(self) -> str:
        """Name of the bank that the direction is in; empty for what no bank holds."""
        return self.direction.source

    def strengths(self) -> np.ndarray:
        """What a coefficient of 1 is at each layer, ``[L]``, before schedule and gate."""
        weights = self.layers.of(self.direction.scores.double().numpy())
        if not self.scaled_by_norm or self.direction.norms is None:
            return weights
        return weights * self.direction.norms.double().numpy()

    @property
    def guidance_rows(self) -> tuple[bool, bool]:
        """Whether the conditional and the unconditional row are steered."""
        return _ROWS[self.rows]

    @property
    def scaled_by_norm(self) -> bool:
        """An ablation is a share of what is there already; additions are lengths."""
        return self.unit == "relative" and self.operator != "ablate"

    def record(self) -> dict[str, Any]:
        """As a recipe keeps it: everything but the vectors, which ``source`` names."""
        return {
            "concept": self.direction.name,
            "bank": self.source,
            "coefficient": self.coefficient,
            "unit": self.unit,
            "schedule": self.schedule.record(),
            "layers": self.layers.record(),
            "gate": vars(self.gate).copy(),
            "operator": self.operator,
            "rows": self.rows,
        }


def from_record(record: Mapping[str, Any], bank: Bank) -> Intervention:
    """The intervention that a recipe keeps, with its vectors out of the bank.

    What a record leaves out means what it meant when recipes were first written: exponential
    weights of the layers, and a gate whose seed is 0.

    Raises:
        BadInput: the record is not one, or the bank lacks the concept.
    """
    try:
        direction = bank[str(record["concept"])]
        return Intervention(
            direction=replace(direction, source=str(record.get("bank", direction.source))),
            coefficient=float(record["coefficient"]),
            unit=record.get("unit", "relative"),
            schedule=Schedule.from_record(record.get("schedule", {})),
            layers=LayerWeights.from_record(record.get("layers", {})),
            gate=Gate(**{"seed": 0, **record.get("gate", {})}),
            operator=str(record.get("operator", "add")),
            rows=record.get("rows", "both"),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(
            f"the recipe's intervention {dict(record)} cannot be read: {error}"
        ) from None
