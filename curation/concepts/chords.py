"""Triads: 12 roots, four qualities, three inversions, struck four times, on 92 instruments."""

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
from listening.theory import PITCH_CLASSES, TRIADS, invert

INVERSIONS = ("root position", "first inversion", "second inversion")
GRID = tuple(product(range(60, 72), TRIADS, INVERSIONS, PITCHED_PROGRAMS))
_IN_WORDS = {"aug": "augmented", "dim": "diminished"}


def compose(spec: ClipSpec) -> pretty_midi.PrettyMIDI:
    chord = tuple(spec.labels["root_pitch"] + step for step in TRIADS[spec.labels["quality"]])
    chord = invert(chord, INVERSIONS.index(spec.labels["inversion"]))
    return play(spec.labels["program"], [chord] * 4, beats=2)


def spec(seed: int, index: int) -> ClipSpec:
    root, quality, inversion, program = GRID[index]
    return ClipSpec(
        family="chords",
        index=index,
        labels={
            "quality": quality,
            "root": PITCH_CLASSES[root % 12],
            "root_pitch": root,
            "inversion": inversion,
            **instrument_labels(program),
        },
        seed=seed_for(seed, "chords", index),
        source_id=f"chords-{root}-{quality}-{INVERSIONS.index(inversion)}-{program}",
        group=instrument_family(program),
        caption=f"A chord of {PITCH_CLASSES[root % 12]} {_IN_WORDS.get(quality, quality)} in "
        f"{inversion}, played on {spoken_name(program)}.".replace(
            "in first", "in the first"
        ).replace("in second", "in the second"),
        seconds=SECONDS,
        compose=compose,
    )


family = Family(
    name="chords",
    title="Chords",
    summary="Triads of four qualities in three inversions, struck four times.",
    labels={
        "quality": Label("quality of the triad", tuple(TRIADS), heard_by="chord_quality"),
        "root": Label("pitch class of the root", PITCH_CLASSES),
        "root_pitch": Label("MIDI pitch of the root before inversion, 60 to 71"),
        "inversion": Label("which note of the triad is lowest", INVERSIONS),
        **INSTRUMENT_LABELS,
    },
    target="quality",
    grouping=INSTRUMENT_GROUPING,
    size=len(GRID),
    spec=spec,
    sources=(SYNTHEORY,),
    backdrop=("instrument", "root", "inversion"),
    register_free=True,
    limits=(
        "An augmented triad is the same three pitch classes on each of its notes, so its root can "
        "be told from the inversion alone.",
    ),
)
