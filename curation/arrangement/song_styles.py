"""What songs add to the genres: harmony that settles a key, three metres, moods and leads."""

from __future__ import annotations

from dataclasses import dataclass

Harmony = dict[str, tuple[str, ...]]
"""Progressions of each mode."""

_SEVENTHS: Harmony = {
    "major": (
        "Cmaj7 Am7 Dm7 G7",
        "Cmaj7 Fmaj7 Dm7,G7 Cmaj7",
        "C6 Em7 Fmaj7 G7",
        "Cmaj7 Dm7 G7 C6",
    ),
    "minor": (
        "Cm7 Fm7 Dm7b5,G7 Cm7",
        "Cm7 Abmaj7 Fm7 G7",
        "Cm7 Fm7 G7 Cm7",
        "Cm7 Cm7 Fm7 Gm7",
    ),
}
_TRIADS: Harmony = {
    "major": ("C F G C", "C Am F G", "C G Am F", "C F C G", "C Dm G C"),
    "minor": ("Cm Ab Bb Cm", "Cm Fm G Cm", "Cm Fm Cm G", "Cm Ab Fm G", "Cm Bb Ab Gm"),
}
_BLUES: Harmony = {
    "major": ("C7 F7 C7 G7", "C7 C7 F7 C7", "C7 F7 G7 C7"),
    "minor": ("Cm7 Fm7 Cm7 Gm7", "Cm7 Cm7 Fm7 Cm7", "Cm7 Fm7 G7 Cm7"),
}
_FLOATING: Harmony = {
    "major": ("C C Fmaj7 C", "Cadd9 Cadd9 Am7 Fmaj7", "Cmaj7 Em7 Fmaj7 C"),
    "minor": ("Cm Cm Abmaj7 Cm", "Cmadd9 Cmadd9 Fm7 Abmaj7", "Cm7 Gm7 Abmaj7 Cm"),
}
HARMONY: dict[str, Harmony] = {
    **dict.fromkeys(("jazz swing", "bossa nova", "funk", "hip-hop", "house"), _SEVENTHS),
    **dict.fromkeys(("classical", "rock", "metal", "reggae", "country"), _TRIADS),
    "blues": _BLUES,
    "ambient": _FLOATING,
}


@dataclass(frozen=True)
class Backing:
    """How a genre accompanies in a metre of three or six: patterns of twelve steps."""

    groove: dict[str, str]
    bass: str
    comp: str


def _backing(bass: str, comp: str, **groove: str) -> Backing:
    return Backing(groove, bass, comp)


WALTZES: dict[str, Backing] = {
    "jazz swing": _backing(
        "1---w---a---", "x-----x-....", ride="x...x.x.x...", pedal="....x......."
    ),
    "bossa nova": _backing(
        "1-----5-5---", "B-..x-x-..x-", hat="x.x.x.x.x.x.", stick="x.....x...x."
    ),
    "blues": _backing(
        "1---5---6---",
        "....x-..x-..",
        hat="x.x.x.x.x.x.",
        snare="....x...x...",
        kick="x...........",
    ),
    "classical": _backing("1-----------", "b---x---x---"),
    "rock": _backing(
        "1-1-1-1-1-1-",
        "p---p-p-p-p-",
        hat="x.x.x.x.x.x.",
        snare="....x...x...",
        kick="X.........x.",
    ),
    "metal": _backing(
        "1.1.1.1.1.1.",
        "m.mmm.mmm.mm",
        kick="x.xxx.xxx.xx",
        snare="........X...",
        ride="x...x...x...",
    ),
    "funk": _backing(
        "1..1..8...7.",
        "..x..x....x.",
        hat="xoxoxoxoxoxo",
        snare="....X..o..o.",
        kick="X.x...x..x..",
    ),
    "reggae": _backing(
        "1---..3-5---",
        "..x...x...x.",
        hat="x.x.x.x.x.x.",
        stick="........X...",
        kick="........X...",
    ),
    "hip-hop": _backing(
        "1------1--..",
        "x-----x-....",
        hat="x.x.x.x.x.x.",
        snare="........X...",
        kick="X......x....",
    ),
    "house": _backing("..1-..1-..1-", "x..x..x...x.", kick="X...X...X...", open="..x...x...x."),
    "country": _backing(
        "1-------5---",
        "b---x-..x-..",
        hat="x...x...x...",
        stick="....x...x...",
        kick="x...........",
    ),
    "ambient": _backing("1-----------", "1---3---4---", maracas="o...o...o..."),
}
SIXES: dict[str, Backing] = {
    "jazz swing": _backing(
        "1---5-8---a-", "x---..x-x-..", ride="x.....x...x.", pedal="......x....."
    ),
    "bossa nova": _backing(
        "1---5-5---1-", "B---x-..x-x-", hat="x.x.x.x.x.x.", stick="x.....x...x."
    ),
    "blues": _backing(
        "1-3-5-6-5-3-",
        "x-x-x-x-x-x-",
        hat="x.x.x.x.x.x.",
        snare="......X.....",
        kick="X.......x...",
    ),
    "classical": _backing("1-----5-----", "1-2-3-4-3-2-"),
    "rock": _backing(
        "1---1-1---1-",
        "p---p-p---p-",
        hat="x.x.x.x.x.x.",
        snare="......X.....",
        kick="X.........x.",
    ),
    "metal": _backing(
        "1.1.1.1.1.1.",
        "m.m.m.m.m.m.",
        kick="x.x.x.x.x.x.",
        snare="......X.....",
        ride="x.....x.....",
    ),
    "funk": _backing(
        "1...8.1..7..",
        "..x.x...x.x.",
        hat="x.x.x.x.x.x.",
        snare="......X...o.",
        kick="X...x...x...",
    ),
    "reggae": _backing(
        "1---..5-3-..",
        "..x.x...x.x.",
        hat="x.x.x.x.x.x.",
        stick="......X.....",
        kick="......X.....",
    ),
    "hip-hop": _backing(
        "1-----....1-",
        "x-----x-....",
        hat="x.x.x.x.x.x.",
        snare="......X.....",
        kick="X.......x...",
    ),
    "house": _backing("..1-1-..1-1-", "x---x-..x-..", kick="X.....X.....", open="...x.....x.."),
    "country": _backing(
        "1-----5-----",
        "b---x-f---x-",
        hat="x.x.x.x.x.x.",
        stick="......x.....",
        kick="x...........",
    ),
    "ambient": _backing("1-----------", "1-2-3-4-3-2-", maracas="o.....o....."),
}
CELLS_IN = {"3/4": "three", "6/8": "six"}
CALM_CELLS = {"4/4": "calm", "3/4": "three calm", "6/8": "six calm"}


@dataclass(frozen=True)
class Mood:
    """What a mood does to a melody and its backing.

    Attributes:
        drive: added to all velocities.
        gate: share of a melody note that sounds.
        around: middle of the melody's register, MIDI.
        density: fewest and most notes of the melody a second.
        leap: how likely a melody leaps.
        reverb: reverb send.
        calm: whether the melody takes the calm rhythms of its metre.
    """

    drive: float
    gate: float
    around: int
    density: tuple[float, float]
    leap: float = 0.15
    reverb: int = 0
    calm: bool = False


MOODS: dict[str, Mood] = {
    "calm": Mood(-12, 0.98, 68, (0.3, 2.0), 0.1, 30, calm=True),
    "cheerful": Mood(4, 0.72, 76, (1.5, 5.0), 0.25),
    "sad": Mood(-9, 1.0, 64, (0.3, 1.8), 0.08, 40, calm=True),
    "tense": Mood(5, 0.5, 66, (2.0, 5.5), 0.35),
    "energetic": Mood(13, 0.85, 74, (2.5, 7.0), 0.25),
    "dreamy": Mood(-13, 1.0, 79, (0.3, 2.0), 0.3, 85, calm=True),
    "dark": Mood(2, 0.95, 58, (0.8, 3.0), 0.1, 20),
    "playful": Mood(0, 0.45, 78, (2.0, 6.0), 0.45),
}

LEADS: dict[str, int] = {
    "piano": 0,
    "music box": 10,
    "vibraphone": 11,
    "marimba": 12,
    "organ": 16,
    "accordion": 21,
    "harmonica": 22,
    "nylon guitar": 24,
    "steel guitar": 25,
    "electric guitar": 27,
    "violin": 40,
    "cello": 42,
    "trumpet": 56,
    "trombone": 57,
    "alto sax": 65,
    "tenor sax": 66,
    "oboe": 68,
    "clarinet": 71,
    "flute": 73,
    "square lead": 80,
}

SOFT_LEADS = {0: 0.4, 10: 0.6, 11: 0.7, 12: 0.6, 24: 0.45, 25: 0.45, 27: 0.45}
"""Leads that are struck or plucked and die away, and how far the backing makes room for them."""

SUSTAINING = frozenset({*range(16, 24), 29, 30, *range(40, 45), *range(48, 96)})
"""Programs whose notes do not die away: as accompaniment they are played softer."""
