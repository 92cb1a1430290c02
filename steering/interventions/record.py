"""An intervention as recipes keep it: the names of its concept and bank in the place of vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import numpy as np

from curation.entries import read_fields, written
from curation.errors import BadInput
from steering.interventions.gate import Gate
from steering.interventions.layers import LayerWeights
from steering.interventions.monitor import Monitor
from steering.interventions.operators import OPERATORS
from steering.interventions.schedules import Schedule

Unit = Literal["relative", "raw"]
UNITS: tuple[Unit, ...] = get_args(Unit)

Rows = Literal["both", "conditional", "unconditional"]
ROWS: tuple[Rows, ...] = get_args(Rows)


@dataclass(frozen=True)
class InterventionRecord:
    """One concept pushed, taken out or turned to, by name.

    Attributes:
        concept: name of the direction; bank: name of the bank that holds it, as ``notes/ridge``;
            empty for what no bank holds.
        coefficient, unit, schedule, layers, gate, operator, rows, monitor: as
            `steering.interventions.intervention.Intervention` has them.
    """

    concept: str
    bank: str
    coefficient: float
    unit: Unit = "relative"
    schedule: Schedule = field(default_factory=Schedule)
    layers: LayerWeights = field(default_factory=LayerWeights)
    gate: Gate = field(default_factory=Gate)
    operator: str = "add"
    rows: Rows = "both"
    monitor: Monitor | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.coefficient):
            raise BadInput(
                f"the coefficient of {self.concept} is {self.coefficient}: give a number"
            )
        if self.unit not in UNITS:
            raise BadInput(f"unit {self.unit!r:.40}: choose {' or '.join(UNITS)}")
        if self.rows not in ROWS:
            raise BadInput(f"rows {self.rows!r:.40}: choose one of {', '.join(ROWS)}")
        if self.operator not in OPERATORS:
            raise BadInput(
                f"no operator {self.operator!r:.40}: choose one of {', '.join(OPERATORS)}"
            )

    def record(self) -> dict[str, Any]:
        """As JSON keeps it: every entry, said or not."""
        return {one.name: written(getattr(self, one.name)) for one in fields(self)}

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> InterventionRecord:
        """What `record` kept.

        What a record leaves out means what it meant when recipes were first written: exponential
        weights of the layers, and a gate whose seed is 0.

        Raises:
            BadInput: the record is not one.
        """
        return read_fields(InterventionRecord, {"bank": "", **record})
