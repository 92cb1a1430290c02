"""How fast the page plays: what a step of so many rows takes, and who may join those who hear music."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

HEADROOM = 1.15
"""How much faster than it is heard music is to be made before one more may listen."""

LEARNING, TOGETHER = 0.1, 0.5
"""Share of a new measurement in the mean of its number of rows; how far the others go along, as a power."""

SAFE_SECONDS = 0.8
"""What everybody who plays has in hand before one more joins them: more than it costs if the estimate is wrong."""

SLOWEST = 1.0
"""Seconds of a step that are no measurement: something was compiled, or there is time for one listener alone."""

LONG_PIECE = 0.4
"""Seconds of music from which on a piece tells how fast sound is made; shorter ones are mostly overlap."""


class Player(Protocol):
    """One who plays, or is about to."""

    @property
    def rows(self) -> int:
        """Of the decoder, that it needs."""

    @property
    def frame_rate(self) -> float:
        """Steps a second of its music."""

    @property
    def steps(self) -> float:
        """Steps that are left."""

    @property
    def safe(self) -> float:
        """Seconds that it has in hand when it is well."""

    def in_hand(self, now: float) -> float:
        """Seconds of sound that its listener has and has not heard."""


class Pace:
    """What was measured lately, by the clock: so it holds for the machine as busy as it is.

    Steps and sound are made by a thread each, so the slower of the two counts. An estimate cannot know of what it
    never saw: so one joins after another, each when all before it have enough in hand.

    Attributes:
        steps, rows: that were made until now.
    """

    def __init__(self) -> None:
        self._steps: dict[int, float] = {}
        self._sound = 0.0
        self.steps, self.rows = 0, 0

    def counted(self, rows: int) -> None:
        """A step of so many rows was made."""
        self.steps, self.rows = self.steps + 1, self.rows + rows

    def stepped(self, rows: int, seconds: float) -> None:
        """A step of so many rows took so long."""
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

    def admits(self, one: Player, playing: Sequence[Player], now: float) -> bool:
        """Whether one more may join those who play, so that nobody hears a gap."""
        rows = one.rows + sum(other.rows for other in playing)
        return self.holds(rows, len(playing) + 1, one.frame_rate) and all(
            other.in_hand(now) >= other.safe or not other.steps for other in playing
        )


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
