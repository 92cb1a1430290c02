"""Other ways to a concept than a push: their clips, and what an evaluation makes of them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from steering.decoding.clip import Clip
from steering.decoding.reference import generate
from steering.decoding.sampling import Sampling
from steering.rivals import Wanted, rivals
from tests.toy import toy_model

WANTED = [
    Wanted("calm jazz", "calm jazz in C major", "C", 3),
    Wanted("rock", "rock in A major", "A", 4),
]


@pytest.fixture(scope="module")
def model():
    return toy_model()


@pytest.fixture(scope="module")
def guided(model):
    return rivals()["guidance"].prepare(SimpleNamespace(model=model), "notes")


def unguided_logits(model, prompt, codes):
    columns = model.delayed(codes)
    return model.logits(columns, model.condition([prompt])).log_softmax(-1)


def test_no_guidance_towards_the_prompt_plays_the_twin(model, guided):
    twins = generate(model, [Clip(one.prompt, one.seed) for one in WANTED], 0.5)
    assert torch.equal(guided(WANTED, 0.5, Sampling(), amount=0.0), twins)


def test_as_much_as_guidance_itself_is_asking_in_words(model, guided):
    """``u + g (p - u) + g (n - p) = u + g (n - u)``: with the least temperature the likeliest codes."""
    sampling = Sampling(temperature=0)
    named = generate(model, [Clip(one.named, one.seed) for one in WANTED], 0.5, sampling)
    assert torch.equal(guided(WANTED, 0.5, sampling, amount=sampling.guidance), named)


def test_more_of_it_makes_codes_that_the_named_prompt_finds_likelier(model, guided):
    one = WANTED[0]
    gain = []
    for amount in (0.0, 20.0):
        codes = guided([one], 1.0, Sampling(temperature=0), amount=amount)
        named, plain = (unguided_logits(model, p, codes) for p in (one.named, one.prompt))
        first = codes[0, 0]
        rows = torch.arange(len(first))
        gain.append(float((named - plain)[0, 0, rows, first].mean()))
    assert gain[1] > gain[0]
