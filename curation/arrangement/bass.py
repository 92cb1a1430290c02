"""Bass lines as patterns of chord degrees.

Signs: ``1 3 5 6 7 8`` degrees of the chord, ``4`` the fifth below, ``w`` a step towards the next
root along the chord's scale, ``a`` the half or whole tone that leads into the next root.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curation.arrangement.grid import Clock, Tone, spread
from curation.arrangement.harmony import Chord, above, chord_at

LINES: dict[str, tuple[str, ...]] = {
    "walking": ("1---w---w---a---", "1---3---5---a---", "1---w---5---a---", "8---w---w---a---"),
    "bossa": ("1-----5-5-----1-", "1-----4-4-----1-", "1-----5-5-----5-"),
    "shuffle": ("1-1-3-3-5-5-6-5-", "1-1-5-5-6-6-5-5-", "1-1-8-8-7-7-5-5-", "1-1-1-1-5-5-6-6-"),
    "eighths": ("1-1-1-1-1-1-1-1-", "1-1-1-1-1-1-5-a-", "1---1-1-1-1-1-1-"),
    "gallop": ("1.111.111.111.11", "1111111111111111", "1.1.1.1.1.1.1.1."),
    "syncopated": ("1..1..8...7.5..1", "1.1...8..1.8..75", "1.....18..1..8.7", "1..8..1.8..5.7.a"),
    "one drop": ("1---..3-5---..5-", "..1-..1-5-..3-..", "1-..1-3-....5-3-", "1---....5-3-1---"),
    "sub": ("1------1--1-....", "1-----....1-----", "1-1----1--8-..5-", "1--1---1--------"),
    "off-beat": ("..1-..1-..1-..1-", "..1-..1-..1-..8-", "..11..11..11..11", "..1-..8-..1-..5-"),
    "octaves": ("1-8-1-8-1-8-1-8-", "1.81.81.8.1.8181"),
    "two-beat": ("1---....5---....", "1---....4---....", "1---....5---..a-"),
    "long": ("1---------------", "1-------5-------"),
    "drone": ("1---------------",),
    "cello": ("1---------------", "1-------3-------", "1---1---5---5---"),
    "waltz": ("1-----------", "1-------5---"),
    "six": ("1-----5-----", "1-----1---5-"),
}
_DEGREES = {"1": 0, "3": 4, "4": -5, "5": 7, "6": 9, "7": 10, "8": 12}
LOWEST = 28


def play_bass(
    line: str,
    chords: Sequence[Chord],
    clock: Clock,
    bars: int,
    rng: np.random.Generator,
    *,
    low: int = LOWEST,
    stretch: int = 1,
    velocity: float = 92,
) -> list[Tone]:
    """A bass line over a progression.

    Args:
        line: name of a line, or a pattern.
        low: the lowest root, MIDI.
    """
    patterns = LINES.get(line, (line,))
    played: list[Tone] = []
    chosen = str(rng.choice(patterns))
    for bar in range(0, bars, stretch):
        if line == "walking" or rng.random() < 0.15:
            chosen = str(rng.choice(patterns))
        for stroke in spread(chosen, clock.bar * stretch, stretch):
            at = bar * clock.bar + stroke.at
            chord = chord_at(chords, at)
            coming = chord_at(chords, max(chord.at + chord.length, at + stroke.length))
            last = played[-1].pitch if played else low
            pitch = _pitch(stroke.sign, chord, coming, last, low, rng)
            accent = 8 if stroke.at % clock.bar == 0 else 0
            played.append(Tone(at, stroke.length * 0.94, pitch, velocity + accent))
    return played


def _pitch(
    sign: str, chord: Chord, coming: Chord, last: int, low: int, rng: np.random.Generator
) -> int:
    root, goal = above(chord.root, low), above(coming.root, low)
    if sign == "a":
        return int(goal + rng.choice([-1, 1, -1, 2, -5]))
    if sign == "w":
        return _walk(chord, last, goal, rng)
    step = _DEGREES[sign]
    if sign in "357":
        step = _degree(chord, step)
    if sign == "4" and root + step < low - 4:
        step += 12
    return root + step


def _degree(chord: Chord, step: int) -> int:
    """The chord's own third, fifth or seventh, else the one given."""
    return min(chord.intervals, key=lambda i: (abs(i - step), i)) if step else 0


def _walk(chord: Chord, last: int, goal: int, rng: np.random.Generator) -> int:
    """A chord tone or neighbour near the last pitch, rather towards the goal than away."""
    tones = [p for p in range(last - 5, last + 6) if p != last and p >= LOWEST]
    inside = [p for p in tones if (p - chord.root) % 12 in {i % 12 for i in chord.intervals}]
    passing = [p for p in tones if abs(p - last) == 2 and p not in inside]
    pool = (inside or tones) + passing
    weights = np.array([1.0 / (1 + abs(p - goal)) for p in pool])
    return int(rng.choice(pool, p=weights / weights.sum()))
