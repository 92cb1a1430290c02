"""Cadences and scales have their key."""

from __future__ import annotations

import numpy as np
import pytest

from listening.agreement import key_score
from listening.key import hear_key
from listening.theory import PITCH_CLASSES, degree_pitch, diatonic_triad
from tests.sounds import RATE, together, tone


@pytest.mark.parametrize(("mode", "word"), [("ionian", "major"), ("aeolian", "minor")])
def test_a_cadence_has_its_key_on_every_tonic(mode, word):
    for tonic in range(60, 72):
        chords = [diatonic_triad(tonic, mode, degree) for degree in (1, 4, 5, 1)]
        audio = np.concatenate([together(chord, 0.5) for chord in chords])
        assert hear_key(audio, RATE) == (PITCH_CLASSES[tonic % 12], word)


def test_a_scale_ends_up_within_a_fifth_of_its_key():
    audio = np.concatenate([tone(degree_pitch(62, "ionian", d), 0.4) for d in range(1, 9)])
    assert key_score(hear_key(audio, RATE), "D", "major") >= 0.5
