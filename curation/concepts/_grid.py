"""What the families on a grid share: one instrument playing chords or notes on a steady beat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pretty_midi

from curation.general_midi import (
    INSTRUMENT_FAMILIES,
    INSTRUMENTS,
    PITCHED_PROGRAMS,
    instrument_family,
)
from curation.spec import Label

BPM = 120
BEAT = 60 / BPM
SECONDS = 4.0
VELOCITY = 100
SYNTHEORY = "the grid of SynTheory (Wei et al., ISMIR 2024, arXiv 2410.00872), clip for clip"

INSTRUMENT_LABELS = {
    "program": Label("General MIDI program of the instrument, from 0"),
    "instrument": Label(
        "General MIDI name of the instrument", tuple(INSTRUMENTS[p] for p in PITCHED_PROGRAMS)
    ),
    "instrument_family": Label(
        "General MIDI family of the instrument",
        tuple(
            f
            for f in INSTRUMENT_FAMILIES
            if any(instrument_family(p) == f for p in PITCHED_PROGRAMS)
        ),
    ),
}
INSTRUMENT_GROUPING = "the General MIDI family of the instrument"


def instrument_labels(program: int) -> dict[str, int | str]:
    """The three labels that say which instrument plays."""
    return {
        "program": program,
        "instrument": INSTRUMENTS[program],
        "instrument_family": instrument_family(program),
    }


def play(program: int, chords: Iterable[Sequence[int]], beats: float) -> pretty_midi.PrettyMIDI:
    """One instrument plays each chord (a single pitch is a chord of one) for ``beats`` at 120 bpm."""
    instrument = pretty_midi.Instrument(program)
    instrument.control_changes.append(full_volume())
    for place, chord in enumerate(chords):
        start = place * beats * BEAT
        instrument.notes += [
            pretty_midi.Note(VELOCITY, pitch, start, start + beats * BEAT) for pitch in chord
        ]
    return score_of(instrument)


def full_volume() -> pretty_midi.ControlChange:
    """Channel volume at its highest: one part alone may use the whole range."""
    return pretty_midi.ControlChange(7, 127, 0.0)


def score_of(*instruments: pretty_midi.Instrument, bpm: float = BPM) -> pretty_midi.PrettyMIDI:
    """A score of these instruments. 480 ticks a beat."""
    score = pretty_midi.PrettyMIDI(resolution=480, initial_tempo=bpm)
    score.instruments.extend(instruments)
    return score
