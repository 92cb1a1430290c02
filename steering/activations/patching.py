"""Activation patching: what one run's sublayers give, put in the place of another's.

As in Meng et al. (2022, arXiv 2202.05262), with the advice of Heimersheim and Nanda (2024, arXiv
2404.15255): both runs read the same codes, so that they differ in their prompts alone, and whatever a
place carries of the prompt comes along with what it gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from steering.activations.hooks import changing, reading
from steering.models.interface import Condition, MusicModel
from steering.models.origin import SITE
from steering.models.sites import SITES, SUBLAYERS, Site


class Place(NamedTuple):
    """A site of one block."""

    layer: int
    site: Site

    def __str__(self) -> str:
        return f"{self.site} {self.layer}"


def sublayer_places(layers: int) -> list[Place]:
    """All three sublayers of every block, in the order in which they add to the stream."""
    return [Place(layer, site) for layer in range(layers) for site in SUBLAYERS]


def stream_places(layers: int) -> list[Place]:
    """Every block's output: all that the model knows there."""
    return [Place(layer, SITE) for layer in range(layers)]


def outputs(model: MusicModel, columns: Tensor, condition: Condition) -> dict[Place, Tensor]:
    """What is given at every place, ``[R, S, D]``, in one pass over delayed codes ``[R, K, S]``."""
    found: dict[Place, Tensor] = {}

    with ExitStack() as hooks:
        for site in SITES:

            def take(layer: int, stream: Tensor, site: Site = site) -> None:
                found[Place(layer, site)] = stream

            hooks.enter_context(reading(model, take, site))
        model.run(columns, condition)
    return found


@contextmanager
def patched(model: MusicModel, held: Mapping[Place, Tensor]) -> Iterator[None]:
    """Put what is held ``[R, S, D]`` in the place of what the model gives there, while inside."""
    with ExitStack() as hooks:
        for site in {place.site for place in held}:

            def put(layer: int, stream: Tensor, site: Site = site) -> Tensor:
                return held.get(Place(layer, site), stream)

            hooks.enter_context(changing(model, put, site))
        yield


def log_likelihood(model: MusicModel, codes: Tensor, condition: Condition) -> Tensor:
    """How likely codes ``[R, K, T]`` are in one teacher-forced pass, in nats a second: float32 ``[R]``.

    These are the conditional rows alone: there is no guidance.
    """
    columns = model.delayed(codes)
    logits = model.logits(columns, condition)[:, :, :-1]
    wanted = columns[:, :, 1:]
    there = wanted != model.blank
    chances = logits.float().log_softmax(-1)
    said = chances.gather(-1, wanted.where(there, torch.zeros_like(wanted))[..., None])[..., 0]
    return (said * there).sum((1, 2)) * model.frame_rate / codes.shape[-1]
