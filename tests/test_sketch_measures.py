"""The measures on sounds whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from sketch.measures.fidelity import compare, griffin_lim, log_spectral_distance
from sketch.measures.music import describe, likeness
from tests.sounds import NOTE_RATE, SCALE, notes


def test_a_copy_agrees_with_itself_in_everything():
    numbers = compare(SCALE, SCALE.copy())
    assert numbers["exact"] == numbers["within 3 dB"] == numbers["onset F"] == 1.0
    assert numbers["cosine"] == pytest.approx(1.0)
    assert numbers["log-spectral distance"] == 0.0
    assert numbers["exact, by chance"] < 0.4


def test_a_transposition_agrees_in_attacks_but_not_in_pitch():
    higher = notes(61, 63, 65, 66, 68, 70, 72, 73)
    numbers = compare(SCALE, higher)
    assert numbers["exact"] < 0.15
    assert numbers["onset F"] == 1.0


def test_distance_grows_with_noise():
    rng = np.random.default_rng(0)
    noisy = [SCALE + a * rng.standard_normal(len(SCALE)).astype("f4") for a in (1e-3, 1e-1)]
    assert 0 < log_spectral_distance(SCALE, noisy[0]) < log_spectral_distance(SCALE, noisy[1])


def test_griffin_lim_on_true_bands_keeps_the_notes():
    made = griffin_lim(SCALE)
    assert len(made) == len(SCALE)
    assert compare(SCALE, made)["exact"] > 0.85


def test_music_is_described_by_its_level_clarity_and_note_length():
    numbers = describe(SCALE, NOTE_RATE)
    assert numbers["note"] == pytest.approx(0.5, abs=0.08)
    assert numbers["clarity"] > 0.3
    assert numbers["clipped"] == numbers["silent"] == 0.0
    assert describe(SCALE * 0.1, NOTE_RATE)["level"] == pytest.approx(
        numbers["level"] - 20, abs=0.01
    )
    noise = np.random.default_rng(0).standard_normal(NOTE_RATE * 4).astype("f4") * 0.1
    assert describe(noise, NOTE_RATE)["clarity"] < 0.7 * numbers["clarity"]


def test_silence_and_clipping_are_told():
    silence = describe(np.zeros(NOTE_RATE, "f4"), NOTE_RATE)
    assert silence["silent"] == 1.0 and silence["note"] == 0.0
    assert describe(np.clip(SCALE * 10, -1, 1), NOTE_RATE)["clipped"] == 1.0


def test_likeness_is_one_for_a_copy_and_small_for_another_tune():
    assert likeness(SCALE, SCALE, NOTE_RATE) == 1.0
    assert likeness(SCALE, notes(66, 68, 70, 61, 63, 73, 78, 66), NOTE_RATE) < 0.3
