"""Whether a clip is still the music that it was: how loud, how busy, compared with its twin."""

from __future__ import annotations

import numpy as np
from librosa.onset import onset_detect

from curation.levels import dbfs


def loudness(audio: np.ndarray) -> float:
    """Root mean square level in dBFS."""
    return dbfs(float(np.sqrt(np.mean(np.square(audio, dtype=np.float64)))))


def onset_rate(audio: np.ndarray, sample_rate: int) -> float:
    """Onsets a second (librosa's spectral flux)."""
    onsets = onset_detect(y=audio, sr=sample_rate, units="time")
    return len(onsets) / max(len(audio) / sample_rate, 1e-9)
