"""Vectors that make the frozen model expect a concept, learned by gradient (AxBench's SSV, arXiv 2501.17148).

One vector a concept and layer is added after every block in exactly the seconds that have the concept,
all at once: each second is pushed by the vector of its own class. What is learned makes the codes of the
clips likeliest, without a prompt, as activations are read. Vectors are centred over the concepts: what
makes every clip likelier is no part of any.

Other than in the paper every layer is pushed, as clips are steered, no farther than a share of its typical
length, and all concepts are learned together.
"""

from __future__ import annotations

import torch
from torch import Tensor

from steering.activations.reader import typical_norms
from steering.directions.bank import Bank
from steering.finders.finder import Finder
from steering.finders.learned import learned_bank, material, pushing
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

STRENGTH = 0.06
"""Of the stream's typical length at each layer, at most."""

START = 1e-4
"""Spread of what the vectors begin with: next to nothing."""

COURSE = Course(steps=120, rate=0.02)


def find(workshop: Workshop, family: str, shuffled: bool = False) -> Bank:
    """A family's vectors at all layers.

    Raises:
        BadInput: the family's concepts are numbers.
    """
    train, validation, data, generator = material(workshop, family, shuffled)
    norms = typical_norms(data.x["train"])
    vectors, lesson = learned_vectors(
        workshop.model, train, validation, norms, len(data.concepts), generator
    )
    return learned_bank(
        workshop, family, finder.name, vectors, lesson, {"strength": STRENGTH}, shuffled
    )


def learned_vectors(
    model: MusicModel,
    train: Windows,
    validation: Windows,
    norms: Tensor,
    concepts: int,
    generator: torch.Generator,
    course: Course = COURSE,
) -> tuple[Tensor, Lesson]:
    """Vectors ``[C, L, D]`` in shares of `STRENGTH`, of length 1 at most.

    Args:
        norms: the stream's typical length per layer ``[L]``.
    """
    size = (concepts, model.origin.layers, model.origin.size)
    raw = START * torch.randn(size, generator=generator)
    raw = raw.to(model.device).requires_grad_(True)
    lengths = STRENGTH * norms.to(model.device)[:, None]

    def loss(windows: Windows, share: float = 0.0) -> Tensor:
        silent = worded(model, [""]).repeated(len(windows))
        pushes = bounded(raw) * lengths
        steps = windows.steps(concepts).to(model.device)
        return loss_of(model, windows, silent, pushing(steps, pushes))

    batches = train.batches(course.batch, generator)
    lesson = learn([raw], batches, loss, judged(validation, loss), course)
    return bounded(raw.detach()).cpu(), lesson


def bounded(raw: Tensor) -> Tensor:
    """Vectors ``[C, L, D]`` about their mean over the concepts, none longer than 1."""
    centred = raw - raw.mean(0)
    return centred / centred.norm(dim=-1, keepdim=True).clamp_min(1.0)


finder = Finder("supervised_vector", "supervised vector", has_classes, find)
