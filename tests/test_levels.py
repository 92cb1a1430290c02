from __future__ import annotations

import numpy as np
import pytest

from listening.levels import rms_dbfs, settle


def sine(amplitude: float) -> np.ndarray:
    return (amplitude * np.sin(np.linspace(0, 200, 3200))).astype(np.float32)


def test_a_clip_within_full_scale_is_left_alone():
    audio, levels = settle(sine(0.5))
    assert np.abs(audio / 32767 - sine(0.5)).max() < 1 / 32767
    assert levels.peak_dbfs == pytest.approx(-6.02, abs=0.02)
    assert levels.rms_dbfs == pytest.approx(-9.03, abs=0.05)
    assert not levels.clipped


def test_a_clip_over_full_scale_is_turned_down_not_cut_off():
    audio, levels = settle(sine(2.0))
    assert levels.clipped
    assert levels.gain_db == pytest.approx(-6.32, abs=0.02)
    assert np.corrcoef(audio, sine(2.0))[0, 1] > 0.999999
    assert np.abs(audio).max() < 32767


def test_silence_is_below_minus_60():
    assert settle(sine(0.0009))[1].silent
    assert not settle(sine(0.0011))[1].silent


def test_half_the_amplitude_is_6_db_less():
    assert rms_dbfs(sine(1.0)) == pytest.approx(-3.01, abs=0.05)
    assert rms_dbfs(sine(0.5)) == pytest.approx(rms_dbfs(sine(1.0)) - 6.02, abs=0.01)
