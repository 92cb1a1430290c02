"""Which seconds of a cell's clips are pushed: by any of its concepts."""

from __future__ import annotations

import numpy as np

from curation.errors import BadInput
from listening.spans import Span, length, spans_where
from steering.evaluation.cells import Cell
from steering.interventions.schedules import Schedule
from steering.metrics.pushed import RATE, is_pushed

Spans = tuple[Span, ...]

LEAST = 0.25
"""Seconds of a clip that can be listened to by themselves."""


def pushed_spans(cell: Cell, seconds: float) -> Spans:
    """Where one of a cell's concepts is pushed, as its schedule has it; nothing of an unsteered one.

    A rival is at work all the time. A gate that opens now and then is no schedule: the push is there as long as it may open.

    Args:
        seconds: of a clip.

    Raises:
        BadInput: it is pushed for so short that nobody can say what was heard.
    """
    if cell.rival:
        return whole(seconds)
    times = np.arange(round(seconds * RATE)) / RATE
    pushed = np.zeros(len(times), dtype=bool)
    for steer in cell.steers:
        levels = Schedule.from_record(steer.schedule).levels(times, seconds)
        pushed |= is_pushed(steer.coefficient * steer.gate * levels)
    found = whole(seconds) if pushed.all() else tuple(spans_where(pushed, RATE))
    if found and length(found) < LEAST:
        raise BadInput(
            f"{cell.label} is pushed for {length(found):g} s: push for {LEAST:g} s of a clip or more"
        )
    return found


def whole(seconds: float) -> Spans:
    """The span that is all of a clip."""
    return ((0.0, seconds),)
