"""The pitch class of one note: nothing is trained, and the octave need not be right."""

from __future__ import annotations

from functools import cache

import numpy as np

from listening.spectrum import BINS, even_frames, grid, octaves_apart
from listening.theory import PITCH_CLASSES

_LOW_PITCH, _HIGH_PITCH = 24, 108
_HARMONICS = 10


def hear_pitch_class(audio: np.ndarray, sample_rate: int) -> str:
    """The pitch class of the one note that sounds, however often it is struck.

    Each frame's spectrum is matched with cosine-lobed combs that also count against a pitch
    what lies between its harmonics (SWIPE: Camacho and Harris, JASA 124, 2008); the squared
    strengths of all octaves then vote for their pitch class, so that the octave need not be right.

    Args:
        audio: float ``[N]``, full scale 1.0.
        sample_rate: Hz, 8,000 or more.

    Raises:
        NothingHeard: the sound is silent.

    >>> time = np.arange(16_000) / 16_000
    >>> hear_pitch_class(np.sin(2 * np.pi * 440 * time), 16_000)
    'A'
    """
    strength = np.maximum(_combs() @ even_frames(audio, sample_rate), 0).sum(axis=1)
    pitches, best = _best_of_semitones(strength)
    return PITCH_CLASSES[int(octaves_apart(best**2, pitches).argmax())]


@cache
def _combs() -> np.ndarray:
    """One comb per candidate pitch, `BINS` a semitone: ``[candidates, bins]``."""
    candidates = np.arange(_LOW_PITCH * BINS, _HIGH_PITCH * BINS + 1) / BINS
    ratio = 2 ** ((grid()[None] - candidates[:, None]) / 12)
    wave = np.cos(2 * np.pi * ratio)
    wave[ratio < 0.75] /= 2
    combs = np.where((ratio > 0.25) & (ratio < _HARMONICS + 0.75), wave / np.sqrt(ratio), 0)
    combs /= np.linalg.norm(np.maximum(combs, 0), axis=1, keepdims=True)
    return combs.astype(np.float32)


def _best_of_semitones(strength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The semitones that the candidates surround, and the best candidate of each."""
    semitone = (np.arange(len(strength)) + BINS // 2) // BINS
    best = np.zeros(semitone[-1] + 1)
    np.maximum.at(best, semitone, strength)
    return np.arange(len(best)) + _LOW_PITCH, best
