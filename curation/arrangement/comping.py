"""Accompaniment as patterns.

Signs: ``x`` chord, ``X`` accented chord, ``B`` chord over its bass note, ``b`` bass note,
``f`` its fifth below, ``1``-``5`` single chord tones from the lowest, ``p`` power chord,
``q`` root and sixth (the boogie's other chord), ``m`` palm-muted power chord.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curation.arrangement.grid import Clock, Tone, spread
from curation.arrangement.harmony import Chord, above, chord_at, chord_voicings

COMPS: dict[str, tuple[str, ...]] = {
    "charleston": (
        "x---..x-........",
        "......x-......x-",
        "..x-......x-..x-",
        "x-........x-....",
        "x---..x-....x-..",
    ),
    "four": ("x-..X-..x-..X-..", "x-..X-..x-..X-x-"),
    "batida": (
        "B-..x-x-..x-..x-",
        "B-..x-..f-x-..x-",
        "B-----x-----x-------x-----x-....",
        "b-x-..x-f-..x-x-b-..x-..f-x-..x-",
    ),
    "boogie": ("p-p-q-q-p-p-q-q-", "p-p-q-p-p-p-q-p-"),
    "chops": ("..x-X-....x-X-..", "..x.X-....x.X.x.", "x-..X-....x-X-.."),
    "triplets": ("xxx.xxx.xxx.xxx.", "X-x.x-x.x-x.x-x."),
    "power": ("p-p-p-p-p-p-p-p-", "p-------p-----p-", "p---p-p---p-p-p-", "p-p-p-p-p-p-..p-"),
    "strum": ("x---x-x-..x-x-x-", "x---x---x-x-x-x-", "x-x-x-x-x-x-x-x-"),
    "chug": (
        "m.mmm.mmm.mmm.mm",
        "mmmmmmmmmmmmp---",
        "m.mmm.mmp-..m.mm",
        "p-mmp-mmp-mmmmmm",
        "m.m.m.mmm.m.m.p-",
    ),
    "scratch": ("..x...xx...x..x.", "x..x..x....x.x..", "..x..x....x..x.x", "x.....xx..x..x.."),
    "skank": ("..x...x...x...x.", "..xx..x...xx..x.", "..x...x...x...xx"),
    "bubble": ("..xx..xx..xx..xx", "..x...x...x...x."),
    "loop": (
        "x-----x-........",
        "x--x--x---......",
        "x---......x-x-..",
        "x-..x-..x-..x-..",
        "..x---..x-......",
    ),
    "stabs": ("x..x..x...x..x..", "..x..x..x..x..x.", "x-.x-...x-.x-...", "..x-..x-..x-..x-"),
    "boom-chick": ("b-..x-..f-..x-..", "b-..x-x-f-..x-x-", "b-..x-..f-..x-x-"),
    "picking": ("b-3-2-3-f-3-2-3-", "b-2-3-2-f-2-3-2-", "1-2-3-1-2-3-1-3-"),
    "alberti": ("1-3-2-3-1-3-2-3-", "1323132313231323", "1-2-3-2-1-2-3-2-"),
    "arpeggio": ("1-2-3-4-5-4-3-2-", "1-3-4-3-2-3-4-3-", "1234543212345432", "1-2-3-5-4-3-2-3-"),
    "chorale": ("x---x---x---x---", "x-------x---x---", "x-------x-------"),
    "held": ("x---------------",),
    "drift": (
        "1-------3-------4-------2-------",
        "x---------------",
        "1-----2-----3---4-----3-----2---",
    ),
    "waltz": ("b-2-3-2-3-2-", "b-x-2-3-2-3-", "b---x---x---", "1-2-3-4-3-2-"),
    "country waltz": ("b---x-..x-..", "b---x-x-x-..", "f---x-..x-x-"),
    "siciliano": ("1-2-3-4-3-2-", "1-3-2-1-3-2-", "1-2-3-2-3-2-"),
}
ROOTLESS = {"charleston", "four", "batida", "scratch"}
LOW = {"power": 40, "chug": 38, "boogie": 40}


def play_chords(
    comp: str,
    chords: Sequence[Chord],
    clock: Clock,
    bars: int,
    rng: np.random.Generator,
    *,
    low: int = 52,
    stretch: int = 1,
    velocity: float = 78,
    vary: float = 0.15,
    rootless: bool | None = None,
) -> list[Tone]:
    """An accompaniment over a progression.

    Args:
        comp: name of a way to accompany, or a pattern.
        low: lowest chord tone, MIDI; bass notes lie up to an octave and a half lower.
        vary: how likely each bar is to change the pattern.
    """
    patterns = COMPS.get(comp, (comp,))
    voicings = chord_voicings(
        tuple(chords), low, comp in ROOTLESS if rootless is None else rootless
    )
    tops = dict(zip(chords, voicings, strict=True))
    chosen = str(rng.choice(patterns))
    played: list[Tone] = []
    bar = 0
    while bar < bars:
        if rng.random() < (0.6 if comp == "charleston" else vary):
            chosen = str(rng.choice(patterns))
        span = max(clock.bar, len(chosen)) * stretch
        for stroke in spread(chosen, span, stretch):
            at = bar * clock.bar + stroke.at
            chord = chord_at(chords, at)
            length = min(stroke.length, max(1, chord.at + chord.length - at))
            for pitch, force, share in _pitches(stroke.sign, chord, tops[chord], comp):
                played.append(Tone(at, length * share, pitch, velocity * force))
        bar += max(1, span // clock.bar)
    return played


def _pitches(
    sign: str, chord: Chord, voicing: list[int], comp: str
) -> list[tuple[int, float, float]]:
    """Pitch, share of the velocity and share of the length of each note that a sign means."""
    bass = above(chord.root, LOW.get(comp, 40))
    if sign in "pm":
        fifth = 6 if 6 in chord.intervals and 7 not in chord.intervals else 7
        force, share = (0.88, 0.5) if sign == "m" else (1.0, 0.96)
        return [(bass + i, force, share) for i in (0, fifth, 12)]
    if sign == "q":
        return [(bass + i, 1.0, 0.9) for i in (0, 9, 12)]
    if sign == "b":
        return [(bass, 1.0, 0.95)]
    if sign == "f":
        return [(bass - 5 if bass >= 45 else bass + 7, 0.95, 0.95)]
    if sign.isdigit():
        place = int(sign) - 1
        octave, tone = divmod(place, len(voicing))
        return [(voicing[tone] + 12 * octave, 0.9, 0.98)]
    force = 1.12 if sign == "X" else 1.0
    tones = [(pitch, force, 0.96) for pitch in voicing]
    return [(bass, 1.0, 0.96), *tones] if sign == "B" else tones
