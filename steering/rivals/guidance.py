"""Guidance towards a prompt, in the space of scores: nothing but words, and more of them.

Three rows a clip: the prompt, the prompt that names the concept, and none. To the guided logits of the
first is added how much likelier the second makes each code than the first does (composition of
conditions, Liu et al. 2022, arXiv 2206.01714): as much as guidance itself is asking in words.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from steering.decoding.clip import Clip
from steering.decoding.reference import Rows, generate_mixed
from steering.decoding.sampling import Sampling, guided
from steering.models.interface import Condition, MusicModel
from steering.rivals.rival import Play, Rival, Wanted
from steering.training.workshop import Workshop


def prepare(workshop: Workshop, source: str) -> Play:
    """What plays it on the workshop's model; it learns from no clip."""

    def play(
        wanted: Sequence[Wanted], seconds: float, sampling: Sampling, amount: float = 1.0
    ) -> Tensor:
        return generate(workshop.model, wanted, seconds, sampling, amount)

    return play


def generate(
    model: MusicModel, wanted: Sequence[Wanted], seconds: float, sampling: Sampling, amount: float
) -> Tensor:
    """Codes ``[B, K, T]``; with an amount of 0 those of the twins."""
    count = len(wanted)
    words = model.condition([one.prompt for one in wanted] + [one.named for one in wanted])
    nothing = words.with_unconditional().rows(range(2 * count, 3 * count))
    rows = Condition(
        torch.cat([words.states, nothing.states]), torch.cat([words.mask, nothing.mask])
    )

    def mix(logits: Tensor) -> Tensor:
        plain, named, none = logits.chunk(3)
        return guided(torch.cat([plain, none]), sampling.guidance) + amount * (named - plain)

    clips = [Clip(one.prompt, one.seed) for one in wanted]
    return generate_mixed(model, clips, Rows(rows, mix), seconds, sampling)


rival = Rival("guidance", "guidance towards the prompt", (2.0, 4.0, 7.0, 12.0), prepare)
