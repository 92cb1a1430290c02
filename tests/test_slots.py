"""Slots: whoever comes and goes, every clip is the one that it is alone, code by code."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from steering.decoding.cache import Spare
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.generation import Generation
from steering.decoding.sampling import Sampling
from steering.decoding.slots import Slots
from steering.interventions.monitor import Monitor
from tests.test_decoder import plan, steer


@pytest.fixture(scope="module")
def decoder(model) -> Decoder:
    return Decoder(model)


def jobs(model):
    """Clips of every kind: twins, guidance, sampling, operators, followers, lengths."""
    both = plan(model, steer(model, 0.4), steer(model, 1.0, seed=1, name="D"), seconds=0.8)
    known = plan(
        model, steer(model, 0.7, operator="ablate"), steer(model, -0.5, seed=2), seconds=0.5
    )
    heard = plan(model, steer(model, 0.6, monitor=Monitor()), seconds=0.5)
    return [
        ([Clip("calm jazz", 1, both), Clip("calm jazz", 1)], 0.8, Sampling()),
        ([Clip("sad violin tune", 2, plan(model, steer(model, -0.8, seed=5)))], 0.5, Sampling(1.0)),
        ([Clip("", 3), Clip("rock", 7, known)], 0.5, Sampling(temperature=0.7, top_k=5)),
        ([Clip("rock", 4, heard)], 0.5, Sampling(guidance=5.0)),
        ([Clip("rock", 5, both)], [0.3], Sampling(top_p=0.9)),
        ([Clip("rock", 6, known)], 0.3, Sampling(temperature=0.0)),
    ]


def side_by_side(decoder: Decoder, chosen, apart: int) -> list[torch.Tensor]:
    """The codes of all, each of which comes so many steps after the one before it."""
    slots, made = Slots(decoder.fused), {}
    waiting, playing, step = list(enumerate(chosen)), dict[int, Generation](), 0
    while waiting or playing:
        if waiting and step >= apart * (len(chosen) - len(waiting)):
            number, job = waiting.pop(0)
            playing[number] = decoder.start(*job)
        slots.step(list(playing.values()))
        step += 1
        for number in [n for n, run in playing.items() if run.step == run.steps]:
            run = playing.pop(number)
            made[number] = run.codes(0, run.frames)
    return [made[number] for number in range(len(chosen))]


@pytest.mark.parametrize("apart", [0, 5])
@pytest.mark.parametrize("kinds", [range(2), range(6)])
def test_every_clip_is_the_one_that_it_is_alone(model, decoder, kinds, apart):
    chosen = [jobs(model)[kind] for kind in kinds]
    alone = [decoder.generate(*job) for job in chosen]
    for one, other in zip(side_by_side(decoder, chosen, apart), alone, strict=True):
        assert torch.equal(one, other)


def test_many_rows_equal_few(model, decoder):
    """So many that the products take several rows at a time."""
    both = plan(model, steer(model, 0.4), seconds=0.3)
    chosen = [([Clip("jazz", n, both), Clip("jazz", n)], 0.3, Sampling()) for n in range(5)]
    alone = [decoder.generate(*job) for job in chosen]
    for one, other in zip(side_by_side(decoder, chosen, 1), alone, strict=True):
        assert torch.equal(one, other)


def test_who_leaves_takes_its_memory_along(model, decoder):
    slots = Slots(decoder.fused)
    stays, leaves = (decoder.start([Clip("jazz", seed)], 1.0) for seed in (1, 2))
    for _ in range(3):
        slots.step([stays, leaves])
    cache = weakref.ref(leaves.cache.all)
    del leaves
    assert cache() is None
    slots.step([stays])
    joins = decoder.start([Clip("rock", 3)], 0.3)
    while joins.step < joins.steps:
        slots.step([stays, joins])
    assert torch.equal(joins.codes(0, 15), decoder.generate([Clip("rock", 3)], 0.3))


def test_memory_of_who_left_is_used_again_and_who_has_it_hears_nothing_of_them(model):
    decoder = Decoder(model)
    decoder.fused.spare = Spare()
    alone = decoder.generate([Clip("calm jazz", 1)], 0.5)
    gc.collect()
    first = decoder.start([Clip("rock", 2)], 0.5)
    where = first.cache.all.data_ptr()
    while first.step < first.steps:
        first.advance()
    del first
    gc.collect()
    again = decoder.start([Clip("calm jazz", 1)], 0.5)
    assert again.cache.all.data_ptr() == where and not again.cache.all.any()
    while again.step < again.steps:
        again.advance()
    assert torch.equal(again.codes(0, again.frames), alone)
