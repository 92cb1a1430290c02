"""A clip as numbers: log-mel statistics and rhythm.

Rhythm is read relative to the beat, so that a groove looks alike at every tempo.
"""

from __future__ import annotations

import librosa
import numpy as np
from scipy.fft import dct

MELS = 64
SHAPES = 8
HOP_SECONDS = 0.01
WINDOW_SECONDS = 0.032
_EDGES_HZ = (0, 120, 300, 800, 2000, 5000, 16000)
_BEATS = np.concatenate([np.arange(1, 25) / 12, np.arange(10, 33, 2) / 4])
_CROSS_BEATS = np.arange(12) / 12
_RATES_HZ = np.geomspace(0.5, 16, 12)


def features(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Log-mel statistics and rhythm of a clip.

    Args:
        audio: float32 ``[N]``, a second or more.
        sample_rate: Hz.

    Returns:
        float32 ``[F]``: the coarse shape over the mel bands of mean, spread and spread of the
        change (fine shape tells the instrument rather than the style); per wide band the
        onset rate, its modulation spectrum and its autocorrelation over fractions of a beat; and
        how the onsets of wide bands follow those of the lowest.
    """
    spectrum = _log_mel(audio, sample_rate)  # [MELS, T]
    change = np.diff(spectrum, axis=1)
    flux = _flux(change, sample_rate)  # [bands, T - 1]
    beat = _beat_frames(flux.sum(axis=0))
    parts = [
        *(_shape(s) for s in (spectrum.mean(axis=1), spectrum.std(axis=1), change.std(axis=1))),
        flux.mean(axis=1),
        flux.std(axis=1) / (flux.mean(axis=1) + 1e-3),
        _modulation(flux).ravel(),
        _own_rhythm(flux, beat).ravel(),
        _shared_rhythm(flux, beat).ravel(),
    ]
    return np.concatenate(parts).astype(np.float32)


def _log_mel(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    power = librosa.feature.melspectrogram(
        y=audio,
        sr=sample_rate,
        n_fft=round(WINDOW_SECONDS * sample_rate),
        hop_length=round(HOP_SECONDS * sample_rate),
        n_mels=MELS,
        fmin=30,
    )
    loudest = max(float(power.max()), 1e-8)
    return np.log10(np.maximum(power / loudest, 1e-7))


def _shape(over_bands: np.ndarray) -> np.ndarray:
    """The first `SHAPES` cosine coefficients of a curve over the mel bands."""
    return dct(over_bands, norm="ortho")[:SHAPES]


def _flux(change: np.ndarray, sample_rate: int) -> np.ndarray:
    """Rises of the log-mel spectrum, averaged over wide bands ``[bands, T]``."""
    centres = librosa.mel_frequencies(MELS + 2, fmin=30, fmax=sample_rate / 2)[1:-1]
    rises = np.maximum(change, 0)
    bands = np.clip(np.digitize(centres, _EDGES_HZ) - 1, 0, len(_EDGES_HZ) - 2)
    return np.stack([rises[bands == b].mean(axis=0) for b in range(len(_EDGES_HZ) - 1)])


def _beat_frames(onsets: np.ndarray) -> float:
    """Frames of a beat, the likeliest period between 60 and 180 bpm."""
    tempo = librosa.feature.tempo(
        onset_envelope=onsets,
        sr=round(1 / HOP_SECONDS) * 100,
        hop_length=100,
        start_bpm=105,
        std_bpm=0.7,
    )
    return float(60 / max(tempo[0], 30) / HOP_SECONDS)


def _own_rhythm(flux: np.ndarray, beat: float) -> np.ndarray:
    """Autocorrelation of each band ``[bands, lags]`` at fractions of a beat."""
    return np.stack([_correlation(band, band, _BEATS * beat) for band in flux])


def _shared_rhythm(flux: np.ndarray, beat: float) -> np.ndarray:
    """How the other bands follow the lowest, and the highest follows the middle one."""
    pairs = [(0, other) for other in range(1, len(flux))] + [(3, len(flux) - 1)]
    return np.stack([_correlation(flux[a], flux[b], _CROSS_BEATS * beat) for a, b in pairs])


def _correlation(a: np.ndarray, b: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Correlation of ``a`` with ``b`` later by each lag, in frames (read between frames)."""
    length = len(a)
    size = 2 * length
    a, b = a - a.mean(), b - b.mean()
    spectrum = np.conj(np.fft.rfft(a, size)) * np.fft.rfft(b, size)
    full = np.fft.irfft(spectrum, size)[:length]
    smooth = np.convolve(full, np.ones(3) / 3, mode="same")
    scale = np.sqrt((a @ a) * (b @ b)) + 1e-9
    return np.interp(lags, np.arange(length), smooth) / scale


def _modulation(flux: np.ndarray) -> np.ndarray:
    """Share of each band's variation that comes at each of the rates, ``[bands, rates]``."""
    centred = flux - flux.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(centred * np.hanning(flux.shape[1]), axis=1)) ** 2
    rates = np.fft.rfftfreq(flux.shape[1], HOP_SECONDS)
    edges = np.sqrt(_RATES_HZ[1:] * _RATES_HZ[:-1])
    bins = np.digitize(rates, np.concatenate([[0.35], edges, [23]]))
    shares = np.stack([power[:, bins == b].sum(axis=1) for b in range(1, len(_RATES_HZ) + 1)], 1)
    return np.sqrt(shares / (shares.sum(axis=1, keepdims=True) + 1e-9))
