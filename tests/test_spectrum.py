"""What is no music has no favourite answer."""

from __future__ import annotations

import numpy as np

from listening.chord import hear_chord
from listening.key import hear_key
from listening.pitch import hear_pitch_class
from tests.sounds import RATE


def test_noise_is_heard_as_many_things():
    """Chance level: a listener with a favourite answer would agree with its favourite label."""
    rng = np.random.default_rng(1)
    noises = [0.1 * rng.standard_normal(RATE).astype(np.float32) for _ in range(32)]
    assert len({hear_pitch_class(noise, RATE) for noise in noises}) >= 5
    assert len({hear_chord(noise, RATE) for noise in noises}) >= 10
    assert len({hear_key(noise, RATE) for noise in noises}) >= 8
