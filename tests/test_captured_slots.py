"""A GPU's slots, on the CPU without being captured: who sits where, and that nobody hears who sits beside."""

from __future__ import annotations

import pytest
import torch

from steering.decoding import captured_slots
from steering.decoding.cache import Cache
from steering.decoding.captured_slots import CapturedSlots, Seat
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.sampling import Sampling
from steering.decoding.slots import Slots
from tests.test_decoder import plan, steer


@pytest.fixture(scope="module")
def decoder(model) -> Decoder:
    return Decoder(model)


@pytest.fixture
def captured(decoder) -> CapturedSlots:
    return CapturedSlots(decoder.fused, clips=3, more=2)


@pytest.fixture
def slots(decoder, captured) -> Slots:
    return Slots(decoder.fused, captured)


def played(slots, run, others=()):
    """The codes of a run, beside others that are played out in turn."""
    waiting, beside = list(others), []
    while run.step < run.steps:
        if waiting and not beside:
            beside = [waiting.pop(0)]
        slots.step([run, *beside])
        beside = [one for one in beside if one.step < one.steps]
    return run.codes(0, run.frames)


def test_a_clip_is_the_same_whoever_sits_beside_it(model, decoder, slots, captured):
    pushed = plan(model, steer(model, 0.4), seconds=0.6)
    twins = [Clip("calm jazz", 1, pushed), Clip("calm jazz", 1)]
    alone = played(slots, decoder.start(twins, 0.6))
    strong = plan(model, steer(model, -2.0, seed=3), seconds=0.3)
    others = [
        decoder.start([Clip("loud rock", n, strong)], seconds, sampling)
        for n, (seconds, sampling) in enumerate(
            [(0.3, Sampling(1.0)), (0.1, Sampling(temperature=0.5, top_k=3)), (0.3, Sampling(6.0))]
        )
    ]
    assert torch.equal(played(slots, decoder.start(twins, 0.6), others), alone)
    assert not torch.equal(alone[0], alone[1])
    assert len(captured._boards) == 1
    assert captured._boards[0].owner[:2] == [None, None]


def test_a_slot_is_free_when_its_clip_is_over_or_nobody_holds_it(decoder, slots, captured):
    for _ in range(2):
        runs = [decoder.start([Clip("jazz", n)], 0.5) for n in range(3)]
        slots.step(runs)
        board = captured._boards[0]
        assert all(board.owner)
        del runs
        assert board.owner == [None] * 3
    assert len(captured._boards) == 1


def test_more_clips_than_a_board_holds_sit_at_another(decoder, slots, captured):
    runs = [decoder.start([Clip("jazz", n)], 0.1) for n in range(5)]
    slots.step(runs)
    assert [board.clips for board in captured._boards] == [3, 2]
    assert all(isinstance(run.cache, Seat) for run in runs)


@pytest.mark.parametrize("sampling", [Sampling(top_p=0.9), Sampling(temperature=0.0)])
def test_who_is_drawn_otherwise_steps_by_itself(decoder, slots, captured, sampling):
    run = decoder.start([Clip("jazz", 1)], 0.1, sampling)
    assert torch.equal(played(slots, run), decoder.generate([Clip("jazz", 1)], 0.1, sampling))
    assert captured._boards == []


def test_a_prompt_of_too_many_words_steps_by_itself(decoder, slots, captured, monkeypatch):
    monkeypatch.setattr(captured_slots, "WORDS", 1)
    slots.step([decoder.start([Clip("calm jazz with a flute", 1)], 0.1)])
    assert captured._boards == []


def test_who_takes_up_another_operator_takes_its_memory_along(model, decoder, slots, captured):
    joins, stays = (decoder.start([Clip("jazz", n)], 0.5) for n in (1, 2))
    for _ in range(4):
        slots.step([joins, stays])
    board = captured._boards[0]
    there = board.cache.all[:, :, [0, 3], :, :4].clone()
    joins.join(0, plan(model, steer(model, 0.5, operator="ablate"), seconds=0.5))
    slots.step([joins, stays])
    assert isinstance(joins.cache, Cache)
    assert torch.equal(joins.cache.all[..., :4, :], there)
    assert there.any()
    assert board.owner[0] is None
    assert board.owner[1] is not None
    played(slots, joins, [stays])


def test_where_memory_is_short_a_board_has_fewer_slots(decoder, slots, captured, monkeypatch):
    one = captured_slots.Board.bytes(decoder.fused, decoder.window.length, 1)
    monkeypatch.setattr(captured_slots, "available", lambda device: 3 * one)
    slots.step([decoder.start([Clip("jazz", 1)], 0.1)])
    assert [board.clips for board in captured._boards] == [1]
