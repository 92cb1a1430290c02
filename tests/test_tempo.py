"""A metronome is heard at its own tempo; one stroke has none."""

from __future__ import annotations

import numpy as np
import pytest

from listening.spectrum import NothingHeard
from listening.tempo import beat_f, beats, hear_bpm
from tests.sounds import RATE, clicks


@pytest.mark.parametrize("bpm", [50, 63, 80, 97, 120, 151, 180, 210])
def test_a_metronome_is_heard_at_its_own_tempo(bpm):
    for phase in (0.05, 0.3, 0.55):
        assert hear_bpm(clicks(bpm, phase=phase), RATE) == pytest.approx(bpm, rel=0.01)


def test_soft_offbeats_do_not_double_the_tempo():
    audio = clicks(100, 8.0, accent=1) + 0.1 * clicks(100, 8.0, phase=0.6, accent=1)
    assert hear_bpm(audio, RATE) == pytest.approx(100, rel=0.02)


def test_one_stroke_has_no_tempo():
    with pytest.raises(NothingHeard, match="pulse"):
        hear_bpm(clicks(20, 2.0), RATE)


@pytest.mark.parametrize("bpm", [90, 120])
def test_beats_are_where_the_clicks_are(bpm):
    truth = np.arange(0.3, 7.94, 60 / bpm)
    assert beat_f(clicks(bpm, 8.0), RATE, truth) > 0.8
    assert beat_f(clicks(bpm, 8.0), RATE, truth + 30 / bpm) < 0.2
    assert not len(beats(np.zeros(3 * RATE, np.float32), RATE))
