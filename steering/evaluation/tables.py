"""Rows out of cells: each beside its twin, with intervals and corrected chances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from steering.evaluation.asks import Ask
from steering.evaluation.life import USUAL, Life, Limits, life
from steering.evaluation.scoring import PushedScores, Scores
from steering.evaluation.sections import Section
from steering.evaluation.statistics import Comparison, Estimate, compare, estimate, holm

EMPTY: Mapping[str, PushedScores] = MappingProxyType({})


@dataclass(frozen=True)
class Pushed:
    """The pushed seconds of a cell beside the same ones of its twin.

    Attributes:
        seconds: of a clip that are pushed.
        accuracy: share of clips whose most prominent concept there is the target; unsteered: of the
            twin's.
    """

    seconds: float
    accuracy: Estimate
    unsteered: Estimate
    life: Life


@dataclass(frozen=True)
class Row:
    """A cell in a table.

    Attributes:
        accuracy: share of clips whose most prominent concept is the target.
        against: accuracy less the twin's. adherence: less the twin's.
        share: of the clip that is the target. probe: accuracy by the held-out probe.
        life: None for the twin itself. pushed: None where nothing is pushed.
        limits: that the music is held against.
    """

    label: str
    clips: int
    accuracy: Estimate
    share: Estimate
    probe: float
    adherence: Estimate
    against: Comparison | None = None
    life: Life | None = None
    pushed: Pushed | None = None
    limits: Limits = USUAL

    @property
    def lives(self) -> bool:
        """Whether it is still the music that was asked for, in the clip and where it is pushed."""
        return self.alive_within(1.0)

    def alive_within(self, share: float) -> bool:
        """Whether this is steering that lost no more than a share of what may be lost."""
        held = self._held
        return bool(held) and all(one.within(self.limits, share) for one in held)

    @property
    def excess(self) -> float:
        """How far the losses are beyond the limits, in the clip or where it is pushed."""
        return max((one.excess(self.limits) for one in self._held), default=0.0)

    @property
    def _held(self) -> list[Life]:
        """All that is held against the limits."""
        there = self.pushed.life if self.pushed else None
        return [one for one in (self.life, there) if one is not None]

    def record(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self) | {"lives": self.lives if self.life else None}


def rows(
    section: Section,
    scores: Mapping[str, Scores],
    asks: Sequence[Ask],
    pushed: Mapping[str, PushedScores] = EMPTY,
    limits: Limits = USUAL,
) -> list[Row]:
    """The section's table; chances are corrected for all its comparisons (Holm).

    Args:
        pushed: by label, of the cells of which there are pushed seconds.
    """
    prompts = np.array([ask.prompt for ask in asks])
    made = []
    for cell in section.cells:
        name = cell.label
        twin, there = scores[section.twin_of(name)], pushed.get(name)
        made.append(row(name, scores[name], twin, prompts, there, limits))
    chances = holm([one.against.p if one.against else float("nan") for one in made])
    return [
        replace(one, against=replace(one.against, adjusted=p)) if one.against else one
        for one, p in zip(made, chances, strict=True)
    ]


def row(
    label: str,
    steered: Scores,
    twin: Scores,
    prompts: np.ndarray,
    pushed: PushedScores | None = None,
    limits: Limits = USUAL,
) -> Row:
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
        None if same else life(steered, twin, prompts),
        _pushed(pushed, prompts) if pushed else None,
        limits,
    )


def _pushed(found: PushedScores, prompts: np.ndarray) -> Pushed:
    return Pushed(
        found.seconds,
        estimate(found.steered.hit, prompts),
        estimate(found.twin.hit, prompts),
        life(found.steered, found.twin, prompts),
    )
