"""Which pitch classes sound, frame by frame: of the whole sound, its noise with its tones."""

from __future__ import annotations

import librosa
import numpy as np

HOP = 640
QUIET_DBFS = -60.0


def plain_chroma(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Amplitude per pitch class and frame of 20 ms, float ``[12, T]``, by librosa's constant-Q."""
    return librosa.feature.chroma_cqt(
        y=audio, sr=sample_rate, hop_length=HOP, norm=None, tuning=0.0
    )


def sounding(audio: np.ndarray, frames: int) -> np.ndarray:
    """Frames ``[T]`` whose level is above -60 dBFS."""
    level = librosa.feature.rms(y=audio, frame_length=4 * HOP, hop_length=HOP)[0, :frames]
    return level > 10 ** (QUIET_DBFS / 20)
