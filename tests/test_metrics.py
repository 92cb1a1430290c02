"""The judges on sounds whose answer is known."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from curation.errors import BadInput
from steering.metrics import distribution, drift, pitch

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
    seen = pitch.profile(drone, RATE)
    assert seen.share("C") > 0.95
    assert seen.share("C#") < 0.02
    assert seen.most_prominent == "C" == pitch.hear(drone, RATE).heard
    assert seen.entropy < 0.3


def test_four_notes_share_the_clip_evenly():
    clip = notes(60, 64, 67, 70)
    for name in ("C", "E", "G", "A#"):
        assert pitch.hear(clip, RATE).share(name) == pytest.approx(0.25, abs=0.06)
    assert pitch.profile(clip, RATE).entropy == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("samples", [5_000, 24_001])
def test_the_harmonic_part_is_librosas_to_the_bit(samples):
    rng = np.random.default_rng(0)
    clip = (rng.normal(0, 0.1, samples) + np.sin(np.arange(samples) * 0.1)).astype(np.float32)
    assert np.array_equal(pitch.harmonic(clip), librosa.effects.harmonic(clip, margin=4.0))


def test_shares_follow_the_clock():
    shares = pitch.profile(notes(60, 60, 64, 60), RATE).share_per_second("C")
    assert shares[:4].round().tolist() == [1, 1, 0, 1]


def test_another_sample_rate_hears_the_same():
    slow = notes(60, 64, 67)[::2]
    assert pitch.profile(slow, RATE // 2).share("E") == pytest.approx(1 / 3, abs=0.06)


def test_silence_is_no_note_and_no_error():
    silence = np.zeros(RATE, np.float32)
    seen = pitch.profile(silence, RATE)
    assert seen.most_prominent is None
    assert seen.share("C") == 0 and seen.entropy == 0
    with pytest.raises(BadInput, match="no pitch class 'H'"):
        seen.share("H")
    with pytest.raises(BadInput, match="finite and mono"):
        pitch.profile(np.full(RATE, np.nan), RATE)


def test_frechet_is_the_distance_of_gaussians():
    """Means 3 apart, spreads 1 and 2 along one of four axes: 9 + (2 - 1)^2."""
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((2, 40_000, 4))
    other[:, 0] = other[:, 0] * 2 + 3
    assert distribution.frechet(one, other) == pytest.approx(10.0, abs=0.2)
    assert distribution.frechet(one, one) == pytest.approx(0.0, abs=1e-3)


def test_mmd_is_nothing_for_one_source_and_grows_with_the_shift():
    rng = np.random.default_rng(0)
    one, same, near, far = (rng.standard_normal((200, 3)) + shift for shift in (0, 0, 0.5, 2.0))
    values = [distribution.mmd(one, x) for x in (same, near, far)]
    assert abs(values[0]) < 0.01 < values[1] < values[2]


@pytest.mark.parametrize("measure", [distribution.frechet, distribution.mmd])
def test_sets_that_cannot_be_compared_are_refused(measure):
    with pytest.raises(BadInput, match="not of one size"):
        measure(np.zeros((5, 3)), np.zeros((5, 4)))
    with pytest.raises(BadInput, match="two clips"):
        measure(np.zeros((1, 3)), np.zeros((5, 3)))


def test_drift_reads_level_and_onsets():
    clip = notes(60, 62, 64, 65, 67, 69, 71, 72, seconds=0.5)
    assert drift.loudness(clip * 0.5) == pytest.approx(drift.loudness(clip) - 6.02, abs=0.01)
    assert drift.onset_rate(clip, RATE) == pytest.approx(2.0, abs=0.5)
