"""What makes a genre: its feel, harmony and way of playing, apart from its instruments."""

from __future__ import annotations

from dataclasses import dataclass

from curation.arrangement.melody import Manner


@dataclass(frozen=True)
class Style:
    """A genre as a way of playing.

    Attributes:
        bpm: slowest and fastest tempo.
        swing: least and most swing, see `curation.arrangement.grid.Clock`.
        swung_steps: 4 for swung eighths, 2 for swung sixteenths.
        progressions: chord symbols in C for each mode that the genre has; bars apart by spaces.
        manner: how its melodies move.
        gate: share of a melody note that sounds.
        comp_gate: share of an accompanying note that sounds.
        fills: how likely a fill is, each four bars.
        crash: how likely a crash is, each four bars.
        reverb: least and most reverb send.
        loose: standard deviation of the timing, seconds.
        low: lowest tone of its chords, MIDI.
        bass_low: lowest root of its bass, MIDI.
        drive: added to all velocities.
    """

    bpm: tuple[int, int]
    progressions: dict[str, tuple[str, ...]]
    manner: Manner
    swing: tuple[float, float] = (0.5, 0.5)
    swung_steps: int = 4
    gate: float = 0.9
    comp_gate: float = 1.0
    fills: float = 0.4
    crash: float = 0.4
    reverb: tuple[int, int] = (0, 30)
    loose: float = 0.006
    low: int = 52
    bass_low: int = 28
    drive: float = 0.0


TWELVE_BARS = "C7 C7 C7 C7 F7 F7 C7 C7 G7 F7 C7 G7"
QUICK_CHANGE = "C7 F7 C7 C7 F7 F7 C7 C7 G7 F7 C7,F7 C7,G7"
MINOR_BLUES = "Cm7 Cm7 Cm7 Cm7 Fm7 Fm7 Cm7 Cm7 Ab7 G7 Cm7 G7"

STYLES: dict[str, Style] = {
    "jazz swing": Style(
        bpm=(92, 190),
        swing=(0.62, 0.67),
        progressions={
            "major": (
                "Dm9 G13 Cmaj9 A7",
                "Cmaj7,A7 Dm7,G13 Em7,A7 Dm9,G7",
                "Cmaj9 Am7 Dm9 G13",
                "Gm9 C13 Fmaj9 Bb13 Em7 A7 Dm9 G13",
            ),
            "minor": ("Dm7b5 G7#9 Cm6 Cm9", "Cm9 Fm9 Dm7b5 G7#9", "Fm9 Bb13 Cm9 G7#9"),
        },
        manner=Manner("swung", "bebop", leap=0.3, least=1.5),
        fills=0.1,
        crash=0.05,
        comp_gate=0.8,
    ),
    "bossa nova": Style(
        bpm=(92, 168),
        progressions={
            "major": (
                "Cmaj9 Cmaj9 D9 D9 Dm9 G13 Cmaj9 Dbmaj9",
                "Cmaj9 Am9 Dm9 G13",
                "Cmaj9 C6 Fm9 Bb13",
                "Em7 A7 Dm9 G13",
            ),
            "minor": ("Cm9 Fm9 Dm7b5 G7#9", "Cm9 Cm9 Fm9 Bb13 Ebmaj9 Abmaj9 Dm7b5 G7"),
        },
        manner=Manner("syncopated", leap=0.2),
        fills=0.0,
        crash=0.0,
        comp_gate=0.85,
        drive=-8,
    ),
    "blues": Style(
        bpm=(66, 140),
        swing=(0.655, 0.68),
        progressions={"major": (TWELVE_BARS, QUICK_CHANGE), "minor": (MINOR_BLUES,)},
        manner=Manner("blue", "blues", leap=0.25),
        fills=0.3,
        crash=0.15,
    ),
    "classical": Style(
        bpm=(66, 150),
        progressions={
            "major": (
                "C G7 C,F C,G",
                "C F,Dm G7 C",
                "C,G Am,F C,G C",
                "C Am Dm G7 C F C,G C",
                "C G Am Em F C F G",
            ),
            "minor": (
                "Cm G7 Cm,Fm Cm,G",
                "Cm Fm,Dm7b5 G7 Cm",
                "Cm Ab Fm,G Cm",
                "Cm Fm Bb Eb Ab Dm7b5 G Cm",
            ),
        },
        manner=Manner("even", leap=0.2),
        gate=0.96,
        reverb=(30, 80),
        loose=0.01,
        low=55,
    ),
    "rock": Style(
        bpm=(92, 168),
        progressions={
            "major": ("C Bb F C", "C F G F", "C G Am F", "C C Bb F", "C Eb F C"),
            "minor": ("Cm Bb Ab Bb", "Cm Ab Eb Bb", "Cm Eb Bb F"),
        },
        manner=Manner("anthem", "pentatonic", leap=0.25),
        fills=0.6,
        crash=0.8,
        drive=8,
    ),
    "metal": Style(
        bpm=(92, 190),
        progressions={
            "minor": ("Cm Cm Db Cm", "Cm Ab Bb Cm", "Cm Cm Eb Db", "Cm Gb Cm Db", "Cm Db,Eb Cm Bb"),
        },
        manner=Manner("riff", "phrygian", leap=0.12, least=3.0, most=12.0),
        fills=0.6,
        crash=0.8,
        loose=0.003,
        drive=14,
        bass_low=26,
    ),
    "funk": Style(
        bpm=(84, 128),
        swing=(0.5, 0.55),
        swung_steps=2,
        progressions={
            "minor": ("Cm9", "Cm9 F9", "Cm7 Cm7 Cm7 F9", "Cm9 Cm9 Fm9 F9"),
            "major": ("C9", "C9 C9 C9 F9", "C9 F9", "C7#9"),
        },
        manner=Manner("staccato", "pentatonic", leap=0.35),
        gate=0.55,
        comp_gate=0.7,
        fills=0.35,
        crash=0.3,
        low=57,
    ),
    "reggae": Style(
        bpm=(66, 104),
        swing=(0.5, 0.6),
        swung_steps=2,
        progressions={
            "major": ("C F", "C C F G", "C Am F G", "C Dm", "C G F G"),
            "minor": ("Cm Fm", "Cm Bb", "Cm Cm Fm Gm", "Cm Ab Bb Cm"),
        },
        manner=Manner("sparse", "pentatonic"),
        comp_gate=0.6,
        fills=0.35,
        crash=0.1,
        reverb=(0, 40),
        low=57,
    ),
    "hip-hop": Style(
        bpm=(66, 110),
        swing=(0.56, 0.62),
        swung_steps=2,
        progressions={
            "minor": ("Cm9 Abmaj7", "Cm7 Fm7", "Cm9 Cm9 Abmaj7 Gm7", "Cm Ab Fm G", "Fm9 Cm9"),
            "major": ("Cmaj9 Am9", "Dm9 G9", "Fmaj9 Em7"),
        },
        manner=Manner("hook", "pentatonic", leap=0.3, phrase=8, exact=True),
        fills=0.1,
        crash=0.1,
        loose=0.008,
        bass_low=26,
    ),
    "house": Style(
        bpm=(104, 136),
        progressions={
            "minor": ("Cm9 Abmaj9 Ebmaj7 Bb", "Cm9 Fm9", "Cm7 Cm7 Abmaj7 Bb", "Cm Bb Ab Bb"),
            "major": ("Cmaj9 Am9", "Fmaj9 Em7 Dm9 Am7", "C G Am F"),
        },
        manner=Manner("hook", "pentatonic", phrase=8, exact=True),
        comp_gate=0.8,
        fills=0.1,
        crash=0.4,
        loose=0.002,
    ),
    "country": Style(
        bpm=(84, 168),
        progressions={
            "major": ("C F G C", "C C F C G G C C", "C G C F", "C F C G", "C Am F G"),
            "minor": ("Cm Bb Ab G", "Cm Eb Bb Cm"),
        },
        manner=Manner("country", "pentatonic", leap=0.2),
        gate=0.85,
        comp_gate=0.9,
        fills=0.3,
        crash=0.1,
    ),
    "ambient": Style(
        bpm=(60, 112),
        progressions={
            "major": (
                "Cadd9 Cadd9 Fmaj9 Fmaj9",
                "Cmaj9 Cmaj9 Am9 Am9",
                "Csus2 Csus2 Fadd9 Fadd9",
                "Cmaj9 Em7 Fmaj9 Fmaj9",
            ),
            "minor": (
                "Cmadd9 Cmadd9 Abmaj9 Abmaj9",
                "Cm9 Cm9 Fm9 Fm9",
                "Csus2 Csus2 Ebmaj9 Bbadd9",
            ),
        },
        manner=Manner("floating", "pentatonic", leap=0.45, most=1.5),
        gate=1.2,
        fills=0.0,
        crash=0.0,
        reverb=(70, 120),
        loose=0.02,
        low=55,
        drive=-14,
    ),
}
GENRES = tuple(STYLES)
