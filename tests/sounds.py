"""Short sounds whose pitch and tempo are known by construction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RATE, NOTE_RATE = 16_000, 32_000


def tone(pitch: float, seconds: float = 1.0, first: int = 1, rate: int = RATE) -> np.ndarray:
    """Partials ``first`` to 8 of a pitch, each 0.7 of the last, below the Nyquist frequency."""
    time = np.arange(round(seconds * rate)) / rate
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    partials = [k for k in range(first, 9) if k * hertz < rate / 2]
    wave = sum(0.7**k * np.sin(2 * np.pi * k * hertz * time + k) for k in partials)
    return (0.2 * wave).astype(np.float32)


def together(pitches: Sequence[int], seconds: float = 1.0) -> np.ndarray:
    return np.sum([tone(pitch, seconds) for pitch in pitches], axis=0)


def clicks(bpm: float, seconds: float = 4.0, phase: float = 0.3, accent: float = 1.8) -> np.ndarray:
    """Bursts of noise on a steady beat, the first of four louder, over a faint hiss."""
    rng = np.random.default_rng(0)
    audio = 1e-4 * rng.standard_normal(round(seconds * RATE))
    burst = rng.standard_normal(800) * np.exp(-np.arange(800) / 150)
    for beat, start in enumerate(np.arange(phase, seconds - 0.06, 60 / bpm)):
        place = round(start * RATE)
        audio[place : place + 800] += 0.2 * burst * (accent if beat % 4 == 0 else 1)
    return audio.astype(np.float32)


def notes(*midi: int, seconds: float = 0.5) -> np.ndarray:
    """One decaying note after another, with a few partials."""
    time = np.arange(round(seconds * NOTE_RATE)) / NOTE_RATE
    sounds = [
        sum(np.sin(2 * np.pi * h * 440 * 2 ** ((m - 69) / 12) * time) / h**2 for h in (1, 2, 3))
        * np.exp(-2 * time)
        for m in midi
    ]
    return (0.2 * np.concatenate(sounds)).astype(np.float32)


SCALE = notes(60, 62, 64, 65, 67, 69, 71, 72)
