"""What a listener makes of a clip's label: the same, an octave off, wrong, or not heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import mir_eval
import numpy as np

from curation.hearing import NothingHeard, hear_bpm, hear_chord, hear_key, hear_pitch_class
from curation.spec import Label, Listener
from curation.theory import MODES

Outcome = Literal["same", "octave", "wrong", "not heard"]

TEMPO_TOLERANCE = 0.04
"""Share of the tempo by which an estimate may be off, as in the MIREX tempo task."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a listener made of one label of one clip.

    Attributes:
        listener: who listened.
        heard: what it heard, in words; empty if nothing.
        outcome: ``"octave"`` is a tempo two or three times too fast or too slow.
    """

    listener: Listener
    heard: str
    outcome: Outcome


LISTENERS: dict[Listener, Callable[[np.ndarray, int], Any]] = {
    "pitch_class": hear_pitch_class,
    "bpm": hear_bpm,
    "chord_quality": hear_chord,
    "key": hear_key,
}


def tempo_agreement(heard: float, label: float) -> Literal["same", "octave", "wrong"]:
    """Whether two tempos in beats per minute are one, within 4 %.

    ``"octave"`` is a tempo heard two or three times too fast or too slow, which a tapping listener
    would be forgiven for (Gouyon et al., IEEE TASLP 14, 2006).

    >>> [tempo_agreement(heard, 100.0) for heard in (103.0, 50.0, 300.0, 110.0)]
    ['same', 'octave', 'octave', 'wrong']
    """
    for factor in (1.0, 2.0, 3.0, 1 / 2, 1 / 3):
        if abs(heard / (factor * label) - 1) <= TEMPO_TOLERANCE:
            return "same" if factor == 1 else "octave"
    return "wrong"


def key_score(heard: tuple[str, str], tonic: str, mode: str) -> float:
    """The MIREX score of a key, 0 to 1: a fifth off is 0.5, the relative 0.3, the parallel 0.2.

    Args:
        heard: what `hear_key` returned.
        tonic: pitch class of the label.
        mode: ``"major"``, ``"minor"`` or one of `MODES`, judged by its third.

    >>> key_score(("C", "major"), "C", "ionian"), key_score(("C", "major"), "A", "aeolian")
    (1.0, 0.3)
    """
    if mode in MODES:
        mode = "major" if 4 in MODES[mode] else "minor"
    score: float = mir_eval.key.weighted_score(f"{tonic} {mode}", " ".join(heard))
    return score


def verdict(
    name: str, label: Label, labels: Mapping[str, Any], audio: np.ndarray, sample_rate: int
) -> Verdict:
    """Listen for one label of a clip and compare.

    Of a chord the quality is compared, of a key the tonic.

    Args:
        name: the label's column.
        label: the column's description; its ``heard_by`` names the listener.
        labels: the clip's label values.
        audio: float ``[N]``, full scale 1.0.
        sample_rate: Hz, 8,000 or more.

    Raises:
        ValueError: no listener hears this label.
    """
    if label.heard_by is None:
        raise ValueError(f"no listener hears label {name!r}: give it a heard_by, or skip it")
    try:
        heard = LISTENERS[label.heard_by](audio, sample_rate)
    except NothingHeard:
        return Verdict(label.heard_by, "", "not heard")
    if label.heard_by == "bpm":
        outcome: Outcome = tempo_agreement(heard, labels[name])
        return Verdict("bpm", f"{heard:.1f}", outcome)
    compared = {"chord_quality": 1, "key": 0}.get(label.heard_by)
    answer = heard if compared is None else heard[compared]
    words = heard if compared is None else " ".join(heard)
    return Verdict(label.heard_by, words, "same" if answer == labels[name] else "wrong")
