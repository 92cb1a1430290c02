"""What keeps time in the language model: heads that look back, and positions that nothing drowns."""

from __future__ import annotations

import pytest
import torch

from sketch.language import model as shape
from sketch.language import train
from sketch.material import Piece
from tests.test_sketch_language import batches, songs


@pytest.mark.parametrize("heads", [4, 8])
@pytest.mark.parametrize("lag", [1, 24, 191])
def test_a_head_that_looks_back_so_many_frames_does_so_at_every_position(lag, heads):
    """Its attention, by positions alone, is highest at that lag and small far from it."""
    from transformers.models.musicgen import modeling_musicgen as musicgen

    attention, size = musicgen.MusicgenAttention(256, heads), 256 // heads
    shape.look_back(attention, 2, (lag,))
    positions = musicgen.MusicgenSinusoidalPositionalEmbedding.get_embedding(400, 256)
    keys, queries = (
        projection(positions)[:, 2 * size : 3 * size]
        for projection in (attention.k_proj, attention.q_proj)
    )
    scores = queries @ keys.T / size**0.5
    for now in (200, 317, 399):
        weights = scores[now, : now + 1].softmax(0)
        assert weights.argmax() == now - lag
        assert weights[max(0, now - lag - 3) : now - lag + 4].sum() > 0.9


def test_heads_look_for_the_frame_that_followed_a_bar_ago_at_every_tempo():
    """The next frame of a loop is that of a bar ago, one frame less back than the bar is long."""
    lags = {lag for block in shape.LAGS for head in block for lag in head}
    bars = {Piece("genres", n, 12.0).bar_frames for n in range(200)}
    assert len(bars) > 8 and {bar - 1 for bar in bars} <= lags


def test_what_keeps_time_stays_as_it_is_while_the_rest_is_learned(run, tokenizer):
    """Nothing writes where the fast sinusoids stand, and heads that look back do so after a step."""
    run.clock.keep()
    inner = run.model.decoder.model.decoder
    attention = inner.layers[0].self_attn
    before = [attention.q_proj.weight.clone(), attention.v_proj.weight.clone()]
    train.step(run, batches(tokenizer, songs(2)).next())
    assert torch.equal(attention.q_proj.weight, before[0])
    assert not torch.equal(attention.v_proj.weight, before[1])
    places = shape.clock_places(run.model.decoder.config.hidden_size)
    assert all((table.weight[:, places] == 0).all() for table in inner.embed_tokens)
    assert all((layer.fc2.weight[places] == 0).all() for layer in inner.layers)
    assert inner.embed_tokens[0].weight.abs().sum() > 0
