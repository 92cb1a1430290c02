"""Where notes begin in scales of known pace."""

from __future__ import annotations

import pytest

from listening.onsets import onset_f, onset_rate
from tests.sounds import NOTE_RATE, SCALE, notes


def test_onsets_are_counted_by_the_second():
    assert onset_rate(SCALE, NOTE_RATE) == pytest.approx(2.0, abs=0.5)


def test_onsets_go_with_notes_of_another_length():
    assert onset_f(SCALE, SCALE.copy(), NOTE_RATE) == 1.0
    slower = notes(60, 62, 64, 65, 67, seconds=0.8)
    assert onset_f(SCALE, slower[: len(SCALE)], NOTE_RATE) < 0.7
