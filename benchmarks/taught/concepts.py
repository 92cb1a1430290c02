"""Five pairs of concepts: how clips come to have them, who hears them, and what a musician would say of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.taught import scores
from benchmarks.taught.scores import Alteration
from steering.evaluation.life import USUAL, Limits


@dataclass(frozen=True)
class Concept:
    """One pole of a pair.

    Attributes:
        has: makes a score have it. lacks: makes the same score not have it.
        ear: name of the listener, of `ears.EARS`. sign: 1 where more is heard of it, -1 where less.
        belongs: what is part of the concept, see `steering.teaching.variants.PARTS`.
        drummed: whether only pieces that have drums will do.
        limits: of the music that must live on; more onsets are no harm where they are what is asked.
    """

    name: str
    has: Alteration
    lacks: Alteration
    ear: str
    sign: int
    belongs: tuple[str, ...] = ()
    drummed: bool = False
    limits: Limits = USUAL


MORE_ONSETS = Limits(onsets=math.inf)
AS_IS = scores.as_it_is
CONCEPTS = {
    one.name: one
    for one in (
        Concept("staccato", scores.staccato, AS_IS, "gaps", 1, ("tempo",)),
        Concept("legato", scores.legato, AS_IS, "gaps", -1, ("tempo",)),
        Concept("high", scores.high, AS_IS, "register", 1, ("pitch",)),
        Concept("low", scores.low, AS_IS, "register", -1, ("pitch",)),
        Concept("tremolo", scores.tremolo, AS_IS, "flutter", 1, ("tempo",), limits=MORE_ONSETS),
        Concept("plain", AS_IS, scores.tremolo, "flutter", -1, ("tempo",), limits=MORE_ONSETS),
        Concept("drums", AS_IS, scores.without_drums, "strokes", 1, ("tempo",), True, MORE_ONSETS),
        Concept(
            "no drums", scores.without_drums, AS_IS, "strokes", -1, ("tempo",), True, MORE_ONSETS
        ),
        Concept("thick", scores.thick, AS_IS, "thickness", 1),
        Concept("thin", scores.thin, AS_IS, "thickness", -1, limits=MORE_ONSETS),
    )
}
FIRST = ("staccato", "high", "tremolo", "drums", "thin")
"""One of each pair; a thick texture is told by no listener of ours once the codec has held it."""
