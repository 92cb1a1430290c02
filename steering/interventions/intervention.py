"""One concept pushed, taken out or turned to: in musical terms.

`steering.interventions.plan` turns several into tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from curation.errors import BadInput
from steering.directions.bank import Bank
from steering.directions.direction import Direction
from steering.interventions.gate import Gate
from steering.interventions.layers import LayerWeights
from steering.interventions.monitor import Ear, Monitor
from steering.interventions.operators import READING
from steering.interventions.record import InterventionRecord, Rows, Unit
from steering.interventions.schedules import Schedule

_ROWS: dict[Rows, tuple[bool, bool]] = {
    "both": (True, True),
    "conditional": (True, False),
    "unconditional": (False, True),
}


@dataclass(frozen=True)
class Intervention:
    """One concept pushed, taken out or turned to.

    Attributes:
        direction: vectors per layer, with the norms and the source of their bank.
        coefficient: strength. *relative*: share of the stream's typical length at each layer, so
            that one value means the same on a small and a large model. *raw*: as published,
            the length that is added itself. For ``ablate`` it is the share that is taken out.
        rows: which of the two rows of guidance are steered.
        monitor: what lets the strength follow what is heard; None for one that does not.
        heard: the direction that the monitor hears by, the pushed one where there is none: a control
            that pushes anything else listens to the same concept.

    Raises:
        BadInput: the coefficient is not finite, there is no such unit, operator or rows, a
            relative coefficient is of a direction without norms, or a monitored one is of a direction
            without calibration.
    """

    direction: Direction
    coefficient: float
    unit: Unit = "relative"
    schedule: Schedule = field(default_factory=Schedule)
    layers: LayerWeights = field(default_factory=LayerWeights)
    gate: Gate = field(default_factory=Gate)
    operator: str = "add"
    rows: Rows = "both"
    monitor: Monitor | None = None
    heard: Direction | None = None

    def __post_init__(self) -> None:
        self.by_name()
        if self.monitor is not None:
            self.ear(0)
        if self.operator in READING and self.direction.calibration is None:
            raise BadInput(
                f"{self.direction.name} has no calibration, which {self.operator} goes by: take a "
                "concept out of a bank of classes, or another operator"
            )
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

    def ear(self, layer: int) -> Ear | None:
        """What its monitor hears by at a layer; None where nothing is monitored."""
        if self.monitor is None:
            return None
        return Ear.of(self.heard or self.direction, self.monitor, layer)

    @property
    def guidance_rows(self) -> tuple[bool, bool]:
        """Whether the conditional and the unconditional row are steered."""
        return _ROWS[self.rows]

    @property
    def scaled_by_norm(self) -> bool:
        """An ablation is a share of what is there already; additions are lengths."""
        return self.unit == "relative" and self.operator != "ablate"

    def by_name(self) -> InterventionRecord:
        """Everything but the vectors, which concept and bank name."""
        shared = {name: getattr(self, name) for name in _SHARED}
        return InterventionRecord(self.direction.name, self.source, **shared)

    def record(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return self.by_name().record()

    @staticmethod
    def of(record: InterventionRecord, bank: Bank) -> Intervention:
        """What a recipe keeps, with its vectors out of the bank; `BadInput` if it lacks the concept."""
        direction = replace(bank[record.concept], source=record.bank)
        return Intervention(direction, **{name: getattr(record, name) for name in _SHARED})


_SHARED = [one.name for one in fields(InterventionRecord)[2:]]


def from_record(record: Mapping[str, Any], bank: Bank) -> Intervention:
    """The intervention that a recipe keeps as JSON, with its vectors out of the bank.

    Raises:
        BadInput: the record is not one, or the bank lacks the concept.
    """
    return Intervention.of(InterventionRecord.from_record(record), bank)
