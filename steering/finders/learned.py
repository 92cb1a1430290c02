"""What finders that learn by gradient share: how steps are pushed, and the bank of what was learned."""

from __future__ import annotations

import torch
from torch import Tensor

from steering.activations.hooks import Change
from steering.directions.bank import Bank
from steering.probes.fitted import finish
from steering.training.banks import Table
from steering.training.likelihood import Lesson, Windows, read_examples, some
from steering.training.workshop import Workshop


def pushing(steps: Tensor, pushes: Tensor) -> Change:
    """Add to every step ``[B, S, C]`` what its concepts push ``[C, L, D]``."""
    return lambda layer, stream: stream + (steps @ pushes[:, layer]).to(stream.dtype)


def material(
    workshop: Workshop, family: str, shuffled: bool
) -> tuple[Windows, Windows, Table, torch.Generator]:
    """What is learned from, what it is judged by, the probes' table, and what draws the batches.

    Raises:
        BadInput: the family's concepts are numbers.
    """
    examples = read_examples(workshop, family)
    generator = torch.Generator().manual_seed(0)
    train, validation = examples.train, some(examples.validation)
    if shuffled:
        train, validation = (one.shuffled(generator) for one in (train, validation))
    return train, validation, workshop.table(family)[0], generator


def learned_bank(
    workshop: Workshop,
    family: str,
    method: str,
    vectors: Tensor,
    lesson: Lesson,
    settings: dict[str, object],
    shuffled: bool,
) -> Bank:
    """A bank of learned vectors ``[C, L, D]``; they point where they push, and tell what they can."""
    data, _ = workshop.table(family)
    dealt = torch.Generator().manual_seed(0) if shuffled else None
    fitted = finish(data.probe_data(dealt), vectors, None, {}, oriented=True)
    facts = settings | {
        "steps": lesson.steps,
        "nats": [round(lesson.before, 4), round(lesson.after, 4)],
        "seconds": round(lesson.seconds, 1),
    }
    return workshop.finished(family, method, fitted, facts, shuffled)
