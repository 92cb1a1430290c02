"""Single notes: MIDI 0 to 107 on 92 instruments, struck four times, two beats each, at 120 bpm."""

from __future__ import annotations

from itertools import product

import pretty_midi

from curation.concepts._grid import (
    INSTRUMENT_GROUPING,
    INSTRUMENT_LABELS,
    SECONDS,
    SYNTHEORY,
    instrument_labels,
    play,
)
from curation.general_midi import PITCHED_PROGRAMS, instrument_family, spoken_name
from curation.spec import ClipSpec, Family, Label, seed_for
from listening.theory import PITCH_CLASSES, pitch_name

GRID = tuple(product(range(108), PITCHED_PROGRAMS))


def compose(spec: ClipSpec) -> pretty_midi.PrettyMIDI:
    return play(spec.labels["program"], [[spec.labels["pitch"]]] * 4, beats=2)


def spec(seed: int, index: int) -> ClipSpec:
    pitch, program = GRID[index]
    return ClipSpec(
        family="notes",
        index=index,
        labels={
            "pitch_class": PITCH_CLASSES[pitch % 12],
            "pitch": pitch,
            "octave": pitch // 12 - 1,
            **instrument_labels(program),
        },
        seed=seed_for(seed, "notes", index),
        source_id=f"notes-{pitch_name(pitch)}-{program}",
        group=instrument_family(program),
        caption=f"The note {pitch_name(pitch)} played on {spoken_name(program)}.",
        seconds=SECONDS,
        compose=compose,
    )


family = Family(
    name="notes",
    title="Single notes",
    summary="One note, struck four times, on 92 General MIDI instruments over nine octaves.",
    labels={
        "pitch_class": Label("pitch class of the note", PITCH_CLASSES, heard_by="pitch_class"),
        "pitch": Label("MIDI pitch, 60 is C4"),
        "octave": Label("scientific octave, C4 to B4 is 4"),
        **INSTRUMENT_LABELS,
    },
    target="pitch_class",
    grouping=INSTRUMENT_GROUPING,
    size=len(GRID),
    spec=spec,
    sources=(SYNTHEORY,),
    backdrop=("octave", "instrument"),
    limits=(
        "The grid runs past the range of most instruments: the lowest notes are thuds and some of "
        "the highest are silent. Silent clips are dropped and listed in `dropped.json`.",
    ),
)
