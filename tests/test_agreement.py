"""What was heard against a label, and a copy against its original."""

from __future__ import annotations

import numpy as np

from listening.agreement import chroma_agreement, tempo_agreement


def test_the_tempo_tolerance_is_four_percent_at_every_octave():
    heard = (96.1, 103.9, 95.9, 193, 288.5, 48.1, 34.6, 150)
    want = ["same", "same", "wrong", "octave", "octave", "octave", "octave", "wrong"]
    assert [tempo_agreement(bpm, 100) for bpm in heard] == want


def test_within_3_db_forgives_a_class_that_is_nearly_as_strong():
    true = np.array([[1.0, 0.8, 0.2]]).T
    for picked, right in ((0, 1.0), (1, 1.0), (2, 0.0)):
        made = np.eye(3)[:, [picked]]
        assert chroma_agreement(true, made)["within 3 dB"].tolist() == [right]
    assert chroma_agreement(true, np.eye(3)[:, [1]])["exact"].tolist() == [0.0]
