"""How loud a pair is played: one gain for both sides, so that what steering changes stays heard."""

from __future__ import annotations

import numpy as np

from listening.loudness import SILENCE_LUFS, loudness, match_db

TARGET_LUFS = -16.0
CEILING_DB = -1.0
"""The loudest sample of a levelled clip, under full scale."""

LARGEST_LEVEL_DB = 20.0
FIRST_RESERVE_DB, FIRST_LARGEST_DB, FIRST_SECONDS = 3.0, 8.0, 16.0
"""While a clip is made: what later samples may be louder by, the most it is turned up, how long we look."""


def level_db(sound: np.ndarray, sample_rate: int, reserve_db: float = 0.0) -> float:
    """The gain that brings both sides together to -16 LUFS, as far as their peak leaves room.

    Args:
        sound: int16 ``[2, N]``, full scale 32768.
        reserve_db: kept free over the peak besides.

    Returns:
        dB, 20 either way at most; 0 for silence.
    """
    floating = sound.astype(np.float32) / 32768
    level = loudness(floating.reshape(-1), sample_rate)
    if level <= SILENCE_LUFS:
        return 0.0
    room = CEILING_DB - reserve_db - 20 * np.log10(max(float(np.abs(floating).max()), 1e-6))
    return float(np.clip(min(TARGET_LUFS - level, room), -LARGEST_LEVEL_DB, LARGEST_LEVEL_DB))


def match_of(sound: np.ndarray, sample_rate: int) -> float:
    """What the first row, int16 ``[2, N]``, is turned up by to sound as loud as the second, in dB."""
    steered, unsteered = sound.astype(np.float32) / 32768
    return match_db(steered, unsteered, sample_rate)


class LevelSoFar:
    """Estimates of both gains while a clip is made, so that the first listen is near its level at once.

    Measured whenever there is twice as much as the last time: all of it costs what one look would.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate, self._parts, self._due = sample_rate, list[np.ndarray](), 1
        self._last = {"level_db": 0.0, "match_db": 0.0}

    def add(self, sound: np.ndarray) -> dict[str, float]:
        """Hear int16 ``[2, N]`` more; ``level_db`` and ``match_db`` as of now."""
        if self._due > FIRST_SECONDS * self._rate:
            self._parts.clear()
            return self._last
        self._parts.append(sound)
        so_far = sum(part.shape[1] for part in self._parts)
        if so_far >= self._due:
            self._due = max(2 * so_far, self._rate)
            self._last = self._measure(np.concatenate(self._parts, axis=1))
        return self._last

    def _measure(self, sound: np.ndarray) -> dict[str, float]:
        level = min(level_db(sound, self._rate, FIRST_RESERVE_DB), FIRST_LARGEST_DB)
        return {"level_db": round(level, 2), "match_db": round(match_of(sound, self._rate), 2)}
