"""A training that is killed goes on to the weights that it would have had, and is alone in its folder."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from curation.locks import locked
from sketch.checkpoints import Amount, preparing, read_checkpoint, training
from sketch.codec.books import Codebooks
from sketch.codec.stems import BOOKS_FILE
from sketch.language import train, words
from sketch.language.batches import Batches, Length
from sketch.language.corpus import Song
from sketch.material import Piece
from sketch.rendered import Crops, RenderedShard
from tests.toy import centres

STEPS = Amount(steps=6)
LENGTHS = (Length(20, 4, 0.5), Length(30, 2, 0.5))


def songs(*_: object) -> list[Song]:
    rng = np.random.default_rng(0)
    return [
        Song(Piece("songs", n, 0.6), rng.integers(32, size=(5, 30)).astype("u2"), 4)
        for n in range(9)
    ]


@pytest.fixture
def small(run, monkeypatch):
    """Training at the size of the fixture `run`: a few songs, saved after each step."""
    monkeypatch.setattr(train, "encode_corpus", songs)
    monkeypatch.setattr(train, "ENTRIES", 32)
    monkeypatch.setattr(train, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(train, "VALIDATION", Length(20, 2, 1.0))
    monkeypatch.setattr(words, "BATCH", 8)
    monkeypatch.setattr(train, "learn_words", partial(words.learn_words, steps=5))

    def batches(*given):
        return Batches(*given[:4], *(given[4:] or (LENGTHS,)))

    monkeypatch.setattr(train, "Batches", batches)


def started(folder):
    folder.mkdir()
    Codebooks(centres()).save(folder / BOOKS_FILE)
    return folder


def kept(folder) -> list[torch.Tensor]:
    """All numbers of a checkpoint, weights, momenta, random states."""
    saved = read_checkpoint(folder / train.CHECKPOINT)
    assert saved["numbers"].pop("seconds") >= 0
    found: list[torch.Tensor] = []

    def walk(value) -> None:
        if isinstance(value, dict | list | tuple):
            for one in value.values() if isinstance(value, dict) else value:
                walk(one)
        else:
            found.append(value)

    walk(saved)
    return found


def same(one, other) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
        for a, b in zip(one, other, strict=True)
    )


def test_a_training_of_so_many_steps_ends_the_same_however_often_it_is_killed(
    small, tmp_path, monkeypatch
):
    train.train(started(tmp_path / "one"), STEPS)
    folder, step = started(tmp_path / "two"), train.step
    for life in (1, 2, 3):
        left = [life]

        def dies(*given, left=left):
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
            return step(*given)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(train, "step", dies)
            train.train(folder, STEPS)
    train.train(folder, STEPS)
    assert same(kept(tmp_path / "one"), kept(folder))
    train.train(started(tmp_path / "other"), STEPS, seed=1)
    assert not same(kept(tmp_path / "one"), kept(tmp_path / "other"))


def test_the_words_are_learned_once_though_it_is_killed_in_its_first_step(
    small, tmp_path, monkeypatch
):
    folder, calls, learn = started(tmp_path / "one"), [], train.learn_words
    monkeypatch.setattr(train, "learn_words", lambda *given: calls.append(1) or learn(*given))

    def dies(*_):
        raise KeyboardInterrupt

    for _ in range(2):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(train, "step", dies)
            train.train(folder, STEPS)
    assert len(calls) == 1


def test_a_second_training_of_the_same_part_is_refused_in_a_line(small, tmp_path):
    folder = started(tmp_path / "one")
    with (
        training(folder, "lm"),
        pytest.raises(BadInput, match=r"another training of the lm .*process .*or stop it"),
    ):
        train.train(folder, STEPS)
    with training(folder, "lm"), training(folder, "encoder"), preparing(folder / "sound"):
        pass
    assert [path.name for path in folder.iterdir()] == [BOOKS_FILE]


def test_a_checkpoint_of_before_the_stream_was_kept_is_gone_on_with(small, tmp_path):
    folder = started(tmp_path / "one")
    train.train(folder, Amount(steps=2))
    path = folder / train.CHECKPOINT
    saved = torch.load(path, weights_only=True)
    del saved["states"]["batches"]
    torch.save(saved, path)
    train.train(folder, Amount(steps=3))
    assert read_checkpoint(path)["numbers"]["step"] == 3


def test_crops_go_on_where_they_were():
    codes = np.zeros((7, 50), np.uint16)
    shard = RenderedShard(
        np.zeros((4, 50 * 640), np.int16),
        np.arange(50, dtype=np.float16)[:, None],
        codes,
        np.array([0, 50]),
    )
    one = Crops([shard], 5, seed=3)
    one.mixtures(4)
    state = one.state_dict()
    expected = one.mixtures(4)[0]
    other = Crops([shard], 5, seed=0)
    other.load_state_dict(state)
    assert torch.equal(other.mixtures(4)[0], expected)


def test_a_share_is_done_by_steps_or_by_minutes():
    assert Amount(steps=8).done(2, 1e9) == 0.25
    assert Amount(minutes=2).done(10**9, 30.0) == 0.25
    for wrong in ({}, {"minutes": 1, "steps": 1}, {"steps": 0}, {"minutes": float("inf")}):
        with pytest.raises(BadInput, match="give"):
            Amount(**wrong)


def test_what_trainings_share_is_waited_for(tmp_path):
    """`preparing` and a lock of the same name keep each other out."""
    told = []
    with preparing(tmp_path / "sound"):

        def refuse(holder: str) -> None:
            told.append(holder)
            raise BadInput(holder)

        with pytest.raises(BadInput), locked(tmp_path / ".sound.lock", refuse):
            pass
    assert told and told[0].startswith("process ")
