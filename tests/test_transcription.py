"""The transcriber writes down what was played."""

from __future__ import annotations

import numpy as np
import pytest

from listening.transcription import transcribe
from tests.sounds import NOTE_RATE, RATE, notes, together


def test_a_scale_is_written_down():
    scale = [60, 62, 64, 65, 67]
    heard = transcribe(notes(*scale), NOTE_RATE)
    assert [note.pitch for note in heard] == scale
    for place, note in enumerate(heard):
        assert note.start == pytest.approx(0.5 * place, abs=0.06)
        assert 0.2 < note.end - note.start < 0.6


def test_a_chord_is_three_notes_at_once():
    heard = transcribe(together([60, 64, 67]), RATE)
    assert {note.pitch for note in heard} >= {60, 64, 67}


def test_notes_far_apart_are_where_they_are():
    silence = np.zeros(3 * NOTE_RATE, np.float32)
    heard = transcribe(np.concatenate([notes(72), silence, notes(48)]), NOTE_RATE)
    assert [note.pitch for note in heard if note.chance > 0.5] == [72, 48]
    assert heard[-1].start == pytest.approx(3.5, abs=0.06)


def test_silence_has_no_notes():
    assert transcribe(np.zeros(NOTE_RATE, np.float32), NOTE_RATE) == []
    assert transcribe(np.zeros(0, np.float32), NOTE_RATE) == []
