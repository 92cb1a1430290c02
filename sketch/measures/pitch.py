"""Which pitch classes sound, frame by frame, and how far two sounds agree on them."""

from __future__ import annotations

import librosa
import numpy as np

HOP = 640
QUIET_DBFS = -60.0
WITHIN_3_DB = 10 ** (-3 / 20)


def chroma(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Amplitude per pitch class and frame of 20 ms, float ``[12, T]``, by librosa's constant-Q.

    It shares nothing with the codec's own features or losses.
    """
    amplitudes: np.ndarray = librosa.feature.chroma_cqt(
        y=audio, sr=sample_rate, hop_length=HOP, norm=None, tuning=0.0
    )
    return amplitudes


def sounding(audio: np.ndarray, frames: int) -> np.ndarray:
    """Frames ``[T]`` whose level is above -60 dBFS."""
    level = librosa.feature.rms(y=audio, frame_length=4 * HOP, hop_length=HOP)[0, :frames]
    loud: np.ndarray = level > 10 ** (QUIET_DBFS / 20)
    return loud


def agreement(true: np.ndarray, made: np.ndarray) -> dict[str, np.ndarray]:
    """Chroma of a sound and of its copy, ``[12, T]`` each, compared per frame.

    Returns:
        exact: whether the strongest pitch class is the same.
        within 3 dB: whether the copy's strongest is at most 3 dB below the original's strongest,
            in the original. In a chord the strongest class flips at a breath.
        cosine: of the two frames' amplitudes.
    """
    picked = made.argmax(axis=0)
    strength = np.take_along_axis(true, picked[None], axis=0)[0] / np.maximum(
        true.max(axis=0), 1e-9
    )
    lengths = np.linalg.norm(true, axis=0) * np.linalg.norm(made, axis=0)
    return {
        "exact": (picked == true.argmax(axis=0)).astype(float),
        "within 3 dB": (strength >= WITHIN_3_DB).astype(float),
        "cosine": (true * made).sum(axis=0) / np.maximum(lengths, 1e-12),
    }
