"""Chords: symbols written in C, laid out over bars, and voiced close to the chord before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "5": (0, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "9": (0, 4, 7, 10, 14),
    "m9": (0, 3, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "13": (0, 4, 10, 14, 21),
    "7#9": (0, 4, 10, 15),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "add9": (0, 4, 7, 14),
    "madd9": (0, 3, 7, 14),
}
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


class Chord(NamedTuple):
    """A chord from step ``at`` for ``length`` steps; ``root`` is a pitch class."""

    at: int
    length: int
    root: int
    intervals: tuple[int, ...]

    @property
    def pitch_classes(self) -> frozenset[int]:
        return frozenset((self.root + i) % 12 for i in self.intervals)


@cache
def parse(symbol: str) -> tuple[int, tuple[int, ...]]:
    """Root above C and intervals of a chord symbol.

    >>> parse("Bbm7"), parse("F#dim7")
    ((10, (0, 3, 7, 10)), (6, (0, 3, 6, 9)))
    """
    accidental = symbol[1:2]
    shift = {"b": -1, "#": 1}.get(accidental, 0)
    quality = symbol[2:] if shift else symbol[1:]
    return (_LETTERS[symbol[0]] + shift) % 12, QUALITIES[quality]


def lay_out(progression: str, tonic: int, bars: int, bar: int, first: int = 0) -> list[Chord]:
    """A progression over bars, repeated as needed.

    Args:
        progression: chord symbols in C, a bar each; a comma shares a bar between two.
        tonic: pitch class of the key.
        bar: steps of a bar.
        first: bar of the progression to start from.

    >>> [(c.at, c.length, c.root) for c in lay_out("C F,G", 2, 2, 16)]
    [(0, 16, 2), (16, 8, 7), (24, 8, 9)]
    """
    cells = progression.split()
    chords = []
    for place in range(bars):
        symbols = cells[(first + place) % len(cells)].split(",")
        at, share = place * bar, bar // len(symbols)
        if len(symbols) > 1 and bar % 8:
            share = bar * 2 // 3
        for number, symbol in enumerate(symbols):
            root, intervals = parse(symbol)
            length = share if number < len(symbols) - 1 else bar - number * share
            chords.append(Chord(at + number * share, length, (root + tonic) % 12, intervals))
    return chords


def chord_at(chords: Sequence[Chord], step: float) -> Chord:
    """The chord that sounds at a step; the last one past the end."""
    for chord in chords:
        if step < chord.at + chord.length:
            return chord
    return chords[-1]


def above(pitch_class: int, low: int) -> int:
    """The lowest MIDI pitch of a pitch class that is not below ``low``.

    >>> above(0, 61), above(1, 61)
    (72, 61)
    """
    return low + (pitch_class - low) % 12


def voice(
    chord: Chord, low: int, previous: Sequence[int] = (), rootless: bool = False
) -> list[int]:
    """Chord tones in one octave above ``low``, moved as little as may be from ``previous``."""
    intervals = chord.intervals[1:] if rootless and len(chord.intervals) > 3 else chord.intervals
    classes = [(chord.root + i) % 12 for i in intervals]
    candidates = []
    for bottom in classes:
        base = above(bottom, low)
        candidates.append(sorted(above(c, base) for c in classes))
    if not previous:
        return min(candidates, key=lambda v: v[0])
    centre = sum(previous) / len(previous)
    return min(candidates, key=lambda v: abs(sum(v) / len(v) - centre))


@cache
def chord_voicings(chords: tuple[Chord, ...], low: int, rootless: bool) -> tuple[list[int], ...]:
    """One voicing per chord of a progression, each near the one before."""
    voicings: list[list[int]] = []
    for chord in chords:
        voicings.append(voice(chord, low, voicings[-1] if voicings else (), rootless))
    return tuple(voicings)
