"""What survives the codec: pitch, attacks and spectrum of a clip against its decoding.

Pitch and attacks are heard by `listening`, which shares nothing with the codec's features or losses.
"""

from __future__ import annotations

import librosa
import numpy as np
import torch

from listening.agreement import chroma_agreement
from listening.constant_q import plain_chroma, sounding
from listening.onsets import onset_f
from sketch.codec.features import HOP, SAMPLE_RATE, FrameFeatures, log_frequency_bands

_WINDOWS = (512, 2048, 8192)
_LOWEST_DB = -80.0
_WINDOW = 6_144


def compare(true: np.ndarray, made: np.ndarray) -> dict[str, float]:
    """All distances of one clip, float ``[N]`` both; see `chroma_agreement` for the first three."""
    frames = len(true) // HOP
    original, copy = (plain_chroma(audio, SAMPLE_RATE)[:, :frames] for audio in (true, made))
    loud = sounding(true, frames)
    numbers = {name: float(v[loud].mean()) for name, v in chroma_agreement(original, copy).items()}
    shuffled = np.random.default_rng(0).permutation(frames)
    by_chance = chroma_agreement(original[:, loud], original[:, shuffled][:, loud])
    numbers |= {f"{name}, by chance": float(v.mean()) for name, v in by_chance.items()}
    numbers["onset F"] = onset_f(true, made, SAMPLE_RATE)
    numbers["log-spectral distance"] = log_spectral_distance(true, made)
    return numbers


def log_spectral_distance(true: np.ndarray, made: np.ndarray) -> float:
    """Root mean square difference of mel spectra in dB, mean over three windows.

    Levels are relative to the original's loudest band, nothing below -80 dB counts.
    """
    distances = []
    for window in _WINDOWS:
        levels = [
            librosa.feature.melspectrogram(
                y=audio, sr=SAMPLE_RATE, n_fft=window, hop_length=window // 4, n_mels=64
            )
            for audio in (true, made)
        ]
        loudest = levels[0].max() + 1e-12
        a, b = (np.maximum(10 * np.log10(x / loudest + 1e-12), _LOWEST_DB) for x in levels)
        distances.append(np.sqrt(np.mean((a - b) ** 2)))
    return float(np.mean(distances))


def griffin_lim(audio: np.ndarray) -> np.ndarray:
    """The clip made again from its log-frequency bands, not quantised: what bands alone can hold.

    Bands become bins by non-negative least squares, bins become sound by Griffin-Lim.
    """
    padded = np.pad(audio, HOP // 2)  # librosa's frames are centred on the hop's edge
    with torch.no_grad():
        bands = FrameFeatures().all(torch.from_numpy(padded)[None])[0].numpy().T
    filters = log_frequency_bands(_WINDOW, FrameFeatures.ALL)
    bins = librosa.util.nnls(filters, bands, m=10)
    window = np.hanning(_WINDOW)
    return librosa.griffinlim(
        bins.astype(np.float32) * window.sum() / 2,
        n_iter=32,
        hop_length=HOP,
        win_length=_WINDOW,
        n_fft=_WINDOW,
        length=len(audio),
        random_state=0,
    )
