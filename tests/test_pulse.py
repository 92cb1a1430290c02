"""Keeping time: a metronome does, strokes at random do not."""

from __future__ import annotations

import numpy as np
import pytest

from listening.pulse import autocorrelation, keeping_time

RATE = 16_000


def strokes(times: np.ndarray, seconds: float = 8.0) -> np.ndarray:
    """Short bursts of noise at these times, in seconds."""
    rng = np.random.default_rng(0)
    audio = 1e-4 * rng.standard_normal(round(seconds * RATE))
    burst = rng.standard_normal(800) * np.exp(-np.arange(800) / 150)
    for time in times:
        at = round(time * RATE)
        audio[at : at + 800] += burst[: len(audio) - at]
    return audio.astype(np.float32)


@pytest.mark.parametrize("bpm", [75, 100, 150])
def test_a_metronome_has_its_own_period_and_is_even(bpm):
    heard = keeping_time(strokes(np.arange(0.1, 7.9, 60 / bpm)), RATE)
    beats = heard["period"] * bpm / 60
    assert heard["pulse"] > 0.7
    assert beats == pytest.approx(round(beats), abs=0.05)
    assert heard["unevenness"] < 0.1


def test_strokes_at_random_have_no_pulse_and_are_uneven():
    times = np.sort(np.random.default_rng(1).uniform(0.1, 7.8, 24))
    heard = keeping_time(strokes(times), RATE)
    assert heard["pulse"] < 0.35
    assert heard["unevenness"] > 0.5


def test_fewer_than_three_onsets_have_no_evenness():
    assert np.isnan(keeping_time(strokes(np.array([4.0])), RATE)["unevenness"])


def test_the_autocorrelation_of_a_periodic_envelope_peaks_at_its_period():
    lags, strengths = autocorrelation(np.tile([1.0, 0, 0, 0, 0], 100), rate=10.0)
    assert lags[strengths.argmax()] == pytest.approx(0.5)
    assert strengths.max() > 0.97
