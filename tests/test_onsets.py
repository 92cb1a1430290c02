"""Where notes begin in scales of known pace."""

from __future__ import annotations

import numpy as np
import pytest

from listening.onsets import onset_f, onset_rate

RATE = 32_000


def notes(*midi: int, seconds: float = 0.5) -> np.ndarray:
    """One decaying note after another, with a few partials."""
    time = np.arange(round(seconds * RATE)) / RATE
    sounds = [
        sum(np.sin(2 * np.pi * h * 440 * 2 ** ((m - 69) / 12) * time) / h**2 for h in (1, 2, 3))
        * np.exp(-2 * time)
        for m in midi
    ]
    return (0.2 * np.concatenate(sounds)).astype(np.float32)


SCALE = notes(60, 62, 64, 65, 67, 69, 71, 72)


def test_onsets_are_counted_by_the_second():
    assert onset_rate(SCALE, RATE) == pytest.approx(2.0, abs=0.5)


def test_onsets_go_with_notes_of_another_length():
    assert onset_f(SCALE, SCALE.copy(), RATE) == 1.0
    slower = notes(60, 62, 64, 65, 67, seconds=0.8)
    assert onset_f(SCALE, slower[: len(SCALE)], RATE) < 0.7
