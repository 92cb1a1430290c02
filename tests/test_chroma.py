"""Which pitch class is strongest in sounds whose notes are known."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from listening.chroma import harmonic, profile
from steering.metrics.judges import hear_note

RATE = 32_000


def notes(*midi: int, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    sounds = [
        sum(np.sin(2 * np.pi * h * 440 * 2 ** ((m - 69) / 12) * time) / h for h in (1, 2, 3))
        * np.minimum(1, 20 * (seconds - time)).clip(0)
        for m in midi
    ]
    return (0.1 * np.concatenate(sounds)).astype(np.float32)


def test_a_drone_is_its_pitch_class_all_the_time():
    drone = notes(60, 72, 60, 48)
    seen = profile(drone, RATE)
    assert seen.share("C") > 0.95
    assert seen.share("C#") < 0.02
    assert seen.most_prominent == "C" == hear_note(drone, RATE).heard
    assert seen.entropy < 0.3


def test_four_notes_share_the_clip_evenly():
    clip = notes(60, 64, 67, 70)
    for name in ("C", "E", "G", "A#"):
        assert hear_note(clip, RATE).share(name) == pytest.approx(0.25, abs=0.06)
    assert profile(clip, RATE).entropy == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("samples", [5_000, 24_001])
def test_the_harmonic_part_is_librosas_to_the_bit(samples):
    rng = np.random.default_rng(0)
    clip = (rng.normal(0, 0.1, samples) + np.sin(np.arange(samples) * 0.1)).astype(np.float32)
    assert np.array_equal(harmonic(clip), librosa.effects.harmonic(clip, margin=4.0))


def test_shares_follow_the_clock():
    shares = profile(notes(60, 60, 64, 60), RATE).share_per_second("C")
    assert shares[:4].round().tolist() == [1, 1, 0, 1]


def test_another_sample_rate_hears_the_same():
    slow = notes(60, 64, 67)[::2]
    assert profile(slow, RATE // 2).share("E") == pytest.approx(1 / 3, abs=0.06)


def test_silence_is_no_note_and_no_error():
    silence = np.zeros(RATE, np.float32)
    seen = profile(silence, RATE)
    assert seen.most_prominent is None
    assert seen.share("C") == 0 and seen.entropy == 0
    with pytest.raises(ValueError, match="no pitch class 'H'"):
        seen.share("H")
    with pytest.raises(ValueError, match="finite and mono"):
        profile(np.full(RATE, np.nan), RATE)
