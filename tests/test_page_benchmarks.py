"""The benchmarks of the page: what they count as right, and what they say where a part of them is missing."""

from __future__ import annotations

import pytest

from benchmarks import lighthouse
from benchmarks.transcription import right, score_of
from curation.errors import BadInput
from listening.transcription import Note
from sketch.material import Piece, on_frames

SCORE = [(0.0, 0.5, 60), (0.5, 1.0, 64), (1.0, 1.5, 67)]


def note(start: float, pitch: int, end: float = 9.0) -> Note:
    return Note(start, end, pitch, 0.9)


@pytest.mark.parametrize(
    ("heard", "precision", "recall"),
    [
        ([note(*one[::2]) for one in SCORE], 1, 1),
        ([note(0.04, 60), note(0.56, 64)], 1 / 2, 1 / 3),
        ([note(0.0, 60), note(0.0, 72), note(0.5, 64), note(1.0, 66)], 1 / 2, 2 / 3),
        ([note(0.0, 60), note(0.02, 60)], 1 / 2, 1 / 3),
        ([], 0, 0),
    ],
)
def test_a_note_is_right_once_at_its_pitch_and_within_50_ms(heard, precision, recall):
    given = right(SCORE, heard)
    assert given[:2] == pytest.approx((precision, recall))
    assert given[2] == pytest.approx(2 * precision * recall / max(precision + recall, 1e-9))


def test_the_score_of_a_song_is_its_pitched_notes_once_each():
    piece = Piece("songs", 0, 12.0)
    parts = on_frames(piece.spec().score()).instruments
    pitched = {
        (n.start, n.pitch)
        for part in parts
        for n in part.notes
        if not part.is_drum and n.start < 12
    }
    score = score_of(piece)
    assert {(start, pitch) for start, _, pitch in score} <= pitched
    assert 0.8 * len(pitched) < len(score) <= len(pitched)
    assert all(0 <= start < end <= 12 for start, end, _ in score)


def test_a_missing_npx_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(lighthouse.shutil, "which", lambda name: None)
    with pytest.raises(BadInput, match="there is no npx: install Node") as told:
        lighthouse.lighthouse("http://localhost/")
    assert "\n" not in str(told.value)


def test_a_report_that_never_came_is_told_with_lighthouses_last_line(monkeypatch, tmp_path):
    npx = tmp_path / "npx"
    npx.write_text("#!/bin/sh\necho first >&2\necho 'the page is gone' >&2\n")
    npx.chmod(0o755)
    monkeypatch.setattr(lighthouse.shutil, "which", lambda name: str(npx))
    with pytest.raises(BadInput, match="gave no report: the page is gone"):
        lighthouse.lighthouse("http://localhost/")
