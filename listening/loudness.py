"""How loud a clip sounds, so that two of them can be compared at one loudness.

ITU-R BS.1770-4: a high shelf and a high-pass for the head and the ear, mean square over blocks of
400 ms, two gates.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import bilinear, lfilter

SILENCE_LUFS = -70.0
LARGEST_MATCH_DB = 12.0
_RELATIVE_GATE = -10.0


def _weighted(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """The K-weighting at any sample rate, from its analogue corner frequencies and gains."""
    high, q, gain = 1681.974450955533, 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = gain**0.4996667741545416
    k = np.tan(np.pi * high / sample_rate)
    below = 1 + k / q + k * k
    shelf = np.array(
        [gain + middle * k / q + k * k, 2 * (k * k - gain), gain - middle * k / q + k * k]
    )
    poles = np.array([below, 2 * (k * k - 1), 1 - k / q + k * k])
    shelved = lfilter(shelf / below, poles / below, audio)
    low, q = 38.13547087602444, 0.5003270373238773
    w = 2 * sample_rate * np.tan(np.pi * low / sample_rate)
    b, a = bilinear([1, 0, 0], [1, w / q, w * w], sample_rate)
    return lfilter(b / b[0], a, shelved)


def loudness(audio: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness of mono samples ``[N]`` in LUFS; -70 for silence.

    A full-scale sine of 1 kHz is at -3.01:

    >>> time = np.arange(48_000) / 48_000
    >>> round(loudness(np.sin(2 * np.pi * 997 * time), 48_000), 1)
    -3.0
    """
    square = _weighted(audio, sample_rate) ** 2
    block, hop = round(0.4 * sample_rate), round(0.1 * sample_rate)
    if len(square) < block:
        blocks = np.array([square.mean()]) if len(square) else np.zeros(1)
    else:
        sums = np.concatenate([[0.0], np.cumsum(square)])
        starts = np.arange(0, len(square) - block + 1, hop)
        blocks = (sums[starts + block] - sums[starts]) / block
    heard = blocks[_lufs(blocks) > SILENCE_LUFS]
    if not len(heard):
        return SILENCE_LUFS
    loud = heard[_lufs(heard) > _lufs(heard.mean()) + _RELATIVE_GATE]
    return float(_lufs(loud.mean()))


def _lufs(power: np.ndarray) -> np.ndarray:
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-12))


def match_db(audio: np.ndarray, reference: np.ndarray, sample_rate: int) -> float:
    """The gain in dB that makes one clip as loud as another, 12 dB either way at most."""
    levels = loudness(audio, sample_rate), loudness(reference, sample_rate)
    if SILENCE_LUFS in levels:
        return 0.0
    return float(np.clip(levels[1] - levels[0], -LARGEST_MATCH_DB, LARGEST_MATCH_DB))
