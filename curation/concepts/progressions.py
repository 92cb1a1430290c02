"""Nineteen four-chord progressions in 12 keys on 92 instruments, two beats a chord."""

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
from listening.theory import PITCH_CLASSES, diatonic_triad

DEGREES = {
    "ionian": ["1451", "1465", "1564", "1645", "2516", "4156", "4536", "5415", "5641", "6415"],
    "aeolian": ["1251", "1341", "1451", "1637", "1671", "1673", "1764", "4711", "7671"],
}
PROGRESSIONS = tuple(f"{mode}-{degrees}" for mode in DEGREES for degrees in DEGREES[mode])
GRID = tuple(product(range(60, 72), PROGRESSIONS, PITCHED_PROGRAMS))
_NUMERALS = {
    "ionian": ("I", "ii", "iii", "IV", "V", "vi", "vii°"),
    "aeolian": ("i", "ii°", "III", "iv", "v", "VI", "VII"),
}


def compose(spec: ClipSpec) -> pretty_midi.PrettyMIDI:
    mode, degrees = spec.labels["progression"].split("-")
    tonic = spec.labels["key_pitch"]
    chords = [diatonic_triad(tonic, mode, int(degree)) for degree in degrees]
    return play(spec.labels["program"], chords, beats=2)


def spec(seed: int, index: int) -> ClipSpec:
    tonic, progression, program = GRID[index]
    mode, degrees = progression.split("-")
    numerals = "-".join(_NUMERALS[mode][int(degree) - 1] for degree in degrees)
    return ClipSpec(
        family="progressions",
        index=index,
        labels={
            "progression": progression,
            "mode": mode,
            "key": PITCH_CLASSES[tonic % 12],
            "key_pitch": tonic,
            **instrument_labels(program),
        },
        seed=seed_for(seed, "progressions", index),
        source_id=f"progressions-{tonic}-{progression}-{program}",
        group=instrument_family(program),
        caption=f"The chord progression {numerals} in {PITCH_CLASSES[tonic % 12]} "
        f"{'major' if mode == 'ionian' else 'minor'}, played on {spoken_name(program)}.",
        seconds=SECONDS,
        compose=compose,
    )


family = Family(
    name="progressions",
    title="Chord progressions",
    summary="Four diatonic triads in root position, two beats each, in 12 keys.",
    labels={
        "progression": Label("mode and the scale degrees of the four chords", PROGRESSIONS),
        "mode": Label("mode of the key", tuple(DEGREES)),
        "key": Label("pitch class of the tonic", PITCH_CLASSES),
        "key_pitch": Label("MIDI pitch of the tonic, 60 to 71"),
        **INSTRUMENT_LABELS,
    },
    target="progression",
    grouping=INSTRUMENT_GROUPING,
    size=len(GRID),
    spec=spec,
    sources=(SYNTHEORY,),
    backdrop=("instrument", "key"),
    register_free=True,
    limits=(
        "Some progressions hold the chords of another in a different order, or those of a relative "
        "key: a pooled activation that forgets order cannot part them.",
    ),
)
