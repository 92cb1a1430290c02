"""Two-note intervals: 12 roots, 12 sizes, played up, down or together, on 92 instruments."""

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
from listening.theory import INTERVALS, PITCH_CLASSES, pitch_name

STYLES = ("up", "down", "unison")
GRID = tuple(product(range(60, 72), range(1, 13), STYLES, PITCHED_PROGRAMS))
_IN_WORDS = {"up": "rising", "down": "falling", "unison": "sounding together"}


def compose(spec: ClipSpec) -> pretty_midi.PrettyMIDI:
    low = spec.labels["root_pitch"]
    high = low + spec.labels["semitones"]
    figure: dict[str, list[list[int]]] = {
        "up": [[low], [high]],
        "down": [[high], [low]],
        "unison": [[low, high]] * 2,
    }
    return play(spec.labels["program"], figure[spec.labels["play_style"]] * 4, beats=1)


def spec(seed: int, index: int) -> ClipSpec:
    root, semitones, style, program = GRID[index]
    name = INTERVALS[semitones - 1]
    article = "an" if name[0] == "o" else "a"
    return ClipSpec(
        family="intervals",
        index=index,
        labels={
            "interval": name,
            "semitones": semitones,
            "root": PITCH_CLASSES[root % 12],
            "root_pitch": root,
            "play_style": style,
            **instrument_labels(program),
        },
        seed=seed_for(seed, "intervals", index),
        source_id=f"intervals-{pitch_name(root)}-{semitones}-{style}-{program}",
        group=instrument_family(program),
        caption=f"{article.capitalize()} {name} on {pitch_name(root)}, {_IN_WORDS[style]}, "
        f"played on {spoken_name(program)}.",
        seconds=SECONDS,
        compose=compose,
    )


family = Family(
    name="intervals",
    title="Intervals",
    summary="Two notes, rising, falling or together, from a minor second to an octave.",
    labels={
        "interval": Label("name of the interval", INTERVALS),
        "semitones": Label("size of the interval in semitones, 1 to 12"),
        "root": Label("pitch class of the lower note", PITCH_CLASSES),
        "root_pitch": Label("MIDI pitch of the lower note, 60 to 71"),
        "play_style": Label("rising, falling or together (SynTheory's word: unison)", STYLES),
        **INSTRUMENT_LABELS,
    },
    target="interval",
    grouping=INSTRUMENT_GROUPING,
    size=len(GRID),
    spec=spec,
    sources=(SYNTHEORY,),
    backdrop=("instrument", "play_style", "root"),
    register_free=True,
)
