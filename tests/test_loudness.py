"""Loudness of sines, by their level and by the ear."""

from __future__ import annotations

import numpy as np
import pytest

from listening.loudness import loudness, match_db


def test_a_louder_clip_is_matched_by_the_difference():
    time = np.arange(3 * 32_000) / 32_000
    tone = 0.5 * np.sin(2 * np.pi * 997 * time)
    assert loudness(tone, 32_000) == pytest.approx(-9.0, abs=0.1)
    assert match_db(0.5 * tone, tone, 32_000) == pytest.approx(6.02, abs=0.01)
    assert match_db(0.0 * tone, tone, 32_000) == 0


def test_bass_sounds_less_loud_than_the_middle():
    time = np.arange(3 * 32_000) / 32_000
    low, middle = (loudness(np.sin(2 * np.pi * f * time), 32_000) for f in (30, 1000))
    assert middle - low > 6
