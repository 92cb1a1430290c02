"""Labels that no dataset has as a column, but that a clip's score gives."""

from __future__ import annotations

import numpy as np
from pretty_midi import PrettyMIDI

from curation.concepts import get_family
from curation.spec import ClipSpec


def spec_of(clip_id: str, seed: int = 0) -> ClipSpec:
    """The spec of a clip by its name in a dataset of this seed.

    >>> spec_of("notes-000012").clip_id
    'notes-000012'
    """
    family, _, index = clip_id.rpartition("-")
    return get_family(family).spec(seed, int(index))


def class_weights(score: PrettyMIDI, end: float, start: float = 0.0) -> np.ndarray:
    """Seconds times velocity that each pitch class sounds from ``start`` to ``end``: ``[12]``.

    Drums have no pitch class.
    """
    weights = np.zeros(12)
    for instrument in score.instruments:
        for note in [] if instrument.is_drum else instrument.notes:
            length = min(note.end, end) - max(note.start, start)
            weights[note.pitch % 12] += max(length, 0.0) * note.velocity / 127
    return weights
