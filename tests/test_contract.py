"""The contract of steering, on every decoder that is here; and that it tells who breaks it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from steering.contract import PROMISES, Contract, broken
from steering.decoding.cuda_graph import StaticStep
from steering.decoding.decoder import Decoder
from steering.decoding.generation import Generation
from steering.decoding.reference import generate
from steering.decoding.sampling import Sampling
from steering.decoding.slots import side_by_side

SECONDS = 0.3


def captured(decoder, clips, seconds):
    """Steps on fixed tensors, as a CUDA graph has them."""
    frames = decoder.model.frames(seconds)
    run = Generation(
        decoder.fused,
        decoder.model,
        clips,
        [frames] * len(clips),
        Sampling(),
        decoder.window,
        StaticStep,
    )
    while run.step < run.steps:
        run.advance()
    return run.codes(0, run.frames)


@pytest.fixture(scope="module")
def decoder(model):
    return Decoder(model)


@pytest.fixture(scope="module")
def players(model, decoder):
    """Each with whether it promises the codes of a clip alone."""
    return {
        "a batch": (decoder.generate, True),
        "slots": (partial(side_by_side, decoder, apart=3), True),
        "captured slots": (partial(side_by_side, decoder, apart=3, captured=2), False),
        "captured steps": (partial(captured, decoder), False),
        "hooks": (partial(generate, model), False),
    }


@pytest.mark.parametrize("name", ["a batch", "slots", "captured slots", "captured steps", "hooks"])
def test_every_player_keeps_every_promise(model, players, name):
    play, exact = players[name]
    assert broken(model, play, seconds=SECONDS, exact=exact) == []


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        (lambda clips: [replace(one, plan=None) for one in clips], "steering_is_heard"),
        (lambda clips: [replace(one, plan=clips[-1].plan) for one in clips], "no_row_hears_another"),
        (lambda clips: [replace(one, seed=n) for n, one in enumerate(clips)], "order_does_not_matter"),
        (lambda clips: [replace(one, prompt=clips[-1].prompt) for one in clips], "a_prompt_is_its_own"),
        (lambda clips: [replace(one, seed=0) for one in clips], "a_seed_is_a_seed"),
        (lambda clips: [replace(one, seed=one.seed + (one.plan is not None)) for one in clips],
         "scale_0_changes_nothing"),
    ],
)  # fmt: skip
def test_who_breaks_a_promise_is_told(model, decoder, change, promise):
    def play(clips, seconds):
        return decoder.generate(change(list(clips)), seconds)

    assert not PROMISES[promise](Contract(model, play, SECONDS))


def test_steering_that_stays_is_told(model, decoder):
    kept = []

    def play(clips, seconds):
        kept.extend(one.plan for one in clips if one.plan is not None)
        return decoder.generate([replace(one, plan=(kept or [None])[-1]) for one in clips], seconds)

    assert not PROMISES["removal_restores"](Contract(model, play, SECONDS))
