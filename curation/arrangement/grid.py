"""Time in steps (sixteenths), the pattern language, and steps into seconds with a swing feel.

A pattern is a string with one sign a step: ``.`` rests, ``-`` lengthens the sign before it, and
every other sign is a stroke whose meaning each part defines. ``?`` may follow as a sign of its
own: a stroke that is played now and then.

>>> strokes("x--.o")
(Stroke(at=0, length=3, sign='x'), Stroke(at=4, length=1, sign='o'))
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

BAR_STEPS = {"4/4": 16, "3/4": 12, "6/8": 12}
BEAT_STEPS = {"4/4": 4, "3/4": 4, "6/8": 6}


class Stroke(NamedTuple):
    """One sign of a pattern: where it starts, how long it lasts (steps), and the sign."""

    at: int
    length: int
    sign: str


class Tone(NamedTuple):
    """A note on the grid: start and length in steps, MIDI pitch and velocity."""

    at: float
    length: float
    pitch: int
    velocity: float


@cache
def strokes(pattern: str) -> tuple[Stroke, ...]:
    """The strokes of a pattern, in order."""
    found = []
    for at, sign in enumerate(pattern):
        if sign not in ".-":
            tail = pattern[at + 1 :]
            found.append(Stroke(at, 1 + len(tail) - len(tail.lstrip("-")), sign))
    return tuple(found)


def spread(pattern: str, steps: float, stretch: int = 1) -> Iterator[Stroke]:
    """Repeat a pattern until ``steps`` are full; ``stretch`` 2 plays it at half time."""
    length = len(pattern) * stretch
    for start in range(0, int(steps), length):
        for stroke in strokes(pattern):
            at = start + stroke.at * stretch
            if at < steps:
                yield Stroke(at, stroke.length * stretch, stroke.sign)


@dataclass(frozen=True)
class Clock:
    """Turns steps into seconds.

    Attributes:
        bpm: beats per minute; a beat of 6/8 is a dotted quarter.
        signature: 4/4, 3/4 or 6/8.
        swing: share of a swung unit that its first half takes: 0.5 is straight, 2/3 triplets.
        swung_steps: 4 swings eighths within a beat, 2 swings sixteenths within an eighth.
    """

    bpm: float
    signature: str = "4/4"
    swing: float = 0.5
    swung_steps: int = 4

    @property
    def step(self) -> float:
        """Seconds of a step."""
        return 60 / self.bpm / BEAT_STEPS[self.signature]

    @property
    def bar(self) -> int:
        """Steps of a bar."""
        return BAR_STEPS[self.signature]

    @property
    def beat(self) -> int:
        """Steps of a beat."""
        return BEAT_STEPS[self.signature]

    def bars(self, seconds: float) -> int:
        """Bars that it takes to run past ``seconds``."""
        return int(seconds / (self.bar * self.step)) + 1

    def seconds(self, step: float) -> float:
        """When a step falls.

        >>> round(Clock(60, swing=2 / 3).seconds(2), 3), Clock(60).seconds(2)
        (0.667, 0.5)
        """
        unit, inside = divmod(step, self.swung_steps)
        half = inside / self.swung_steps
        if half <= 0.5:
            warped = 2 * half * self.swing
        else:
            warped = self.swing + (2 * half - 1) * (1 - self.swing)
        return (unit + warped) * self.swung_steps * self.step


def tempo_word(bpm: float) -> str:
    """The tempo in a word.

    >>> tempo_word(70), tempo_word(100), tempo_word(150)
    ('slow', 'medium tempo', 'fast')
    """
    return "slow" if bpm < 84 else "medium tempo" if bpm < 128 else "fast"
