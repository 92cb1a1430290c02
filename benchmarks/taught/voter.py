"""A visitor who votes on variations of a prompt, two at a time, by what a listener hears of a concept."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.taught import clips
from benchmarks.taught.concepts import Concept
from benchmarks.taught.ears import EARS
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.teaching.material import Example

SECONDS, FIRST_SEED, PAIRS_AT_ONCE = 8.0, 80_000, 8


def voted(decoder: Decoder, concept: Concept, votes: int) -> list[Example]:
    """Takes that were voted up and down, one vote a take.

    Of two variations the one with more of the concept goes up and the other down; where the voter hears
    no difference, another two are played.

    Args:
        votes: even; half of them up.
    """
    told = (pair for pair in _pairs(decoder, concept.ear) if abs(pair[0][0] - pair[1][0]) > 0)
    examples = []
    for number, pair in enumerate(itertools.islice(told, votes // 2)):
        up = max(pair, key=lambda one: concept.sign * one[0])
        examples += [Example(one[1], one is up, number) for one in pair]
    return examples


def _pairs(decoder: Decoder, ear: str) -> Iterator[list[tuple[float, Tensor]]]:
    """What is heard in each of two takes of a prompt, with its codes ``[K, T]``."""
    model, seeds = decoder.model, itertools.count(FIRST_SEED)
    asked = clips.prompts_from(clips.VOTED)
    while True:
        batch = list(itertools.islice(asked, PAIRS_AT_ONCE))
        takes = [Clip(prompt, next(seeds)) for prompt in batch for _ in range(2)]
        with torch.inference_mode():
            codes = decoder.generate(takes, SECONDS)
            sound = model.decode(codes).cpu().numpy()
        heard = [EARS[ear](one, model.sample_rate) for one in sound]
        known = list(zip(heard, codes.cpu(), strict=True))
        yield from (known[place : place + 2] for place in range(0, len(known), 2))
