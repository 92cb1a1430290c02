"""Codes of stems: they tell of the note that sounds, from its first frame, and not of the next."""

from __future__ import annotations

import numpy as np
import pytest

from listening.agreement import chroma_agreement
from listening.constant_q import plain_chroma
from sketch.codec import books
from sketch.codec.analysis import Analysis, note_bounds, windows
from sketch.codec.books import Codebooks, book_features, learn_book
from sketch.codec.features import HOP, SAMPLE_RATE
from sketch.codec.stems import CODEBOOK_STEMS, SILENCE, STEMS
from sketch.material import Piece, on_frames, render, render_stems
from sketch.measures.codes import foresight_of
from sketch.rendered import describe


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Analysis()


def melody(midi: list[int], frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Tones of so many frames each, end to end, and the frames that they begin at."""
    time = np.arange(frames * HOP) / SAMPLE_RATE
    tones = [0.3 * np.sin(2 * np.pi * 440 * 2 ** ((m - 69) / 12) * time) for m in midi]
    return np.concatenate(tones).astype(np.float32), np.arange(len(midi)) * frames


@pytest.mark.parametrize("frames", [5, 8, 30])
def test_no_frame_tells_of_the_note_that_comes_next(analysis, frames):
    first, onsets = melody([60, 64, 67], frames)
    other, _ = melody([60, 64, 72], frames)
    one, two = (analysis.describe(audio, onsets) for audio in (first, other))
    for name in ("pitch", "sound", "level"):
        a, b = getattr(one, name), getattr(two, name)
        assert np.array_equal(a[: 2 * frames], b[: 2 * frames])
    assert not np.allclose(one.pitch[2 * frames :], two.pitch[2 * frames :])


def test_a_note_is_described_by_its_pitch_from_its_first_frame_on(analysis):
    audio, onsets = melody([48, 62, 75], 9)
    pitch = analysis.describe(audio, onsets).pitch
    heard = 24 + pitch.argmax(1) / 2  # bands are quarter tones from C1, MIDI 24
    assert np.abs(heard.reshape(3, 9) - np.array([[48], [62], [75]])).max() <= 0.5


def test_what_sounds_is_the_same_at_any_level(analysis):
    audio, onsets = melody([55, 59], 12)
    loud, soft = (analysis.describe(audio * gain, onsets) for gain in (1.0, 0.1))
    assert np.allclose(loud.pitch, soft.pitch, atol=1e-3)
    assert np.allclose(loud.level - soft.level, 20, atol=0.01)


def test_windows_stay_inside_their_notes():
    first, last = note_bounds(np.array([3, 4, 20]), 40)
    begin, length = windows(first, last, 6_144, pace=4)
    assert (begin >= first * HOP).all() and (begin + length <= last * HOP).all()
    assert (length == np.minimum(6_144, (last - first) * HOP)).all()


def test_a_bar_that_comes_again_is_the_same_codes_again():
    """What the corpus is played exactly for: a drum part without fills repeats to the code."""
    piece = next(
        piece
        for piece in (Piece("genres", n, 8.0) for n in range(9, 1000, 12))
        if piece.spec().labels["drums"] == "drums"
    )
    assert piece.spec().labels["genre"] == "house"
    _audio, described = describe(piece)
    drums = described[0].sound
    bar = piece.bar_frames
    same = np.abs(drums[bar : 2 * bar] - drums[2 * bar : 3 * bar]).max(1) < 0.05
    assert same.mean() > 0.9


def test_stems_add_up_to_the_piece():
    piece = Piece("songs", 4, 4.0)
    stems, whole = render_stems(piece), render(piece)
    assert stems.audio.shape == (len(STEMS), len(whole))
    apart = stems.audio.sum(0) - whole / 32767
    assert np.sqrt(np.mean(apart**2)) < 0.01 * np.sqrt(np.mean((whole / 32767) ** 2))


def test_tempi_are_whole_frames_and_captions_say_so():
    for index in range(60):
        piece = Piece("songs", index, 12.0)
        spec, score = piece.spec(), piece.spec().score()
        assert piece.bar_frames % 12 == 0 or piece.bar_frames % 16 == 0
        straight = [n.start * 50 for part in score.instruments for n in part.notes]
        whole = np.abs(np.array(straight) - np.round(straight)) < 0.05
        assert whole.mean() > 0.4  # all but what swings
        begins = [n.start * 50 for part in on_frames(score).instruments for n in part.notes]
        assert np.allclose(begins, np.round(begins), atol=1e-6)
        if "bpm" in spec.caption:
            assert f"{spec.labels['bpm']:.0f} bpm" in spec.caption


def test_a_human_touch_changes_the_sound_and_not_the_notes():
    piece = Piece("songs", 4, 8.0)
    exact, touched = (render(piece, exact=exact).astype(np.float32) for exact in (True, False))
    assert np.abs(exact - touched).max() > 0.05 * np.abs(exact).max()
    found = chroma_agreement(plain_chroma(exact, SAMPLE_RATE), plain_chroma(touched, SAMPLE_RATE))
    assert found["cosine"].mean() > 0.9


def test_silence_is_a_code_and_only_silence_has_it(monkeypatch, analysis):
    monkeypatch.setattr(books, "ENTRIES", 4)
    audio, onsets = melody([60, 64, 67, 72], 10)
    quiet = np.concatenate([audio, np.zeros(10 * HOP, np.float32)])
    described = analysis.describe(quiet, onsets)
    nothing = analysis.describe(np.zeros_like(quiet), np.array([], int))
    centres = [
        learn_book(book_features(book, described)[:40])[0] for book in range(len(CODEBOOK_STEMS))
    ]
    codes = Codebooks(centres).encode([described, nothing, described, described])
    assert (codes[2] == SILENCE).all()
    assert codes[0, :5].tolist() == [13, 16, 17, 18, 19]  # all but the bass begin at once
    for book in (1, 3, 4, 5, 6):
        assert (codes[book, :40] != SILENCE).all() and (codes[book, 41:] == SILENCE).all()


def test_a_book_finds_the_centres_of_clusters(monkeypatch):
    monkeypatch.setattr(books, "ENTRIES", 17)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(16, 6)) * 4
    points = centres[rng.integers(16, size=4000)] + 0.05 * rng.normal(size=(4000, 6))
    found, left = learn_book(points.astype(np.float32))
    assert left < 0.1
    assert found.shape == (17, 6)


def test_codebooks_are_read_as_they_were_written(tmp_path):
    made = Codebooks([np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)] * 2)
    made.save(tmp_path / "books.safetensors")
    again = Codebooks.load(tmp_path / "books.safetensors")
    assert all(np.array_equal(a, b) for a, b in zip(made.centres, again.centres, strict=True))


def test_music_that_gives_way_to_other_music_begins_anew_there():
    one, other = (render_stems(Piece("songs", n, 4.0)) for n in (4, 5))
    cut = one.giving_way(other, 100)
    at = 100 * HOP
    assert np.array_equal(cut.audio[:, :at], one.audio[:, :at])
    assert np.array_equal(cut.audio[:, at:], other.audio[:, at:])
    for made, before, after in zip(cut.onsets, one.onsets, other.onsets, strict=True):
        assert 100 in made
        assert made[made < 100].tolist() == before[before < 100].tolist()
        assert made[made > 100].tolist() == after[after > 100].tolist()


def test_the_rhythm_says_nothing_of_the_music_to_come(tmp_path):
    rng = np.random.default_rng(0)
    sizes = (64, 217, 200, 17, 200, 17)
    path = tmp_path / "books.safetensors"
    Codebooks([rng.normal(size=(8, n)).astype(np.float32) for n in sizes]).save(path)
    ahead = foresight_of(Piece("songs", 4, 4.0), Piece("songs", 5, 4.0), path)
    assert ahead.shape == (7,) and ahead[0] == 0
