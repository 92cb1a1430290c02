"""How fast a clip is, and where its beats are: the judge of steered tempos.

The tempo is heard by curation's `hear_bpm`, the beats by librosa's dynamic programming (Ellis, JNMR
36, 2007), which start from that tempo.
"""

from __future__ import annotations

import mir_eval
import numpy as np
from librosa.beat import beat_track

from curation.hearing import NothingHeard, hear_bpm
from steering.metrics.verdict import Verdict

HOP = 512


def hear(audio: np.ndarray, sample_rate: int) -> Verdict:
    """The tempo as a number of beats per minute; nothing for a clip without a pulse."""
    try:
        bpm = hear_bpm(audio, sample_rate)
    except NothingHeard:
        return Verdict(None)
    return Verdict(f"{bpm:.0f} bpm", {}, bpm)


def beats(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Times of the beats in seconds, float ``[N]``; none for a clip without a pulse."""
    heard = hear(audio, sample_rate)
    if heard.number is None:
        return np.zeros(0)
    times: np.ndarray = beat_track(
        y=audio, sr=sample_rate, hop_length=HOP, bpm=heard.number, units="time"
    )[1]
    return times


def beat_f(audio: np.ndarray, sample_rate: int, truth: np.ndarray) -> float:
    """F-measure of the beats heard against true times in seconds, within 70 ms (mir_eval)."""
    return float(mir_eval.beat.f_measure(truth, beats(audio, sample_rate)))
