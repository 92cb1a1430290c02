"""Six bands per genre: a groove and who plays it. Instruments are shared among the genres."""

from __future__ import annotations

from dataclasses import dataclass

COUNT = 6

_TABLE = """
jazz swing
swing ride, swing kick: 0 32 | walking: 32 35 | charleston: 0 26 | lead: 65 66 56
brushes: 40 0 | walking: 32 33 | charleston: 26 27 0 | lead: 71 11 26 | drumless: 0.4
none | walking: 32 33 | four: 24 25 26 | lead: 40 71 25 0
swing stick, swing ride: 0 8 | walking: 33 38 | charleston: 16 17 | lead: 26 29 66
swing hat, swing kick: 8 40 | walking: 33 35 | charleston: 4 5 | lead: 73 59 11 | drumless: 0.3
swing ride, swing hat: 16 32 | walking: 32 36 | four: 0 27 61 | lead: 57 64 22 0

bossa nova
bossa, bossa light: 0 32 | bossa: 32 33 | batida: 24 26 | lead: 73 64 24
bossa shaker: 0 8 | bossa: 33 35 | batida: 0 4 | lead: 66 57 11 | drumless: 0.3
none | bossa: 32 35 | batida: 24 25 0 | lead: 71 40 73 0
bossa brush, bossa light: 40 0 | bossa: 32 36 | batida: 27 5 | lead: 65 22 52 | drumless: 0.3
bossa ride, bossa light: 16 32 | bossa: 33 38 | batida: 16 17 26 | lead: 56 59 29
bossa shaker, bossa: 8 25 | bossa: 35 32 | batida: 4 24 11 | lead: 26 79 0 | pad: 48 89

blues
shuffle, shuffle ride: 0 8 | shuffle: 33 34 | boogie: 29 27 | lead: 29 22 26 | drumless: 0.2
shuffle ride: 0 32 | shuffle: 32 35 | boogie: 0 16 | lead: 66 27 0
slow blues: 8 16 | shuffle: 33 36 | triplets: 0 4 17 | lead: 29 65 30 | drumless: 0.3
none | shuffle: 32 33 | boogie: 25 24 0 | lead: 22 25 71
shuffle flat: 40 0 | shuffle: 32 38 | chops: 26 61 5 | lead: 56 57 66
shuffle, shuffle flat: 16 25 | shuffle: 34 35 | boogie: 30 29 25 | lead: 40 29 64

classical
none | arpeggio: 0 6 46 | lead: 0 73 40
none | cello: 42 32 | chorale: 48 49 | lead: 40 68 71
none | alberti: 24 46 25 | lead: 73 24 22
none | cello: 42 70 | alberti: 45 71 48 | lead: 40 56 60
none | waltz: 0 45 24 | lead: 71 40 11 | metre: 3/4
none | cello: 42 70 | siciliano: 46 0 19 26 | lead: 68 73 42 52 | metre: 6/8

rock
rock, rock push: 0 16 | eighths: 33 34 | power: 29 30 | lead: 29 30 18
rock, rock ride: 8 0 | eighths: 33 32 | strum: 25 27 | lead: 22 27 25
rock ride, rock push: 0 8 | eighths: 34 35 | strum: 0 16 18 | lead: 66 29 0
rock open, rock: 16 25 | eighths: 38 34 | power: 29 81 27 | lead: 81 80 40
rock tom, rock open: 16 0 | eighths: 34 36 | power: 30 18 | lead: 56 65 30 | pad: 48 50
rock push, rock open: 24 8 | eighths: 33 39 | strum: 4 29 24 | lead: 73 26 52

metal
double kick, gallop: 16 0 | gallop: 34 33 | chug: 30 29 | lead: 30 29
gallop, thrash: 0 8 | gallop: 33 36 | chug: 29 42 | lead: 40 30 52
breakdown, double kick: 16 25 | gallop: 34 38 | chug: 30 81 | lead: 81 80 18
thrash, double kick: 8 16 | gallop: 34 33 | chug: 30 18 27 | lead: 30 73 56
blast, gallop: 0 24 | gallop: 39 34 | chug: 29 48 30 | lead: 48 29 6
double kick, breakdown: 16 0 | gallop: 35 33 | chug: 29 0 61 | lead: 0 65 29 | pad: 48 52

funk
funk, funk open: 0 16 | syncopated: 36 33 | scratch: 27 28 | lead: 65 56 18
funk ghost: 8 0 | syncopated: 36 37 | scratch: 7 5 | lead: 66 80 7
funk open, funk: 0 25 | syncopated: 38 39 | scratch: 4 16 81 | lead: 73 81 4
funk bell, funk: 16 8 | syncopated: 33 34 | scratch: 61 27 | lead: 57 56 61
funk ghost, funk open: 32 0 | syncopated: 32 33 35 | scratch: 0 26 16 | lead: 11 0 22
funk: 24 8 | syncopated: 38 36 | scratch: 29 28 18 | lead: 29 30 40 | pad: 48 50

reggae
one drop, rockers: 0 8 | one drop: 33 35 | skank: 27 28 | lead: 16 57 22
one drop: 32 0 | one drop: 32 33 | bubble: 16 18 0 | lead: 66 56 79
steppers, one drop: 8 25 | one drop: 38 33 | skank: 4 27 | lead: 22 80 73
one drop triplet: 40 0 | one drop: 33 34 | skank: 0 25 5 | lead: 65 29 0
rockers, steppers: 16 24 | one drop: 39 35 | bubble: 17 81 29 | lead: 81 64 40
one drop triplet, one drop: 0 16 | one drop: 36 32 | skank: 26 24 61 | lead: 11 71 52 | pad: 48 89

hip-hop
boom bap, boom bap late: 0 8 | sub: 33 38 | loop: 4 5 | lead: 11 73 4
boom bap dusty: 32 0 | sub: 32 33 | loop: 0 26 | lead: 66 59 0
trap, boom bap clap: 25 24 | sub: 39 38 | loop: 48 89 46 | lead: 80 46 40
boom bap clap: 25 16 | sub: 38 35 | loop: 24 25 6 | lead: 24 22 52
boom bap late, boom bap dusty: 8 40 | sub: 33 34 36 | loop: 16 27 61 | lead: 56 65 26
trap, boom bap: 24 16 | sub: 39 33 | loop: 29 81 0 | lead: 81 30 71 | pad: 48 52

house
house, house sixteen: 24 25 | off-beat: 38 39 | stabs: 0 16 | lead: 81 80 0
house shaker: 0 24 | off-beat: 33 38 | stabs: 4 5 | lead: 66 73 4
house conga, house: 8 25 | off-beat: 36 39 | stabs: 27 24 | lead: 56 65 24
house bare, house shaker: 25 16 | off-beat: 38 33 | stabs: 48 81 50 | lead: 40 52 79
house sixteen: 16 8 | off-beat: 34 35 | stabs: 17 61 29 | lead: 11 57 29 | pad: 89 50
house, house conga: 24 32 | off-beat: 32 39 | stabs: 26 0 11 | lead: 71 22 26 | pad: 48

country
train, train hat: 40 0 | two-beat: 32 33 | boom-chick: 25 24 | lead: 25 22 40 | drumless: 0.3
two beat, two step: 0 8 | two-beat: 33 34 | boom-chick: 25 27 | lead: 27 29 26
none | two-beat: 32 33 | boom-chick: 105 25 24 | lead: 40 105 22
two step, train: 8 32 | two-beat: 32 35 | boom-chick: 0 26 | lead: 0 71 65 | drumless: 0.3
train hat, two beat: 16 25 | two-beat: 33 36 | picking: 27 105 4 | lead: 73 56 29 | drumless: 0.3
waltz: 0 40 | waltz: 32 34 | country waltz: 25 0 16 | lead: 40 22 66 | pad: 48 | metre: 3/4

ambient
none | drift: 89 88 48 | lead: 11 0 52 | pad: 91 94
none | drone: 38 32 | drift: 0 4 | lead: 4 73 24 | pad: 48 89
none | drone: 35 39 | drift: 24 46 27 | lead: 71 40 27 | pad: 50 88
slow pulse: 24 0 | drone: 33 38 | drift: 5 11 16 | lead: 79 66 80 | pad: 89 49 | drumless: 0.3
none | drift: 26 25 6 | lead: 56 26 65 | pad: 48 94 52
soft shaker: 25 8 | drone: 32 42 | drift: 48 17 29 | lead: 42 29 22 | pad: 91 89 | drumless: 0.3
"""
"""A band a line: grooves and their kits, bass line, accompaniment, lead, pad and their programs."""


@dataclass(frozen=True)
class Band:
    """One line-up; each part's program is drawn from its alternatives, clip by clip.

    Attributes:
        grooves: names of `curation.arrangement.drums.GROOVES`; none for a band without drums.
        kits: programs of the drum kit.
        bass: name of the bass line, empty for none.
        basses: programs of the bass.
        comp: name of the accompaniment.
        comps: programs of the accompaniment.
        leads: programs of the lead.
        pads: programs of held chords behind, played when there are any.
        drumless: share of the clips without drums, of a band that has them.
        signature: metre.
    """

    grooves: tuple[str, ...]
    kits: tuple[int, ...]
    bass: str
    basses: tuple[int, ...]
    comp: str
    comps: tuple[int, ...]
    leads: tuple[int, ...]
    pads: tuple[int, ...] = ()
    drumless: float = 0.0
    signature: str = "4/4"


def _read(line: str) -> Band:
    """A line of the table as a band.

    >>> _read("none | off-beat: 38 | stabs: 0 16 | lead: 81").comps
    (0, 16)
    """
    cells = [cell.partition(":")[::2] for cell in line.split(" | ")]
    named = {name: value.strip() for name, value in cells[1:]}
    lead = list(named).index("lead")
    players = [(name, _programs(value)) for name, value in cells[1 : 1 + lead]]
    (bass, basses), (comp, comps) = players if lead == 2 else [("", ()), *players]
    grooves, kits = cells[0]
    return Band(
        grooves=() if grooves == "none" else tuple(grooves.split(", ")),
        kits=_programs(kits),
        bass=bass,
        basses=basses,
        comp=comp,
        comps=comps,
        leads=_programs(named["lead"]),
        pads=_programs(named.get("pad", "")),
        drumless=float(named.get("drumless", 0)),
        signature=named.get("metre", "4/4"),
    )


def _programs(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


BANDS: dict[str, tuple[Band, ...]] = {
    genre: tuple(map(_read, lines))
    for genre, *lines in (block.split("\n") for block in _TABLE.strip().split("\n\n"))
}
