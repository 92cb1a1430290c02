"""The seven church modes on 12 roots, up and down one octave, on 92 instruments."""

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
from listening.theory import MODES, PITCH_CLASSES, degree_pitch

STYLES = ("up", "down")
GRID = tuple(product(range(60, 72), MODES, STYLES, PITCHED_PROGRAMS))


def compose(spec: ClipSpec) -> pretty_midi.PrettyMIDI:
    tonic, mode = spec.labels["root_pitch"], spec.labels["mode"]
    steps = [[degree_pitch(tonic, mode, degree)] for degree in range(1, 9)]
    if spec.labels["play_style"] == "down":
        steps.reverse()
    return play(spec.labels["program"], steps, beats=1)


def spec(seed: int, index: int) -> ClipSpec:
    root, mode, style, program = GRID[index]
    return ClipSpec(
        family="scales",
        index=index,
        labels={
            "mode": mode,
            "root": PITCH_CLASSES[root % 12],
            "root_pitch": root,
            "play_style": style,
            **instrument_labels(program),
        },
        seed=seed_for(seed, "scales", index),
        source_id=f"scales-{root}-{mode}-{style}-{program}",
        group=instrument_family(program),
        caption=f"The {PITCH_CLASSES[root % 12]} {mode} scale going {style}, "
        f"played on {spoken_name(program)}.",
        seconds=SECONDS,
        compose=compose,
    )


family = Family(
    name="scales",
    title="Scales",
    summary="The seven church modes, one octave up or down, one note a beat.",
    labels={
        "mode": Label("mode of the scale", tuple(MODES)),
        "root": Label("pitch class of the tonic", PITCH_CLASSES),
        "root_pitch": Label("MIDI pitch of the tonic, 60 to 71"),
        "play_style": Label("direction of the scale", STYLES),
        **INSTRUMENT_LABELS,
    },
    target="mode",
    grouping=INSTRUMENT_GROUPING,
    size=len(GRID),
    spec=spec,
    sources=(SYNTHEORY,),
    backdrop=("instrument", "play_style", "root"),
    register_free=True,
)
