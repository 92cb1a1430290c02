"""When a concept of a clip is pushed: what a verdict listens to, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from steering.interventions.schedules import Schedule

RATE = 50.0
"""Places a second at which a push is looked at: the model's own steps."""

HALF = 0.5

Span = tuple[float, float]


def pushed_spans(recipe: dict[str, Any], concept: int, played: float) -> list[Span]:
    """Where a concept is pushed with half of its greatest strength or more: seconds from and to.

    Moves count as they were made. Nothing is pushed where its strength is 0 all the time.

    Args:
        recipe: as it was played. concept: its place in there.
        played: seconds; a clip that was stopped ends there.
    """
    strengths = np.abs(_strengths(recipe, concept))
    on = (strengths >= HALF * strengths.max(initial=0.0)) & (strengths > 0)
    on = on[: int(played * RATE)]
    edges = np.flatnonzero(np.diff(np.pad(on.astype(int), 1)))
    return [(start / RATE, end / RATE) for start, end in edges.reshape(-1, 2).tolist()]


def pushed_away(recipe: dict[str, Any], concept: int) -> bool:
    """Whether there is to be less of the concept rather than more."""
    return float(_strengths(recipe, concept).sum()) < 0


def length(spans: list[Span]) -> float:
    """Seconds of all spans together."""
    return sum(end - start for start, end in spans)


def whole_seconds(spans: list[Span]) -> list[int]:
    """The seconds of a clip that lie in the spans by more than a half."""
    last = int(max((end for _, end in spans), default=0)) + 1
    return [
        second
        for second in range(last)
        if length(
            [
                (max(a, second), min(b, second + 1))
                for a, b in spans
                if a < second + 1 and b > second
            ]
        )
        > HALF
    ]


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
