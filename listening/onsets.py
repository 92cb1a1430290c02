"""Where notes begin: how many a second, and whether a copy's begin where the original's do."""

from __future__ import annotations

from collections.abc import Sequence

import mir_eval
import numpy as np
from librosa.onset import onset_detect

from listening.spans import Span, inside, length

ONSET_TOLERANCE = 0.05
_HOP = 320


def onset_rate(audio: np.ndarray, sample_rate: int, spans: Sequence[Span] | None = None) -> float:
    """Onsets a second of a clip ``[N]`` (librosa's spectral flux).

    Args:
        spans: those that lie outside are not counted, nor are the seconds; None for the whole clip.
    """
    onsets = onset_detect(y=audio, sr=sample_rate, units="time")
    if spans is None:
        return len(onsets) / max(len(audio) / sample_rate, 1e-9)
    return int(inside(spans, onsets).sum()) / max(length(spans), 1e-9)


def onset_f(true: np.ndarray, made: np.ndarray, sample_rate: int) -> float:
    """F-measure of the copy's onsets against the original's, within 50 ms (mir_eval)."""
    onsets = [
        onset_detect(y=audio, sr=sample_rate, hop_length=_HOP, units="time")
        for audio in (true, made)
    ]
    return float(mir_eval.onset.f_measure(*onsets, window=ONSET_TOLERANCE)[0])
