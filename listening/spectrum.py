"""The spectrum that pitch, chord and key are heard in, and the notes that explain it.

A-weighted magnitudes on a log-frequency axis. Whoever listens raises `ValueError` for sound that is
not ``[N]`` or not finite, and `NothingHeard` for silence.
"""

from __future__ import annotations

from functools import cache

import librosa
import numpy as np

from listening.levels import SILENT_DBFS

SILENCE = 10 ** (SILENT_DBFS / 20)
"""Peak below which a clip counts as silent; full scale is 1.0."""

BINS = 5
LOWEST, HIGHEST = 22, 129
"""The spectrum runs from MIDI 22 to 129 (29 Hz to 14 kHz), `BINS` bins a semitone."""

NOTES = np.arange(33, 104)
"""MIDI notes that `note_amounts` explains a spectrum by."""

_WINDOW_SECONDS = 0.5
_UPDATES = 30


class NothingHeard(ValueError):
    """There is nothing in the sound that a listener could name: silence, or no pulse."""


def audible(audio: np.ndarray) -> np.ndarray:
    """A clip as float32 ``[N]``, if there is something to hear.

    Raises:
        NothingHeard: the peak is below `SILENCE`.
        ValueError: the sound is not ``[N]``, or not finite.
    """
    if audio.ndim != 1:
        raise ValueError(f"audio has shape {audio.shape}: mix it down to [N] first")
    peak = np.abs(audio).max(initial=0)
    if not np.isfinite(peak):
        raise ValueError("audio holds NaN or infinity: render it again")
    if peak < SILENCE:
        raise NothingHeard("the clip is silent")
    return np.asarray(audio, dtype=np.float32)


def even_frames(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """The square root of the spectrum, each frame as loud as the next: ``[bins, frames]``."""
    root = np.sqrt(_spectrum(audio, sample_rate))
    size = np.linalg.norm(root, axis=0)
    return root / (size + 1e-3 * size.max())


def octaves_apart(amounts: np.ndarray, pitches: np.ndarray) -> np.ndarray:
    """Amounts summed over the octaves: ``[12]``."""
    return np.bincount(pitches % 12, weights=amounts, minlength=12)


def note_amounts(frames: np.ndarray, sample_rate: int) -> np.ndarray:
    """How much of each of `NOTES` explains the frames: non-negative ``[notes, frames]``.

    Multiplicative updates for least squares (Lee and Seung, NIPS 2000).
    """
    templates = _templates(sample_rate)
    target, overlap = templates.T @ frames, templates.T @ templates
    amounts: np.ndarray = target + 1e-9
    for _ in range(_UPDATES):
        amounts = amounts * target / (overlap @ amounts + 1e-9)
    return amounts


def grid() -> np.ndarray:
    """The MIDI pitch of each bin, with fractions: ``[bins]``."""
    return np.arange(LOWEST * BINS, HIGHEST * BINS + 1) / BINS


def _spectrum(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """A-weighted magnitudes on a log-frequency axis: ``[bins, frames]``."""
    size = _window(sample_rate)
    hop = size // 4
    audio = audible(audio)
    audio = np.pad(audio, (0, max(0, size - len(audio))))
    magnitudes = np.abs(librosa.stft(audio, n_fft=size, hop_length=hop))
    low, share, weight = _log_axis(sample_rate)
    return (magnitudes[low] * (1 - share) + magnitudes[low + 1] * share) * weight


def _window(sample_rate: int) -> int:
    return int(2 ** np.round(np.log2(_WINDOW_SECONDS * sample_rate)))


@cache
def _log_axis(sample_rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower neighbour, share of the upper one and A-weight (at most 1) of each bin."""
    hertz = librosa.midi_to_hz(grid())
    size = _window(sample_rate)
    place = np.minimum(hertz * size / sample_rate, size // 2 - 1e-3)
    low = place.astype(int)
    weight = 10 ** (np.minimum(librosa.A_weighting(hertz), 0) / 20)
    weight[hertz > sample_rate / 2] = 0
    return low, (place - low)[:, None].astype(np.float32), weight[:, None].astype(np.float32)


@cache
def _templates(sample_rate: int) -> np.ndarray:
    """What `even_frames` shows of each note: ``[bins, notes]``.

    Eight partials, each half as strong as the last, as wide as the window or a semitone.
    """
    hertz = librosa.midi_to_hz(grid())[:, None]
    partials = np.arange(1, 9)
    width = sample_rate / _window(sample_rate)
    templates = np.zeros((len(hertz), len(NOTES)))
    for place, note in enumerate(NOTES):
        centres = librosa.midi_to_hz(note) * partials
        off = np.minimum(
            np.abs(hertz - centres) / (2 * width), np.abs(np.log2(hertz / centres)) * 12 / 0.4
        )
        shape = np.cos(np.pi / 2 * np.minimum(off, 1)) ** 2
        templates[:, place] = shape @ 0.5 ** (partials - 1)
    templates = np.sqrt(templates * _log_axis(sample_rate)[2])
    return (templates / np.linalg.norm(templates, axis=0)).astype(np.float32)
