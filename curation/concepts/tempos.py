"""Tempos: a metronome in 4/4 at 50 to 210 bpm, five sounds, cut in at five random moments."""

from __future__ import annotations

from itertools import product

import pretty_midi

from curation.concepts._clicks import (
    CLICK_GROUPING,
    CLICK_LABEL,
    CLICKS,
    SECONDS,
    STRONG,
    WEAK,
    metronome,
)
from curation.concepts._grid import SYNTHEORY
from curation.spec import ClipSpec, Family, Label, seed_for

GRID = tuple(product(range(50, 211), CLICKS, range(5)))
BANDS = ("slow", "medium", "fast", "very fast")


def band(bpm: float) -> str:
    """The tempo in a word.

    >>> [band(bpm) for bpm in (50, 100, 140, 200)]
    ['slow', 'medium', 'fast', 'very fast']
    """
    return BANDS[sum(bpm >= edge for edge in (80, 120, 165))]


def compose(spec: ClipSpec) -> pretty_midi.PrettyMIDI:
    beat = 60 / spec.labels["bpm"]
    phase = float(spec.rng().uniform(0, 4 * beat))
    return metronome(CLICKS[spec.labels["click"]], (STRONG, WEAK, WEAK, WEAK), beat, phase)


def spec(seed: int, index: int) -> ClipSpec:
    bpm, click, take = GRID[index]
    return ClipSpec(
        family="tempos",
        index=index,
        labels={"bpm": float(bpm), "tempo_band": band(bpm), "click": click, "take": take},
        seed=seed_for(seed, "tempos", index),
        source_id=f"tempos-{bpm}-{click}",
        group=click,
        caption=f"A {click} metronome clicking in 4/4 at {bpm} bpm.",
        seconds=SECONDS,
        compose=compose,
    )


family = Family(
    name="tempos",
    title="Tempos",
    summary="A metronome in 4/4, its downbeat accented, from 50 to 210 bpm.",
    labels={
        "bpm": Label("beats per minute", dtype="float32", heard_by="bpm"),
        "tempo_band": Label("the tempo in a word: below 80, 120, 165 bpm, and above", BANDS),
        "click": CLICK_LABEL,
        "take": Label("which of the five random starting points, 0 to 4"),
    },
    target="tempo_band",
    grouping=CLICK_GROUPING,
    size=len(GRID),
    small=2000,
    spec=spec,
    sources=(SYNTHEORY,),
    backdrop=("click",),
    limits=("At 50 bpm a clip of four seconds holds three or four clicks.",),
)
