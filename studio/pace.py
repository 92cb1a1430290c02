"""How fast the page plays: what a step of so many rows takes, and how many listeners that is enough for."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np

HEADROOM = 1.15
"""How much faster than it is heard music is to be made before one more may listen."""

LEARNING, TOGETHER = 0.1, 0.5
"""Share of a new measurement in the mean of its number of rows; how far the others go along, as a power."""


SLOWEST = 1.0
"""Seconds of a step that are no measurement: something was compiled, or there is time for one listener alone."""

LONG_PIECE = 0.4
"""Seconds of music from which on a piece tells how fast sound is made; shorter ones are mostly overlap."""


class Pace:
    """What was measured lately, by the clock: so it holds for the machine as busy as it is.

    Steps and sound are made by a thread each, so the slower of the two counts.

    Attributes:
        steps, rows: that were made until now.
    """

    def __init__(self) -> None:
        self._steps: dict[int, float] = {}
        self._sound = 0.0
        self.steps, self.rows = 0, 0

    def stepped(self, rows: int, seconds: float) -> None:
        """A step of so many rows took so long."""
        self.steps, self.rows = self.steps + 1, self.rows + rows
        known = self._steps.get(rows)
        if seconds > SLOWEST:
            return
        if known is None:
            self._steps[rows] = seconds
            return
        now = self._steps[rows] = known + LEARNING * (min(seconds, 4 * known) - known)
        for other in self._steps.keys() - {rows}:
            self._steps[other] *= (now / known) ** TOGETHER

    def sounded(self, music: float, seconds: float) -> None:
        """So many seconds of one listener's music took so long to decode."""
        if music < LONG_PIECE:
            return
        share = seconds / music
        self._sound += LEARNING * (share - self._sound) if self._sound else share

    def step_seconds(self, rows: int) -> float:
        """What a step of so many rows takes; 0 where nothing was measured yet."""
        known = self._steps
        if rows in known or not known:
            return known.get(rows, 0.0)
        most = max(known)
        if len(known) == 1:
            return known[most] * max(1.0, rows / most)
        slope, begin = np.polyfit(list(known), list(known.values()), 1)
        return float(max(begin + max(slope, 0.0) * rows, known[most] if rows > most else 0.0))

    def holds(self, rows: int, listeners: int, steps_a_second: float) -> bool:
        """Whether so many listeners with so many rows can all hear music without a gap."""
        by_steps = HEADROOM * steps_a_second * self.step_seconds(rows)
        return 0 < by_steps <= 1 and HEADROOM * self._sound * listeners <= 1


def waits(playing: Sequence[float], waiting: Sequence[float]) -> list[float]:
    """Seconds until each of a line has its turn.

    Args:
        playing: seconds until each of those who play ends. waiting: how long each of the line will play.

    >>> waits([4.0, 1.0], [2.0, 2.0, 2.0])
    [1.0, 3.0, 4.0]
    """
    ends = list(playing) or [0.0]
    heapq.heapify(ends)
    found = []
    for one in waiting:
        found.append(heapq.heappop(ends))
        heapq.heappush(ends, found[-1] + one)
    return found


def told(seconds: float) -> int | None:
    """As it is told: whole seconds; None where nobody knows."""
    return math.ceil(seconds) if math.isfinite(seconds) else None
