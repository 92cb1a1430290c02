"""Melodies: a motif that returns, chord tones on strong beats, steps between, rest at the end.

Rhythm cells are patterns of a bar; every sign other than ``.`` and ``-`` is a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from curation.arrangement.grid import Clock, Stroke, Tone, strokes
from curation.arrangement.harmony import Chord, chord_at

CELLS: dict[str, tuple[str, ...]] = {
    "swung": (
        "x-x-x-x-x---....",
        "..x-x-x-x---x-x-",
        "x---x-x---x-....",
        "x-x-x-x-x-x-x---",
        "....x-x-x-x-x---",
        "x-----x-x-x-x-..",
        "..x-..x-x-x-x---",
    ),
    "syncopated": (
        "x-----x---x-----",
        "..x---x-x---x-x-",
        "x-x---x---x-x---",
        "..x-----x---x---",
        "x---x-x---x-----",
    ),
    "blue": (
        "x-x-x---....x-x-",
        "x-----x-x---....",
        "....x-x-x-x-x---",
        "xxx-x---........",
        "..x-x-x-x---....",
    ),
    "even": (
        "x---x---x---x---",
        "x-x-x-x-x---x---",
        "x-----x-x---x---",
        "x---x-x-x---x-x-",
        "x-x-x-x-x-x-x---",
        "x-------x---x---",
        "xxxxx---xxxxx---",
    ),
    "anthem": (
        "x-------x---x---",
        "x-----x-----x---",
        "x---x-x-----....",
        "x-x-x-x---x-----",
        "..x-x-x-x-------",
    ),
    "riff": (
        "x-xxx-xxx-xxx---",
        "xxxxxxxxx---x---",
        "x---xxxxx---xxxx",
        "x-x-xxx-x-x-xxx-",
        "x-------xxxxxxxx",
    ),
    "staccato": (
        "x.x..x....x.xx..",
        "..x.xx..x..x....",
        "x..x..x...xx.x..",
        "xx.x....x.x..x..",
        "....x.xx..x.x...",
    ),
    "sparse": (
        "..x-..x-x---....",
        "x-----x---......",
        "....x---x-----..",
        "x---..x-x-------",
        "..x---..x-------",
    ),
    "hook": (
        "x--x--x-....x-..",
        "x-x-..x-..x-....",
        "..x-x--x--x-....",
        "x-....x-x-..x---",
        "x--x--x--x--x-x-",
    ),
    "country": (
        "x---x-x-x---x-x-",
        "x-x-x---x-x-x---",
        "x-----x-x-x-x---",
        "xxx-x-x-x---....",
        "x---x---x-x-x---",
    ),
    "floating": (
        "x---------------",
        "....x-----------",
        "x-------x-------",
        "................",
        "x-----------x---",
    ),
    "calm": (
        "x-------x-------",
        "x-----------x---",
        "x---x---x-------",
        "x-------x---x---",
        "x-----x-x-------",
    ),
    "three": ("x---x---x---", "x-------x---", "x---x-x-x---", "x-----x-x---", "x-x-x-x-x---"),
    "three calm": ("x-----------", "x-------x---", "x---x---x---", "x---x-------"),
    "six calm": ("x-----x-----", "x---x-x-----", "x-----------", "x-----x---x-"),
    "six": ("x---x-x---x-", "x-x-x-x-----", "x-----x-x-x-", "x---x-x-----", "x-----x-----"),
}
ENDINGS = {
    16: ("x-----------....", "x---x-------....", "x-x-x-------...."),
    12: ("x-------....", "x---x---...."),
}

SCALES: dict[str, dict[str, tuple[int, ...]]] = {
    "diatonic": {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)},
    "pentatonic": {"major": (0, 2, 4, 7, 9), "minor": (0, 3, 5, 7, 10)},
    "blues": {"major": (0, 2, 3, 4, 7, 9, 10), "minor": (0, 3, 5, 6, 7, 10)},
    "bebop": {"major": (0, 2, 4, 5, 7, 9, 10, 11), "minor": (0, 2, 3, 5, 7, 8, 10, 11)},
    "dorian": {"major": (0, 2, 4, 5, 7, 9, 10), "minor": (0, 2, 3, 5, 7, 9, 10)},
    "phrygian": {"major": (0, 1, 4, 5, 7, 8, 10), "minor": (0, 1, 3, 5, 7, 8, 10)},
}


@dataclass(frozen=True)
class Manner:
    """How a melody moves.

    Attributes:
        cells: name of the rhythm cells.
        scale: name of the scale.
        leap: how likely a motif's step is a leap of a third or more.
        phrase: bars of a phrase, the last of which ends in a rest.
        most: most notes a second; cells that would go faster are left out.
        least: fewest notes a second, where there are such cells.
        exact: whether the motif returns note for note rather than moved to the chord.
    """

    cells: str
    scale: str = "diatonic"
    leap: float = 0.2
    phrase: int = 4
    most: float = 9.0
    least: float = 0.0
    exact: bool = False


def play_melody(
    manner: Manner,
    chords: Sequence[Chord],
    tonic: int,
    mode: str,
    clock: Clock,
    bars: int,
    rng: np.random.Generator,
    *,
    low: int,
    high: int,
    velocity: float = 96,
    stretch: int = 1,
) -> list[Tone]:
    """A melody between two pitches; bars in phrases of the form A B A cadence."""
    ladder = _ladder(manner, tonic, mode, low, high)
    motifs = [_motif(manner, clock, rng, stretch) for _ in range(2)]
    played: list[Tone] = []
    home = len(ladder) // 2
    start = place = _nearest(ladder, home, chords[0], (tonic,))
    for bar in range(0, bars, stretch):
        inside = (bar // stretch) % manner.phrase
        last = inside == manner.phrase - 1
        rhythm, contour = motifs[inside % 2]
        if last:
            rhythm, contour = _ending(clock, rng), (-1, -1, 1)
        if inside == 0:
            place = start
        for number, stroke in enumerate(rhythm):
            at = bar * clock.bar + stroke.at * stretch
            chord = chord_at(chords, at)
            if number or inside:
                place = _reflect(place + contour[number % len(contour)], len(ladder))
            strong = stroke.at % clock.beat == 0 and (stroke.at == 0 or stroke.length >= clock.beat)
            if strong and not manner.exact:
                place = _nearest(ladder, place, chord)
            if last and number == len(rhythm) - 1:
                place = _nearest(
                    ladder, place, chord, (tonic, tonic + 7, tonic + (4 if mode == "major" else 3))
                )
            accent = 6 if stroke.at % clock.beat == 0 else 0
            length = stroke.length * stretch
            played.append(Tone(at, length, ladder[place], velocity + accent))
    return played


def _ladder(manner: Manner, tonic: int, mode: str, low: int, high: int) -> list[int]:
    steps = {(tonic + s) % 12 for s in SCALES[manner.scale][mode]}
    return [pitch for pitch in range(low, high + 1) if pitch % 12 in steps]


def _motif(
    manner: Manner, clock: Clock, rng: np.random.Generator, stretch: int
) -> tuple[tuple[Stroke, ...], tuple[int, ...]]:
    """A rhythm of a bar, and by how many rungs each note moves on from the last."""
    seconds = clock.bar * clock.step * stretch
    cells = [strokes(cell) for cell in CELLS[manner.cells]]
    fitting = [c for c in cells if manner.least <= len(c) / seconds <= manner.most]
    pool = fitting or [min(cells, key=len)]
    rhythm = pool[int(rng.integers(len(pool)))]
    sizes = np.where(rng.random(16) < manner.leap, rng.integers(2, 4, 16), 1)
    run = np.where(rng.random(16) < 0.35, -1, 1).cumprod() * rng.choice([-1, 1])
    return rhythm, tuple(int(s) for s in sizes * run)


def _ending(clock: Clock, rng: np.random.Generator) -> tuple[Stroke, ...]:
    return strokes(str(rng.choice(ENDINGS[clock.bar])))


def _reflect(place: int, rungs: int) -> int:
    """A rung of the ladder: what goes past an end comes back."""
    top = rungs - 1
    place = abs(place) % (2 * top) if top else 0
    return 2 * top - place if place > top else place


def _nearest(ladder: Sequence[int], place: int, chord: Chord, stable: Sequence[int] = ()) -> int:
    """The rung next to ``place`` that holds a chord tone, rather a stable one if one is given."""
    wanted = {s % 12 for s in stable} & chord.pitch_classes or chord.pitch_classes
    rungs = [r for r, pitch in enumerate(ladder) if pitch % 12 in wanted]
    return min(rungs, key=lambda r: (abs(r - place), r)) if rungs else place
