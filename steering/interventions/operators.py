"""What a direction does to an activation: ``(h [..., D], coefficient, vector, even, written) -> [..., D]``.

``vector [D]``, of length 1, is what ``h`` is read along, ``written [D]`` what is added along: the same, but
for concepts that are moved at once (`steering.interventions.apart`). ``even`` is the projection at which
the concept's probe is undecided, 0 where it is not calibrated. Coefficients and evens ``[..., 1]`` and vectors
``[..., D]`` of each row may stand in the place of one for all.

To add one, write the function and mark it with ``@operator``, or with ``@reading_operator`` if it asks for
``even``. A coefficient of 0 must change no bit. That is all it needs; on the CPU it is faster with a
loop of the same name in `steering.decoding.kernels`, which a test compares it with.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Operator = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
OPERATORS: dict[str, Operator] = {}
READING: set[str] = set()
"""Those that need a calibrated direction."""


def operator(function: Operator) -> Operator:
    """Make a function known as an operator by its own name."""
    OPERATORS[function.__name__] = function
    return function


def reading_operator(function: Operator) -> Operator:
    """The same for one that goes by what the probe reads."""
    READING.add(function.__name__)
    return operator(function)


@operator
def add(h: Tensor, coefficient: Tensor, vector: Tensor, even: Tensor, written: Tensor) -> Tensor:
    """``h + c w``."""
    return h + coefficient * written


@operator
def ablate(h: Tensor, coefficient: Tensor, vector: Tensor, even: Tensor, written: Tensor) -> Tensor:
    """``h - c (h . v) w``: 1 takes the direction out, 2 mirrors it."""
    return h - coefficient * (h * vector).sum(-1, keepdim=True) * written


@operator
def add_keeping_norm(
    h: Tensor, coefficient: Tensor, vector: Tensor, even: Tensor, written: Tensor
) -> Tensor:
    """``h + c w``, scaled back to the length of ``h``: turns the activation, adds no energy."""
    moved = h + coefficient * written
    length = moved.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return moved * (h.norm(dim=-1, keepdim=True).clamp_min(1e-12) / length)


@reading_operator
def clamp(h: Tensor, coefficient: Tensor, vector: Tensor, even: Tensor, written: Tensor) -> Tensor:
    """Bring ``h . v`` up to ``even + c``, and leave alone what is there already; down, if c is negative."""
    missing = even + coefficient - (h * vector).sum(-1, keepdim=True)
    return h + torch.where(coefficient > 0, missing.clamp_min(0), missing.clamp_max(0)) * (
        written * (coefficient != 0)
    )


@reading_operator
def affine(h: Tensor, coefficient: Tensor, vector: Tensor, even: Tensor, written: Tensor) -> Tensor:
    """Bring ``h . v`` half the way to ``even + c``, from either side: moves its mean, halves its spread.

    The map that takes one Gaussian of projections to another (optimal transport on a line) is of this
    form, with the ratio of their spreads in the place of a half.
    """
    missing = even + coefficient - (h * vector).sum(-1, keepdim=True)
    return h + 0.5 * missing * (written * (coefficient != 0))
