"""How fast a clip is, and where its beats are.

The tempo is heard in an onset curve of its own; the beats by librosa's dynamic programming (Ellis,
JNMR 36, 2007), which starts from that tempo.
"""

from __future__ import annotations

from functools import cache

import librosa
import mir_eval
import numpy as np
from librosa.beat import beat_track
from librosa.filters import mel

from listening.spectrum import NothingHeard, audible

BEAT_HOP = 512
_ONSET_RATE = 250
_SLOWEST, _FASTEST = 40.0, 240.0
_USUAL_BPM, _PRIOR_OCTAVES = 120.0, 1.2
_SUBDIVIDED = 0.85


def hear_bpm(audio: np.ndarray, sample_rate: int) -> float:
    """The tempo in beats per minute, 40 to 240.

    The autocorrelation of an onset curve at 250 Hz is read at one, two and three times each
    candidate period (a comb, as in Klapuri et al., IEEE TASLP 14, 2006), weighed with a broad
    log-normal preference (Moelants, ICMPC 2002), and the best period is halved or cut in three as
    long as the faster pulse is about as regular. The last step is a parabola through the peak.

    Args:
        audio: float ``[N]``, at least two seconds for slow tempos.
        sample_rate: Hz, 8,000 or more.

    Raises:
        NothingHeard: the sound is silent, or has no two onsets.
    """
    echo = _echo(_onset_curve(audio, sample_rate))
    lags = np.geomspace(60 / _FASTEST, 60 / _SLOWEST, 1200) * _ONSET_RATE
    lags = lags[lags < 0.8 * len(echo)]
    support = _support(echo, lags)
    if not len(lags) or support.max() < 0.05:
        raise NothingHeard("no pulse: the clip needs at least two onsets")
    octaves = np.log2(60 * _ONSET_RATE / lags / _USUAL_BPM)
    lag = float(lags[np.argmax(support * np.exp(-0.5 * (octaves / _PRIOR_OCTAVES) ** 2))])
    lag = _summit(echo, lag)
    while faster := _subdivision(echo, lag):
        lag = faster
    return 60 * _ONSET_RATE / lag


def beats(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Times of the beats in seconds, float ``[N]``; none for a clip without a pulse."""
    try:
        bpm = hear_bpm(audio, sample_rate)
    except NothingHeard:
        return np.zeros(0)
    return beat_track(y=audio, sr=sample_rate, hop_length=BEAT_HOP, bpm=bpm, units="time")[1]


def beat_f(audio: np.ndarray, sample_rate: int, truth: np.ndarray) -> float:
    """F-measure of the beats heard against true times in seconds, within 70 ms (mir_eval)."""
    return float(mir_eval.beat.f_measure(truth, beats(audio, sample_rate)))


def _onset_curve(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """How much louder the bands grow from moment to moment, 250 values a second: ``[frames]``."""
    audio = audible(audio)
    if len(audio) < sample_rate:
        raise NothingHeard("no pulse: the clip is shorter than a second")
    hop = round(sample_rate / _ONSET_RATE)
    bands = _bands(sample_rate) @ np.abs(librosa.stft(audio, n_fft=8 * hop, hop_length=hop))
    level = np.log1p(100 * bands / bands.max())
    rise = np.maximum(level[:, 2:] - level[:, :-2], 0).mean(axis=0)
    rise = np.maximum(rise - np.median(rise), 0)
    smooth = np.hanning(11)[1:-1]
    return np.convolve(rise, smooth / smooth.sum(), "same")


@cache
def _bands(sample_rate: int) -> np.ndarray:
    size = 8 * round(sample_rate / _ONSET_RATE)
    top = min(11_000, sample_rate / 2)
    return mel(sr=sample_rate, n_fft=size, n_mels=40, fmin=30, fmax=top)


def _echo(curve: np.ndarray) -> np.ndarray:
    """Unbiased autocorrelation, 1 at lag 0: ``[frames]``."""
    power = np.abs(np.fft.rfft(curve, 2 * len(curve))) ** 2
    echo: np.ndarray = np.fft.irfft(power)[: len(curve)]
    if echo[0] <= 0:
        raise NothingHeard("no onsets: the sound never grows louder")
    echo *= len(curve) / (len(curve) - np.arange(len(curve))) / echo[0]
    return echo


def _support(echo: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Mean autocorrelation at one, two and three periods, as far as the clip reaches."""
    reach = 0.8 * len(echo)
    multiples = lags[None] * np.array([[1], [2], [3]])
    values = np.interp(multiples, np.arange(len(echo)), echo)
    inside = multiples < reach
    return (values * inside).sum(axis=0) / np.maximum(inside.sum(axis=0), 1)


def _subdivision(echo: np.ndarray, lag: float) -> float | None:
    """The pulse twice or three times as fast, if it is about as regular."""
    for parts in (2, 3):
        faster = lag / parts
        if faster >= 60 / _FASTEST * _ONSET_RATE:
            faster = _summit(echo, faster)
            if _height(echo, faster) > _SUBDIVIDED * _height(echo, lag):
                return faster
    return None


def _height(echo: np.ndarray, lag: float) -> float:
    return float(np.interp(lag, np.arange(len(echo)), echo))


def _summit(echo: np.ndarray, lag: float) -> float:
    """The autocorrelation's peak within 4 % of ``lag``, between the samples."""
    first = max(1, int(lag * 0.96))
    last = min(len(echo) - 2, int(np.ceil(lag * 1.04)))
    peak = first + int(np.argmax(echo[first : last + 1]))
    left, middle, right = echo[peak - 1 : peak + 2]
    bend = left - 2 * middle + right
    return peak + float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else peak
