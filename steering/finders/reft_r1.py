"""Vectors that hear a concept and play it, learned together by gradient (AxBench's ReFT-r1, arXiv 2501.17148).

A vector of length 1 hears the concept in a frame as ``relu(h . w)``. Where the concept is, what is added is
the mean of the loudest frames of the window times the vector; what is learned makes the codes likeliest,
and what is heard anywhere else costs its sum, at first nothing and at last its full price.

Other than in the paper: the music's seconds stand for its instructions; every layer has a vector, and
all push at once; all concepts are learned together, and the clips of each are the others' negatives;
vectors are centred over the concepts. The stream is heard about its mean, in shares of its typical
length, in a pass without pushes: what a layer before has added would be heard as the concept.
"""

from __future__ import annotations

import torch
from torch import Tensor

from steering.activations.hooks import Change, reading
from steering.activations.reader import typical_norms
from steering.directions.bank import Bank
from steering.finders.finder import Finder
from steering.finders.learned import learned_bank, material
from steering.models.interface import MusicModel
from steering.training.likelihood import (
    Course,
    Lesson,
    Windows,
    has_classes,
    judged,
    learn,
    loss_of,
    worded,
)
from steering.training.workshop import Workshop

LOUDEST = 16
"""Frames of a window whose mean is played."""

PRICE = 0.005
"""Of what is heard elsewhere, in nats a share of the stream: the paper's."""

COURSE = Course(steps=120, rate=0.1)


def find(workshop: Workshop, family: str, shuffled: bool = False) -> Bank:
    """A family's vectors at all layers.

    Raises:
        BadInput: the family's concepts are numbers.
    """
    train, validation, data, generator = material(workshop, family, shuffled)
    about = data.x["train"].mean(0), typical_norms(data.x["train"])
    vectors, lesson = learned_vectors(
        workshop.model, train, validation, about, len(data.concepts), generator
    )
    settings: dict[str, object] = {"loudest": LOUDEST, "price": PRICE}
    return learned_bank(workshop, family, finder.name, vectors, lesson, settings, shuffled)


def learned_vectors(
    model: MusicModel,
    train: Windows,
    validation: Windows,
    about: tuple[Tensor, Tensor],
    concepts: int,
    generator: torch.Generator,
    course: Course = COURSE,
    price: float = PRICE,
) -> tuple[Tensor, Lesson]:
    """Vectors ``[C, L, D]`` of length 1.

    Args:
        about: the stream's mean ``[L, D]`` and typical length ``[L]``.
    """
    mean, norms = (one.to(model.device) for one in about)
    size = (concepts, model.origin.layers, model.origin.size)
    raw = torch.randn(size, generator=generator).to(model.device).requires_grad_(True)

    def loss(windows: Windows, share: float = 0.0) -> Tensor:
        steps = windows.steps(concepts).to(model.device)
        silent = worded(model, [""]).repeated(len(windows))
        streams = left_alone(model, windows) - mean
        amounts, elsewhere = heard(streams / norms[:, None], steps, unit(raw))
        change = playing(steps, amounts, unit(raw) * norms[:, None])
        return loss_of(model, windows, silent, change) + share * price * elsewhere

    batches = train.batches(course.batch, generator)
    lesson = learn([raw], batches, loss, judged(validation, loss), course)
    return unit(raw.detach()).cpu(), lesson


def unit(raw: Tensor) -> Tensor:
    """Vectors ``[C, L, D]`` about their mean over the concepts, of length 1."""
    centred = raw - raw.mean(0)
    return centred / centred.norm(dim=-1, keepdim=True).clamp_min(1e-9)


def heard(streams: Tensor, steps: Tensor, units: Tensor) -> tuple[Tensor, Tensor]:
    """How loud each window's concepts are where they should be, and how loud all is elsewhere.

    Args:
        streams: ``[B, S, L, D]``. steps: ``[B, S, C]``, 1 where a concept is.

    Returns:
        The mean of the loudest frames ``[B, L, C]``; the sum of all others, a step and layer.
    """
    loud = torch.einsum("bsld,cld->bslc", streams, units).relu()
    loudest = (loud * steps[:, :, None]).topk(min(LOUDEST, loud.shape[1]), dim=1).values
    elsewhere = loud.sum() - loudest.sum()
    return loudest.mean(1), elsewhere / (loud.shape[0] * loud.shape[1] * loud.shape[2])


def playing(steps: Tensor, amounts: Tensor, vectors: Tensor) -> Change:
    """Add to every step ``[B, S, C]`` its concept's vector ``[C, L, D]``, as loud as ``[B, L, C]``."""

    def change(layer: int, stream: Tensor) -> Tensor:
        return stream + ((steps * amounts[:, None, layer]) @ vectors[:, layer]).to(stream.dtype)

    return change


def left_alone(model: MusicModel, windows: Windows) -> Tensor:
    """What every block gives while it reads the windows, left alone: ``[B, S, L, D]``."""
    layers: list[Tensor] = []
    columns = model.delayed(windows.codes.long().to(model.device))[..., :-1]
    silent = worded(model, [""]).repeated(len(windows))
    with torch.no_grad(), reading(model, lambda _, stream: layers.append(stream.float())):
        model.through_blocks(columns, silent)
    return torch.stack(layers, 2)


finder = Finder("reft_r1", "vectors that hear and play", has_classes, find)
