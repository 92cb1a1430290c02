"""Tonic and mode of a piece, by how much each pitch class sounds."""

from __future__ import annotations

import numpy as np

from listening.spectrum import NOTES, even_frames, note_amounts, octaves_apart
from listening.theory import PITCH_CLASSES

_PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


def hear_key(audio: np.ndarray, sample_rate: int) -> tuple[str, str]:
    """Tonic and mode of the piece, by how much each pitch class sounds.

    The square root of the notes' chroma is correlated with the probe-tone profiles of Krumhansl
    and Kessler (Psychological Review 89, 1982) in 12 transpositions. Order is not heard: chords
    that are at home in two keys are given to the more usual one.

    Args:
        audio: float ``[N]``, full scale 1.0.
        sample_rate: Hz, 8,000 or more.

    Returns:
        A pitch class and ``"major"`` or ``"minor"``.

    Raises:
        NothingHeard: the sound is silent.
    """
    notes = note_amounts(even_frames(audio, sample_rate), sample_rate)
    notes = notes / (notes.max(axis=0) + 1e-9)
    chroma = np.sqrt(octaves_apart(notes.sum(axis=1), NOTES))
    match = {
        (tonic, mode): np.corrcoef(np.roll(profile, tonic), chroma)[0, 1]
        for mode, profile in _PROFILES.items()
        for tonic in range(12)
    }
    tonic, mode = max(match, key=lambda key: match[key])
    return PITCH_CLASSES[tonic], mode
