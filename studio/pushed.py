"""When a concept of a clip is pushed: what a verdict listens to, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from listening.spans import Span, spans_where
from steering.interventions.schedules import Schedule
from steering.metrics.pushed import RATE, is_pushed


def pushed_spans(recipe: dict[str, Any], concept: int, played: float) -> list[Span]:
    """Where a concept is pushed, see `steering.metrics.pushed`: seconds from and to.

    Moves count as they were made.

    Args:
        recipe: as it was played. concept: its place in there.
        played: seconds; a clip that was stopped ends there.
    """
    pushed = is_pushed(_strengths(recipe, concept))
    return spans_where(pushed[: int(played * RATE)], RATE)


def pushed_away(recipe: dict[str, Any], concept: int) -> bool:
    """Whether there is to be less of the concept rather than more."""
    return float(_strengths(recipe, concept).sum()) < 0


def _strengths(recipe: dict[str, Any], concept: int) -> np.ndarray:
    """Schedule and coefficient multiplied, at every step of the clip."""
    record = recipe["interventions"][concept]
    seconds = float(recipe["seconds"])
    times = np.arange(round(seconds * RATE)) / RATE
    coefficients = np.full(len(times), float(record["coefficient"]))
    for move in recipe.get("moves", ()):
        if move["concept"] == concept:
            coefficients[move["step"] :] = move["coefficient"]
    return coefficients * Schedule.from_record(record["schedule"]).levels(times, seconds)
