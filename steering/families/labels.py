"""Labels that no dataset has as a column, but that a clip's score gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pretty_midi import PrettyMIDI

from curation.concepts import get_family
from curation.spec import ClipSpec
from listening.theory import PITCH_CLASSES, TRIADS

TRIAD_NAMES = tuple(f"{root} {mode}" for mode in ("major", "minor") for root in PITCH_CLASSES)
"""The 24 triads that songs are made of, as ``"A minor"``."""

LEAST_LIKENESS = 0.8
"""Cosine of sounding pitch classes and a triad's from which on they are that triad."""


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


@dataclass(frozen=True)
class ScoreLabel:
    """A label that is told by which pitch classes sound.

    Attributes:
        concepts: its classes.
        place: class weights ``[12]`` to the number of a concept; -1 where it is none of them.
    """

    concepts: tuple[str, ...]
    place: Callable[[np.ndarray], int]


def strongest_class(weights: np.ndarray) -> int:
    """The pitch class that sounds longest; -1 in silence."""
    return int(weights.argmax()) if weights.sum() > 0 else -1


def nearest_triad(weights: np.ndarray) -> int:
    """The triad of `TRIAD_NAMES` that the sounding classes are; -1 where they are none.

    >>> TRIAD_NAMES[nearest_triad(np.array([2, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]))]
    'C major'
    """
    length = np.linalg.norm(weights)
    if length == 0:
        return -1
    likeness = _TEMPLATES @ weights / length
    return int(likeness.argmax()) if likeness.max() > LEAST_LIKENESS else -1


def tones(concept: str) -> list[int]:
    """Pitch classes of a note or a triad, by number; none for what is neither.

    >>> tones("D"), tones("C minor"), tones("jazz swing")
    ([2], [0, 3, 7], [])
    """
    if concept in PITCH_CLASSES:
        return [PITCH_CLASSES.index(concept)]
    if concept not in TRIAD_NAMES:
        return []
    root, mode = concept.split()
    return [(PITCH_CLASSES.index(root) + step) % 12 for step in TRIADS[mode]]


def _template(name: str) -> np.ndarray:
    sounding = tones(name)
    return np.isin(np.arange(12), sounding) / np.sqrt(len(sounding))


_TEMPLATES = np.stack([_template(name) for name in TRIAD_NAMES])

STRONGEST = ScoreLabel(PITCH_CLASSES, strongest_class)
TRIAD = ScoreLabel(TRIAD_NAMES, nearest_triad)
