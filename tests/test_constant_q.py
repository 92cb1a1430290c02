"""The constant-Q chroma of notes as they are rendered."""

from __future__ import annotations

import numpy as np

from listening.constant_q import plain_chroma
from listening.theory import PITCH_CLASSES
from sketch.material import Piece, render

RATE = 32_000


def test_chroma_hears_the_note_that_is_played():
    piece = Piece("notes", 60 * 92, 4.0)
    sound = render(piece)
    assert sound is not None
    heard = plain_chroma(sound.astype(np.float32) / 32767, RATE).sum(axis=1)
    assert PITCH_CLASSES[int(heard.argmax())] == piece.spec().labels["pitch_class"]
