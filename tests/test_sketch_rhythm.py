"""The rhythm: who begins a note, and how long ago the last one began."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sketch.codec import model as codec_model
from sketch.codec.model import Encoder, SketchCodecConfig
from sketch.codec.rhythm import (
    STRUCK,
    counted,
    likeness,
    recounted,
    rhythm_of,
    strikes,
    strokes_in,
)
from sketch.codec.stems import STEMS
from sketch.material import Piece, render_stems
from sketch.rendered import describe
from tests.test_sketch_codec import SMALL


def test_a_beat_of_so_many_frames_counts_up_to_them_and_begins_anew():
    """Kick, hat, kick, hat: between strokes every frame says how long the next one is to be waited for."""
    codes = rhythm_of([np.arange(0, 40, 8)], 40)
    assert codes.reshape(5, 8).tolist() == [[1, *range(STRUCK, STRUCK + 7)]] * 5


@pytest.mark.parametrize("stem", STEMS)
def test_strokes_can_be_read_back_by_stem(stem):
    rng = np.random.default_rng(0)
    onsets = [np.flatnonzero(rng.random(60) < 0.2) for _ in STEMS]
    codes = torch.from_numpy(rhythm_of(onsets, 60))
    assert np.array_equal(np.flatnonzero(strikes(codes, stem)), onsets[STEMS.index(stem)])


def test_counting_ends_at_the_last_entry_and_begins_with_the_first_stroke():
    strokes = torch.zeros(2, 1200, dtype=torch.long)
    strokes[0, 3] = 8
    codes = counted(strokes)
    assert (codes[1] == 0).all() and (codes[0, :3] == 0).all()
    assert codes[0, 3:6].tolist() == [8, 16, 17] and codes[0, -1] == 1023
    assert torch.equal(strokes_in(codes), strokes)


def test_the_rhythm_of_a_piece_is_where_its_notes_begin_and_the_first_codebook():
    piece = Piece("songs", 4, 4.0)
    _, described = describe(piece)
    onsets = render_stems(piece).onsets
    assert all(np.array_equal(d.onsets, o) for d, o in zip(described, onsets, strict=True))
    codes = rhythm_of(onsets, 200)
    begins = set(np.flatnonzero(codes < STRUCK)) - set(np.flatnonzero(codes == 0))
    assert begins == {int(f) for stem in onsets for f in stem if f < 200}


def test_a_crop_counts_from_its_own_first_stroke():
    whole = rhythm_of([np.array([2, 9, 20])], 30)
    assert recounted(whole[2:]).tolist() == whole[2:].tolist()
    assert recounted(whole[5:])[:5].tolist() == [0, 0, 0, 0, 1]


def test_near_counts_are_more_alike_than_far_ones_and_strokes_are_apart():
    places = torch.from_numpy(likeness())
    counts = torch.cdist(places[16:80], places[16:80])
    near, far = counts.diagonal(1).mean(), counts.diagonal(20).mean()
    assert 0 < near < 0.5 * far
    assert torch.cdist(places[1:16], places[16:80]).min() > 0.9
    assert torch.pdist(places).min() > 1e-3


def test_the_encoder_lets_a_note_begin_once_where_it_is_likeliest(monkeypatch):
    encoder = Encoder(SketchCodecConfig(**SMALL), 8)
    begins = torch.full((1, 4, 9), -3.0)
    begins[0, 0, 2:5] = torch.tensor([1.0, 2.0, 1.5])
    begins[0, 3, 3] = 0.5
    begins[0, 1, 7] = -0.5
    likely = torch.zeros(1, 4, 9, 32)
    monkeypatch.setattr(Encoder, "forward", lambda self, bands: (begins, likely))
    codes = encoder.codes(torch.zeros(1, 9, 8))
    assert codes.shape == (1, 5, 9) and codec_model.LIKELY_STRUCK == 0
    assert codes[0, 0].tolist() == [0, 0, 0, 9, 16, 17, 18, 19, 20]
