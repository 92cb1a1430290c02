"""The shipped model: it is whole, it is a MusicGen, and what it plays is music."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoProcessor, MusicgenForConditionalGeneration

from listening.pulse import keeping_time
from sketch.codec.stream import ChunkedDecoder
from sketch.loading import WEIGHTS, Sketch, load_sketch
from sketch.material import Piece, Share, pieces, render
from sketch.measures.decoded import decoded
from sketch.measures.fidelity import compare
from sketch.measures.music import describe
from sketch.prompts import EXAMPLES, check_prompt

LARGEST_MB = 42


@pytest.fixture(scope="module")
def sketch() -> Sketch:
    return load_sketch()


@pytest.fixture(scope="module")
def played(sketch) -> np.ndarray:
    return sketch.play(list(EXAMPLES), seconds=4.0, seed=0)


def test_it_fits_and_transformers_loads_it(sketch):
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < LARGEST_MB * 1e6
    model = MusicgenForConditionalGeneration.from_pretrained(WEIGHTS)
    processor = AutoProcessor.from_pretrained(WEIGHTS)
    config = model.config
    assert (config.audio_encoder.sampling_rate, config.audio_encoder.frame_rate) == (32_000, 50)
    assert (config.decoder.num_codebooks, config.decoder.vocab_size) == (7, 1024)
    assert processor.tokenizer("calm jazz").input_ids[-1] == processor.tokenizer.eos_token_id
    loaded = dict(model.named_parameters())
    assert all(torch.equal(w, loaded[name]) for name, w in sketch.model.named_parameters())


def test_what_it_plays_is_neither_silent_nor_clipped_and_has_notes(sketch, played):
    for audio in played:
        numbers = describe(audio, sketch.sample_rate)
        assert numbers["silent"] == numbers["clipped"] == 0
        assert -45 < numbers["level"] < -10
        assert numbers["note"] >= 0.06
        noise = np.random.default_rng(0).standard_normal(len(audio)).astype("f4") * 0.1
        assert numbers["clarity"] > 1.5 * describe(noise, sketch.sample_rate)["clarity"]


def test_bands_keep_time(sketch):
    """Half of eight bands with drums have a pulse; strokes at random have a quarter of it or less."""
    prompts = [f"{genre} with drums" for genre in ("house", "rock", "funk", "bossa nova")] * 2
    clips = sketch.play(prompts, seconds=6.0, seed=1)
    pulses = [keeping_time(audio, sketch.sample_rate)["pulse"] for audio in clips]
    assert np.median(pulses) > 0.4


def test_the_example_prompts_are_in_words_that_it_knows(sketch, caplog):
    for prompt in EXAMPLES:
        check_prompt(sketch.processor.tokenizer, prompt)
    assert not caplog.records


def test_notes_and_attacks_survive_in_the_codes_of_stems(sketch):
    rows = []
    for piece in some_songs(5):
        made, _ = decoded(piece)
        audio = render(piece).astype(np.float32) / 32767
        rows.append(compare(audio, made[: len(audio)]))
    assert np.mean([row["within 3 dB"] for row in rows]) > 0.85
    assert np.mean([row["cosine"] for row in rows]) > 0.93
    assert np.mean([row["exact"] - row["exact, by chance"] for row in rows]) > 0.4


def test_the_encoder_hears_the_notes_of_a_mixture(sketch):
    codec = sketch.model.audio_encoder
    rows = []
    for piece in some_songs(3):
        audio = render(piece).astype(np.float32) / 32767
        codes = codec.encode(torch.from_numpy(audio)[None, None]).audio_codes
        rows.append(compare(audio, codec.decode(codes).audio_values[0, 0].numpy()))
    assert np.mean([row["cosine"] for row in rows]) > 0.85
    assert np.mean([row["exact"] - row["exact, by chance"] for row in rows]) > 0.25


def some_songs(count: int) -> list[Piece]:
    return pieces("validation", 0.02, (Share("songs", 12.0, 1.0),))[:count]


def test_chunks_of_real_codes_join_without_a_seam(sketch):
    codec = sketch.model.audio_encoder
    sound = render(some_songs(1)[0])
    codes = codec.encode(torch.from_numpy(sound.astype(np.float32) / 32767)[None, None]).audio_codes
    whole = codec.decode(codes).audio_values[0]
    decoder = ChunkedDecoder(codec)
    parts = [decoder.push(part) for part in codes[0].split(25, dim=-1)]
    chunks = torch.cat([*parts, decoder.finish()], dim=-1)
    assert (chunks - whole).abs().max() < 1e-4 * whole.abs().max()


def test_half_a_minute_can_be_played(sketch):
    """Ten seconds here, to be quick; positions go on to forty."""
    assert sketch.model.decoder.config.max_position_embeddings / 50 >= 40
    audio = sketch.play(["jazz"], seconds=10.0, seed=3)[0]
    halves = np.split(audio, 2)
    levels = [describe(half, sketch.sample_rate)["level"] for half in halves]
    assert abs(levels[0] - levels[1]) < 15
