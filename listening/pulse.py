"""Whether the music keeps time: how regular the onsets are, and how even the time between them."""

from __future__ import annotations

import numpy as np
from librosa.onset import onset_detect, onset_strength

HOP = 320
SHORTEST, LONGEST = 0.25, 1.5
"""Seconds from pulse to pulse: 240 to 40 a minute."""


def onset_envelope(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Onset strength (librosa) of a clip ``[N]``, one number every 320 samples."""
    return onset_strength(y=audio, sr=sample_rate, hop_length=HOP)


def keeping_time(audio: np.ndarray, sample_rate: int) -> dict[str, float]:
    """How a clip ``[N]`` of eight seconds or so keeps time.

    Returns:
        pulse: highest autocorrelation of the onset envelope at lags of 0.25 to 1.5 s; 1 for a machine.
        period: that lag, in seconds.
        unevenness: standard deviation of the seconds between onsets, as a share of their mean; 0
            for a metronome, 1 for strokes at random. Not a number below three onsets.
    """
    envelope = onset_envelope(audio, sample_rate)
    lags, strengths = autocorrelation(envelope, sample_rate / HOP)
    best = int(strengths.argmax())
    onsets = onset_detect(onset_envelope=envelope, sr=sample_rate, hop_length=HOP, units="time")
    between = np.diff(onsets)
    uneven = float(between.std() / between.mean()) if len(between) > 1 else float("nan")
    return {"pulse": float(strengths[best]), "period": float(lags[best]), "unevenness": uneven}


def autocorrelation(envelope: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Lags in seconds from 0.25 to 1.5, and the autocorrelation of an envelope ``[T]`` at them.

    It is of what differs from the mean, and relative to that at no lag: 1 at most.
    """
    centred = envelope - envelope.mean()
    whole = np.correlate(centred, centred, mode="full")[len(centred) - 1 :]
    lags = np.arange(round(SHORTEST * rate), min(round(LONGEST * rate) + 1, len(whole)))
    return lags / rate, whole[lags] / max(float(whole[0]), 1e-9)
