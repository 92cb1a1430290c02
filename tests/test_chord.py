"""Every triad is heard, whichever of its notes is the lowest."""

from __future__ import annotations

import pytest

from listening.chord import hear_chord
from listening.theory import PITCH_CLASSES, TRIADS
from tests.sounds import RATE, together


@pytest.mark.parametrize("quality", TRIADS)
def test_every_triad_is_heard_in_every_inversion(quality):
    for root in range(60, 72):
        for inversion in range(3):
            pitches = [root + step for step in TRIADS[quality]]
            pitches = pitches[inversion:] + [pitch + 12 for pitch in pitches[:inversion]]
            heard = hear_chord(together(pitches), RATE)
            lowest = pitches[0] if quality == "aug" else root
            assert heard == (PITCH_CLASSES[lowest % 12], quality)
