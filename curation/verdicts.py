"""What a listener makes of a clip's label: the same, an octave off, wrong, or not heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from curation.spec import Label, Listener
from listening.agreement import tempo_agreement
from listening.chord import hear_chord
from listening.key import hear_key
from listening.pitch import hear_pitch_class
from listening.spectrum import NothingHeard
from listening.tempo import hear_bpm

Outcome = Literal["same", "octave", "wrong", "not heard"]


@dataclass(frozen=True, slots=True)
class Finding:
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


def verdict(
    name: str, label: Label, labels: Mapping[str, Any], audio: np.ndarray, sample_rate: int
) -> Finding:
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
        return Finding(label.heard_by, "", "not heard")
    if label.heard_by == "bpm":
        outcome: Outcome = tempo_agreement(heard, labels[name])
        return Finding("bpm", f"{heard:.1f}", outcome)
    compared = {"chord_quality": 1, "key": 0}.get(label.heard_by)
    answer = heard if compared is None else heard[compared]
    words = heard if compared is None else " ".join(heard)
    return Finding(label.heard_by, words, "same" if answer == labels[name] else "wrong")
