"""The language model: words, delay, guidance, its optimiser, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sketch.codec.books import Codebooks
from sketch.codec.model import SketchCodec, SketchCodecConfig
from sketch.language import model as shape
from sketch.language import train, words
from sketch.language.batches import IGNORED, Batches, Length
from sketch.language.corpus import Song, encode_corpus, fingerprint
from sketch.language.delay import delayed
from sketch.language.muon import Muon, orthogonal
from sketch.language.text import caption
from sketch.material import MIX, Piece, pieces, split_of
from sketch.prompts import unknown_words
from tests.test_sketch_codec import SMALL
from tests.toy import centres


def songs(count: int, frames: int = 30, entries: int = 32) -> list[Song]:
    rng = np.random.default_rng(0)
    return [
        Song(
            Piece("songs", n, frames / 50), rng.integers(entries, size=(5, frames)).astype("u2"), 4
        )
        for n in range(count)
    ]


def batches(tokenizer, corpus, **options) -> Batches:
    return Batches(corpus, tokenizer, 32, seed=0, lengths=(Length(30, 2, 1.0),), **options)


def test_codes_that_sound_alike_begin_alike(run):
    """Neighbours in the codec are neighbours in embeddings and heads, of the sizes that they had."""
    decoder = run.model.decoder
    tables = (decoder.model.decoder.embed_tokens, decoder.lm_heads)
    learned = list(zip(Codebooks(centres()).places, *tables, strict=True))[1:]
    for book, embedding, head in learned:
        apart = torch.cdist(book, book).flatten()
        for made in (embedding.weight.detach()[:32], head.weight.detach()):
            distances = torch.cdist(made, made).flatten()
            assert torch.corrcoef(torch.stack([apart, distances]))[0, 1] > 0.8
        assert embedding.weight.std().item() == pytest.approx(0.35, rel=0.2)


def test_places_keep_their_shape_and_lose_their_mean():
    torch.manual_seed(0)
    vectors = torch.randn(200, 8) * torch.tensor([4.0] + [1.0] * 7) + 5
    made = shape.places(vectors, 32)
    assert made.mean(0).abs().max() < 1e-5
    assert made.square().sum(1).mean().item() == pytest.approx(1.0, abs=1e-5)
    spread = torch.linalg.svdvals(made)[:8]
    assert 1.5 < (spread[0] / spread[-1]).item() < 3


def test_the_delay_is_that_of_transformers(run):
    """Where generation says that a code is still to come, training has a target, and there only."""
    books, frames = 5, 12
    pad = run.model.decoder.config.pad_token_id
    start = torch.full((books, 1), pad)
    _, mask = run.model.decoder.build_delay_pattern_mask(start, pad, max_length=frames + books)
    columns = delayed(torch.zeros(books, frames, dtype=int), pad)[:, : frames + 1].numpy()
    to_come = (mask.view(books, -1)[:, : frames + 1] == -1).numpy()
    assert np.array_equal(columns != pad, to_come)


def test_a_batch_asks_at_each_step_for_what_stands_at_the_next(tokenizer):
    batch = batches(tokenizer, songs(3)).next()
    known = batch.targets[..., :-1] != IGNORED
    assert torch.equal(batch.inputs[..., 1:][known], batch.targets[..., :-1][known])
    assert (batch.inputs[..., 0] == 32).all()
    assert (batch.targets[:, 3, :3] == IGNORED).all() and (batch.targets[:, 3, 3] != IGNORED).all()


def test_a_short_song_is_filled_up_with_what_is_not_learned(tokenizer):
    batch = batches(tokenizer, songs(1, frames=20)).next()
    assert (batch.targets[:, 0, 20:] == IGNORED).all()
    assert (batch.targets[:, 0, :20] != IGNORED).all()


def test_every_song_is_taken_before_any_is_taken_again(tokenizer):
    stream = batches(tokenizer, songs(8))
    seen = [stream._deal(stream.lengths[0]).piece.index for _ in range(16)]
    assert sorted(seen[:8]) == sorted(seen[8:]) == list(range(8))


def test_captions_are_dropped_as_often_as_asked(tokenizer):
    stream = batches(tokenizer, songs(50), no_prompt=0.25)
    dropped = np.mean([1 - stream.next().prompted.mean().item() for _ in range(200)])
    assert dropped == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize("prompted", [True, False])
def test_other_music_goes_before_captioned_crops_that_are_long(tokenizer, prompted):
    pair = [Song(Piece("songs", n, 8.4), np.full((5, 420), n, "u2"), 8) for n in (3, 9)]
    stream = Batches(pair, tokenizer, 32, 0, (Length(400, 2, 1.0), Length(30, 2, 1.0)),
                     no_prompt=float(not prompted), spliced=1.0)  # fmt: skip
    changes = {29: [], 399: []}
    for batch in (stream.next() for _ in range(20)):
        first = batch.targets[:, 1, 1:]
        assert (first != IGNORED).all()
        assert (first.diff(dim=1) != 0).sum(1).max() <= 1
        changes[first.shape[1]] += (first[:, :1] == first).sum(1).tolist()
    assert set(changes[29]) == {29}
    if prompted:
        assert max(changes[399]) <= 200 and len(set(changes[399])) > 5
        assert all(change % 8 == 0 for change in changes[399] if change < 399)
    else:
        assert set(changes[399]) == {399}


def test_a_dropped_caption_is_what_generate_guides_away_from(run, tokenizer):
    """Cross-entropy without a caption equals that of the zeros and masks that `generate` makes."""
    batch = batches(tokenizer, songs(2), no_prompt=1.0).next()
    ours = train.cross_entropy(run.model.eval(), batch)
    text = torch.zeros(2, batch.text.shape[1], run.model.text_encoder.config.d_model)
    whole = shape.assemble(SketchCodec(SketchCodecConfig(**SMALL)), run.model).eval()
    logits = whole(
        encoder_outputs=(text,),
        attention_mask=torch.zeros_like(batch.mask),
        decoder_input_ids=batch.inputs.flatten(0, 1),
    ).logits.view(2, 5, 30, 32)
    theirs = torch.stack(
        [
            torch.nn.functional.cross_entropy(
                logits[:, k].flatten(0, 1), batch.targets[:, k].flatten(), ignore_index=IGNORED
            )
            for k in range(5)
        ]
    )
    assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.skipif(
    train.fast_precision("cpu") != torch.bfloat16, reason="this processor has no bfloat16"
)
def test_bfloat16_gives_the_cross_entropy_of_float32_to_its_own_precision(run, tokenizer):
    batch = batches(tokenizer, songs(2)).next()
    exact = train.cross_entropy(run.model.eval(), batch)
    narrow = train.cross_entropy(run.model, batch, precision=torch.bfloat16)
    assert not torch.equal(exact, narrow)
    assert torch.allclose(exact, narrow, rtol=0.02)


def test_loops_repeat_their_first_bars_and_grids_are_no_loops(tokenizer):
    rng = np.random.default_rng(0)
    genre = Song(Piece("genres", 0, 4.0), rng.integers(32, size=(5, 200)).astype("u2"), 20)
    note = Song(Piece("notes", 0, 4.0), genre.codes, 20)
    stream = batches(tokenizer, [genre], looped=1.0, from_start=0.5)
    assert stream._turn(note, 100) == 0
    found = set()
    for _ in range(20):
        crop = stream._crop(genre, 100)
        turn = next(n for n in (20, 40) if (crop[:, n:] == crop[:, :-n]).all())
        found.add(turn)
        assert any(
            (crop[:, :turn] == genre.codes[:, s : s + turn]).all() for s in range(0, 161, 20)
        )
    assert found == {20, 40}


def test_a_batch_in_two_parts_is_learned_as_in_one(run, tokenizer):
    """Mean loss and mean gradients of the halves are those of the whole."""
    batch = batches(tokenizer, songs(2), no_prompt=0.0).next()
    learned = list(run.model.parameters())
    run.model.train()
    alone = train._descent(run, batch, learned)
    run.side_by_side = 2
    halves = train._descent(run, batch, learned)
    assert len(batch.split(2)) == 2 and len(batch.split(5)) == 2
    assert torch.allclose(alone[0], halves[0], atol=1e-5)
    for one, other in zip(alone[1], halves[1], strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.allclose(one, other, atol=1e-5)


def test_a_codebooks_own_temperature_divides_its_logits_and_can_be_taken_back(run):
    whole = shape.assemble(SketchCodec(SketchCodecConfig(**SMALL)), run.model).eval()
    asked = {
        "input_ids": torch.ones(2, 5, dtype=torch.long),
        "attention_mask": torch.ones(2, 5, dtype=torch.long),
        "decoder_input_ids": torch.randint(32, (10, 6)),
    }
    before = whole(**asked).logits.view(2, 5, 6, 32)
    chosen = [0.5, 1.0, 1.0, 2.0, 0.8]
    shape.set_temperatures(whole, chosen)
    assert shape.temperatures_of(whole) == chosen
    after = whole(**asked).logits.view(2, 5, 6, 32)
    assert torch.allclose(after, before / torch.tensor(chosen)[None, :, None, None], atol=1e-5)
    shape.set_temperatures(whole, [1.0] * 5)
    assert torch.allclose(whole(**asked).logits.view(2, 5, 6, 32), before, atol=1e-5)


def test_it_learns_two_songs_apart_by_their_captions(run, tokenizer):
    pair = [Song(Piece("songs", 0, 0.6), np.full((5, 30), 3, "u2"), 4),
            Song(Piece("songs", 1, 0.6), np.full((5, 30), 9, "u2"), 4)]  # fmt: skip
    stream = batches(tokenizer, pair, no_prompt=0.1)
    first = np.mean(train.step(run, stream.next()))
    for _ in range(60):
        last = np.mean(train.step(run, stream.next()))
    assert last < 0.2 * first
    shown = [batches(tokenizer, pair, no_prompt=0.0).next()]
    with_captions = np.mean(train.validate(run, shown))
    without = np.mean(train.validate(run, shown, prompted=False))
    assert with_captions < without


def test_the_words_of_a_caption_tell_which_codes_come(run, tokenizer, monkeypatch):
    """Songs by a flute hold one code, songs by a piano another: the text encoder learns which."""
    monkeypatch.setattr(words, "BATCH", 16)
    corpus = [
        Song(piece, np.full((5, 30), 3 if piece.spec().labels["lead"] == "flute" else 9, "u2"), 4)
        for piece in (Piece("songs", n, 0.6) for n in range(400))
        if piece.spec().labels["lead"] in ("flute", "piano")
    ]
    monkeypatch.setattr(words, "caption", lambda piece, rng: piece.spec().labels["lead"])
    losses = words.learn_words(run.model.text_encoder, tokenizer, corpus, 32, steps=60)
    assert losses[0] > np.log(32) - 0.5
    assert losses[-1] < 0.1 < np.log(2)


def test_the_projection_begins_with_what_differs_between_captions(run, tokenizer):
    projection, text = run.model.enc_to_dec_proj, run.model.text_encoder
    corpus = [Song(piece, np.zeros((5, 9), "u2"), 4) for piece in pieces("train", 1.0)]
    words.whiten(projection, text, tokenizer, corpus)
    rng = np.random.default_rng(5)
    read = tokenizer(
        [caption(s.piece, rng) for s in corpus[:200]], padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        states = projection(text(**read).last_hidden_state)[read.attention_mask.bool()]
    assert states.mean(0).abs().max() < 0.3
    assert 0.3 < float(states.square().mean()) < 1.2


def test_a_caption_counts_most_at_the_start(run, tokenizer):
    batch = batches(tokenizer, songs(2), no_prompt=0.0).next()
    first, last = torch.zeros(30), torch.zeros(30)
    first[:4], last[4:] = 1, 1
    whole = train.cross_entropy(run.model.eval(), batch)
    parts = [train.cross_entropy(run.model, batch, weights) for weights in (first, last)]
    assert torch.allclose((4 * parts[0][0] + 26 * parts[1][0]) / 30, whole[0], atol=1e-5)


def test_code_shares_count_each_entry_of_the_codebooks():
    shares = words.code_shares(np.array([[0, 0, 1, 3], [2, 2, 2, 2]]), 4)
    assert shares.tolist() == [[0.5, 0.25, 0, 0.25], [0, 0, 1, 0]]


@pytest.mark.parametrize("size", [(8, 32), (32, 8), (16, 16)])
def test_orthogonal_matrices_have_singular_values_near_one(size):
    torch.manual_seed(0)
    made = orthogonal(torch.randn(3, *size))
    values = torch.linalg.svdvals(made)
    assert values.min() > 0.5 and values.max() < 1.3


def test_muon_finds_the_matrix_that_was_planted():
    torch.manual_seed(0)
    planted = torch.randn(12, 20)
    weight = torch.nn.Parameter(torch.zeros(12, 20))
    optimiser = Muon([weight], lr=0.1, weight_decay=0.0)
    for step in range(200):
        optimiser.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        optimiser.zero_grad()
        inputs = torch.randn(64, 20)
        (inputs @ (weight - planted).T).square().mean().backward()
        optimiser.step()
    assert (weight - planted).norm() < 0.1 * planted.norm()


def test_words_of_captions_are_known_and_others_are_named(tokenizer):
    rng = np.random.default_rng(1)
    for piece in pieces("test", 0.2):
        assert len(tokenizer(caption(piece, rng)).input_ids) <= 64
    assert unknown_words(tokenizer, "A calm jazz waltz led by a flute in D minor.") == []
    assert unknown_words(tokenizer, "a Gregorian chant with flute") == ["Gregorian", "chant"]


def test_the_tokenizer_does_not_care_for_case_or_accents(tokenizer):
    assert tokenizer("Bossa Nova, CALM").input_ids == tokenizer("bossa nova, cálm").input_ids
    assert tokenizer("jazz").input_ids[-1] == tokenizer.eos_token_id


def test_songs_are_phrased_in_many_ways_and_say_the_same(tokenizer):
    piece = Piece("songs", 5, 12.0)
    phrasings = {caption(piece, np.random.default_rng(n)) for n in range(40)}
    assert len(phrasings) > 6
    labels = piece.spec().labels
    assert any(f"{labels['key']} {labels['mode']}" in phrasing for phrasing in phrasings)


def test_a_longer_corpus_begins_with_the_shorter_one():
    short, long = pieces("train", 2.0), pieces("train", 3.5)
    assert long[: len(short)] == short
    assert len(set(long)) == len(long)
    assert sum(piece.seconds for piece in long) == pytest.approx(3.5 * 3600, rel=0.01)


def test_the_corpus_holds_every_share_and_only_its_split():
    corpus = pieces("validation", 1.0)
    assert {(piece.family, piece.seconds) for piece in corpus} == {
        (share.family, share.seconds) for share in MIX
    }
    assert {split_of(piece) for piece in corpus} == {"validation"}
    assert not set(corpus) & set(pieces("train", 1.0))


def test_a_long_song_goes_on_past_the_length_of_the_dataset():
    score = Piece("songs", 7, 30.0).spec().score()
    assert score.get_end_time() > 25


def test_crops_begin_on_a_downbeat(tokenizer):
    count = np.tile(np.arange(40) % 8, (5, 1)).astype("u2")
    corpus = [Song(Piece("songs", n, 0.8), count, bar=8) for n in range(4)]
    stream = Batches(corpus, tokenizer, 32, 0, (Length(12, 4, 1.0),), from_start=0.0)
    first = torch.cat([stream.next().targets[:, 1, 1] for _ in range(10)])
    assert (first == 0).all()


def test_a_corpus_is_encoded_once_for_each_set_of_codebooks(tmp_path):
    made, books = [], [tmp_path / "one.safetensors", tmp_path / "other.safetensors"]
    for seed, path in enumerate(books):
        rng = np.random.default_rng(seed)
        sizes = (64, 217, 200, 17, 200, 17)
        Codebooks([rng.normal(size=(8, n)).astype(np.float32) for n in sizes]).save(path)
        for _ in range(2):
            calls: list[int] = []
            corpus = encode_corpus(
                tmp_path / "codes",
                path,
                "validation",
                0.02,
                1,
                lambda done, total, calls=calls: calls.append(done),
            )
            made.append((len(calls), len(corpus)))
    assert [calls for calls, _ in made] == [1, 0, 1, 0]
    assert {count for _, count in made} == {len(corpus)} and len(corpus) >= 3
    assert corpus[0].codes.shape == (7, round(corpus[0].piece.seconds * 50))
    assert fingerprint(books[0]) != fingerprint(books[1])
