"""Rows out of cells: each beside its twin, with intervals and corrected chances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from steering.evaluation.asks import Ask
from steering.evaluation.life import Life, life
from steering.evaluation.scoring import Scores
from steering.evaluation.sections import Section
from steering.evaluation.statistics import Comparison, Estimate, compare, estimate, holm


@dataclass(frozen=True)
class Row:
    """A cell in a table.

    Attributes:
        accuracy: share of clips whose most prominent concept is the target.
        against: accuracy less the twin's. adherence: less the twin's.
        share: of the clip that is the target. probe: accuracy by the held-out probe.
        life: None for the twin itself.
    """

    label: str
    clips: int
    accuracy: Estimate
    share: Estimate
    probe: float
    adherence: Estimate
    against: Comparison | None = None
    life: Life | None = None

    def alive_within(self, share: float) -> bool:
        """Whether this is steering that lost no more than a share of what may be lost."""
        return self.life is not None and self.life.within(share)

    def record(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self) | {"lives": self.life.lives if self.life else None}


def rows(section: Section, scores: Mapping[str, Scores], asks: Sequence[Ask]) -> list[Row]:
    """The section's table; chances are corrected for all its comparisons (Holm)."""
    prompts = np.array([ask.prompt for ask in asks])
    made = [
        row(cell.label, scores[cell.label], scores[_twin(section, cell.label)], prompts)
        for cell in section.cells
    ]
    chances = holm([one.against.p if one.against else float("nan") for one in made])
    return [
        replace(one, against=replace(one.against, adjusted=p)) if one.against else one
        for one, p in zip(made, chances, strict=True)
    ]


def _twin(section: Section, label: str) -> str:
    return (section.twins or {}).get(label, section.twin)


def row(label: str, steered: Scores, twin: Scores, prompts: np.ndarray) -> Row:
    """One cell beside its twin; the twin beside itself has nothing to compare."""
    same = steered is twin
    changed = steered.adherence - twin.adherence
    probe = steered.probe[np.isfinite(steered.probe)]
    return Row(
        label,
        len(prompts),
        estimate(steered.hit, prompts),
        estimate(steered.share, prompts),
        float(probe.mean()) if len(probe) else float("nan"),
        estimate(steered.adherence if same else changed, prompts),
        None if same else compare(steered.hit, twin.hit, prompts),
        None if same else life(steered, twin),
    )
