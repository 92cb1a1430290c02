"""Grooves as data: a pattern per drum, a bar or two long, and the part that plays them.

Signs: ``X`` accent, ``x`` stroke, ``o`` ghost note, ``?`` a soft stroke played now and then.
"""

from __future__ import annotations

import numpy as np

from curation.arrangement.grid import Clock, Tone, spread

DRUMS = {
    "kick": 36,
    "stick": 37,
    "snare": 38,
    "clap": 39,
    "swirl": 40,
    "hat": 42,
    "pedal": 44,
    "open": 46,
    "low tom": 45,
    "high tom": 50,
    "crash": 49,
    "ride": 51,
    "bell": 53,
    "tambourine": 54,
    "cowbell": 56,
    "conga": 63,
    "low conga": 64,
    "cabasa": 69,
    "maracas": 70,
    "claves": 75,
}
_VELOCITY = {"X": 104.0, "x": 84.0, "o": 44.0, "?": 52.0}
_BACKBEAT = "....X.......X..."
_EIGHTHS = "x.x.x.x.x.x.x.x."
_CLAVE = "x.....x.....x.......x.....x....."

GROOVES: dict[str, dict[str, str]] = {
    "swing ride": {
        "ride": "x...X.x.x...X.x.",
        "pedal": "....x.......x...",
        "snare": "..?...?...?...?.",
    },
    "swing kick": {
        "ride": "x...X.x.x...X.x.",
        "pedal": "....x.......x...",
        "kick": "o...o...o...o...",
        "snare": "......?.......?.",
    },
    "swing stick": {
        "ride": "x...X.x.x...X.x.",
        "pedal": "....x.......x...",
        "stick": "............o...",
    },
    "swing hat": {
        "hat": "x...X.x.x...X.x.",
        "pedal": "....x.......x...",
        "kick": "o.......o.......",
    },
    "brushes": {
        "swirl": "o...o...o...o...",
        "snare": "o...x.o.o...x.o.",
        "pedal": "....x.......x...",
    },
    "bossa": {"hat": "xoxoxoxoxoxoxoxo", "stick": _CLAVE, "kick": "x.....oxx.....ox"},
    "bossa light": {"hat": _EIGHTHS, "stick": _CLAVE, "kick": "x.....x.x.....x."},
    "bossa shaker": {"cabasa": _EIGHTHS, "claves": _CLAVE, "kick": "x.....x.x.....x."},
    "bossa brush": {"snare": "oooooooooooooooo", "stick": _CLAVE, "kick": "o.....o.o.....o."},
    "bossa ride": {"ride": _EIGHTHS, "stick": _CLAVE, "kick": "x.....x.x.....x."},
    "shuffle": {"hat": _EIGHTHS, "snare": _BACKBEAT, "kick": "x.......x.....?."},
    "shuffle ride": {"ride": _EIGHTHS, "snare": _BACKBEAT, "kick": "x.....x.x......."},
    "shuffle flat": {
        "snare": "o.o.X.o.o.o.X.o.",
        "kick": "x...x...x...x...",
        "hat": "....x.......x...",
    },
    "slow blues": {"hat": "xxx.xxx.xxx.xxx.", "snare": _BACKBEAT, "kick": "x.....x.x......."},
    "rock": {"hat": _EIGHTHS, "snare": _BACKBEAT, "kick": "X.......X.x....."},
    "rock push": {"hat": _EIGHTHS, "snare": _BACKBEAT, "kick": "X.....x...x....."},
    "rock open": {"open": "x...x...x...x...", "snare": _BACKBEAT, "kick": "X.....x.X......."},
    "rock ride": {
        "ride": _EIGHTHS,
        "snare": _BACKBEAT,
        "kick": "X.......X.......",
        "tambourine": _BACKBEAT,
    },
    "rock tom": {"low tom": "x.x...x.x.x...x.", "snare": _BACKBEAT, "kick": "X...x...X...x..."},
    "double kick": {"kick": "xxxxxxxxxxxxxxxx", "snare": _BACKBEAT, "ride": "x...x...x...x..."},
    "gallop": {"kick": "x.xxx.xxx.xxx.xx", "snare": _BACKBEAT, "open": "x...x...x...x..."},
    "thrash": {"kick": "x...x...x...x...", "snare": "..X...X...X...X.", "hat": _EIGHTHS},
    "blast": {"kick": "x.x.x.x.x.x.x.x.", "snare": ".x.x.x.x.x.x.x.x", "crash": "x...x...x...x..."},
    "breakdown": {
        "kick": "x.xx..x.xx..x.xx",
        "snare": "........X.......",
        "crash": "x...x...x...x...",
    },
    "funk": {"hat": "xoxoxoxoxoxoxoxo", "snare": "....X..o.o..X..o", "kick": "X.x...x...x..x.."},
    "funk open": {
        "hat": "x.xxx.x.x.xxx.x.",
        "open": "......x.......x.",
        "snare": "....X..o.o..X...",
        "kick": "X..x....x.x..x..",
    },
    "funk ghost": {
        "hat": "xxxxxxxxxxxxxxxx",
        "snare": ".o..X..o.o.oX..o",
        "kick": "X.....x..xx.....",
    },
    "funk bell": {
        "cowbell": "x...x...x...x...",
        "hat": "xoxoxoxoxoxoxoxo",
        "snare": "....X..o....X.o.",
        "kick": "X.x....x..x..x..",
    },
    "one drop": {"stick": "........X.......", "kick": "........X.......", "hat": _EIGHTHS},
    "one drop triplet": {
        "snare": "........X.......",
        "kick": "........X.......",
        "hat": "x.xxx.x.x.xxx.x.",
    },
    "rockers": {"snare": "........X.......", "kick": "x.......X.......", "hat": "..x...x...x...x."},
    "steppers": {
        "stick": "........X.......",
        "kick": "x...x...x...x...",
        "hat": "x.xox.xox.xox.xo",
    },
    "boom bap": {"hat": _EIGHTHS, "snare": _BACKBEAT, "kick": "X......x..X....."},
    "boom bap late": {"hat": _EIGHTHS, "snare": _BACKBEAT, "kick": "X.x....x..x..x.."},
    "boom bap dusty": {"hat": "x.x.x.xxx.x.x.x.", "snare": _BACKBEAT, "kick": "X..x...x.x......"},
    "trap": {"hat": "x.x.x.xxx.x.xxxx", "clap": "........X.......", "kick": "X.....x....x..x."},
    "boom bap clap": {"hat": _EIGHTHS, "clap": _BACKBEAT, "kick": "X......x..xx...."},
    "house": {"kick": "X...X...X...X...", "clap": _BACKBEAT, "open": "..x...x...x...x."},
    "house shaker": {
        "kick": "X...X...X...X...",
        "open": "..x...x...x...x.",
        "maracas": "oooooooooooooooo",
        "snare": _BACKBEAT,
    },
    "house sixteen": {
        "kick": "X...X...X...X...",
        "hat": "oox.oox.oox.oox.",
        "open": "..x...x...x...x.",
        "clap": _BACKBEAT,
    },
    "house conga": {
        "kick": "X...X...X...X...",
        "open": "..x...x...x...x.",
        "conga": "x..x..x...x.x...",
        "stick": "...x..x...x..x..",
    },
    "house bare": {"kick": "X...X...X...X...", "open": "..x...x...x...x."},
    "train": {"snare": "ooxoooxoooxoooxo", "kick": "x...x...x...x..."},
    "train hat": {"snare": "ooXoooXoooXoooXo", "kick": "x.......x......."},
    "two beat": {"hat": _EIGHTHS, "stick": _BACKBEAT, "kick": "x.......x......."},
    "two step": {
        "hat": "x...x...x...x...",
        "snare": "....x.......x...",
        "kick": "x.......x.......",
    },
    "waltz": {"hat": "x...x...x...", "stick": "....x...x...", "kick": "x..........."},
    "slow pulse": {"kick": "o...............................", "ride": "o.......o......."},
    "soft shaker": {"maracas": "o...o...o...o...", "kick": "o..............."},
}
FILLS = ("........xxxxXXXX", "........x.xxx.xx", "............xxxx", "..........xxxxxx")


def play_drums(
    groove: str | dict[str, str],
    clock: Clock,
    bars: int,
    rng: np.random.Generator,
    *,
    stretch: int = 1,
    fills: float = 0.5,
    crash: float = 0.5,
) -> list[Tone]:
    """A groove over bars.

    Args:
        groove: name of a groove or a groove.
        stretch: 2 for half time.
        fills: how likely a fill ends each four bars (4/4 only).
        crash: how likely a crash opens each four bars.
    """
    patterns = GROOVES[groove] if isinstance(groove, str) else groove
    steps = bars * clock.bar
    played = []
    for drum, pattern in patterns.items():
        for stroke in spread(pattern, steps, stretch):
            if stroke.sign != "?" or rng.random() < 0.3:
                velocity = _VELOCITY[stroke.sign]
                played.append(Tone(stroke.at, 1, DRUMS[drum], velocity))
    for bar in range(0, bars, 4):
        if rng.random() < crash:
            played.append(Tone(bar * clock.bar, 4, DRUMS["crash"], 84))
        if clock.bar == 16 and bar + 3 < bars and rng.random() < fills:
            played = _fill(played, (bar + 3) * clock.bar, str(rng.choice(FILLS)), rng)
    return played


def _fill(played: list[Tone], bar: int, pattern: str, rng: np.random.Generator) -> list[Tone]:
    """Toms in place of the groove's last beats; the kick goes on."""
    start = bar + pattern.index("x")
    kept = [t for t in played if not start <= t.at < bar + 16 or t.pitch == DRUMS["kick"]]
    toms = sorted((38, *rng.choice([41, 43, 45, 47, 48, 50], 2, replace=False)), reverse=True)
    for number, stroke in enumerate(hits := list(spread(pattern, 16))):
        tom = int(toms[3 * number // len(hits)])
        kept.append(Tone(bar + stroke.at, 1, tom, _VELOCITY[stroke.sign] - 8))
    return kept
