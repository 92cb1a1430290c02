"""Time signatures: eight metres at 120 quarter notes a minute, three reverbs, five sounds."""

from __future__ import annotations

from itertools import product

import pretty_midi

from curation.concepts._clicks import (
    CLICK_GROUPING,
    CLICK_LABEL,
    CLICKS,
    MEDIUM,
    SECONDS,
    STRONG,
    WEAK,
    metronome,
)
from curation.concepts._grid import SYNTHEORY
from curation.spec import ClipSpec, Family, Label, seed_for

SIGNATURES = ("2/2", "2/4", "3/4", "3/8", "4/4", "6/8", "9/8", "12/8")
REVERB_SENDS = (0, 63, 127)
GRID = tuple(product(SIGNATURES, range(3), CLICKS, range(10)))
_REVERB_WORDS = ("dry", "with some reverb", "with much reverb")


def accents(signature: str) -> tuple[int, ...]:
    """Velocity of each stroke of a bar: compound metres lift every third stroke.

    >>> accents("3/4"), len(accents("12/8"))
    ((100, 75, 75), 12)
    """
    beats = int(signature.split("/")[0])
    compound = beats > 3 and beats % 3 == 0
    return tuple(
        STRONG if beat == 0 else MEDIUM if compound and beat % 3 == 0 else WEAK
        for beat in range(beats)
    )


def compose(spec: ClipSpec) -> pretty_midi.PrettyMIDI:
    signature = spec.labels["time_signature"]
    unit = int(signature.split("/")[1])
    beat = 0.5 * 4 / unit
    strokes = accents(signature)
    phase = float(spec.rng().uniform(0, len(strokes) * beat))
    send = REVERB_SENDS[spec.labels["reverb"]]
    return metronome(CLICKS[spec.labels["click"]], strokes, beat, phase, send)


def spec(seed: int, index: int) -> ClipSpec:
    signature, reverb, click, take = GRID[index]
    beats, unit = map(int, signature.split("/"))
    return ClipSpec(
        family="time_signatures",
        index=index,
        labels={
            "time_signature": signature,
            "beats": beats,
            "unit": unit,
            "compound": "compound" if MEDIUM in accents(signature) else "simple",
            "reverb": reverb,
            "click": click,
            "take": take,
        },
        seed=seed_for(seed, "time_signatures", index),
        source_id=f"time_signatures-{signature}-{reverb}-{click}",
        group=click,
        caption=f"A {click} metronome counting {signature}, {_REVERB_WORDS[reverb]}.",
        seconds=SECONDS,
        compose=compose,
    )


family = Family(
    name="time_signatures",
    title="Time signatures",
    summary="A metronome that accents the downbeat, in eight metres.",
    labels={
        "time_signature": Label("the metre", SIGNATURES),
        "beats": Label("strokes in a bar"),
        "unit": Label("note value of a stroke: 2, 4 or 8"),
        "compound": Label("whether every third stroke is lifted", ("simple", "compound")),
        "reverb": Label("reverb level: 0 (none), 1 (send 63), 2 (send 127)"),
        "click": CLICK_LABEL,
        "take": Label("which of the ten random starting points, 0 to 9"),
    },
    target="time_signature",
    grouping=CLICK_GROUPING,
    size=len(GRID),
    small=1200,
    spec=spec,
    sources=(SYNTHEORY,),
    backdrop=("click", "reverb"),
    limits=(
        "A quarter note lasts half a second in every metre, so the strokes of 2/2, x/4 and x/8 come "
        "at 1, 2 and 4 a second: the unit can be told from the rate alone.",
        "In four seconds a bar of 12/8 is heard little more than once, one of 2/2 twice.",
    ),
)
