"""What a direction does to an activation: ``(h [..., D], coefficient, unit vector [D]) -> [..., D]``.

Coefficients ``[..., 1]`` and vectors ``[..., D]`` of each row may stand in the place of one for all.
To add one, write the function and mark it with ``@operator``. A coefficient of 0 must change no bit.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Operator = Callable[[Tensor, Tensor, Tensor], Tensor]
OPERATORS: dict[str, Operator] = {}


def operator(function: Operator) -> Operator:
    """Make a function known as an operator by its own name."""
    OPERATORS[function.__name__] = function
    return function


@operator
def add(h: Tensor, coefficient: Tensor, vector: Tensor) -> Tensor:
    """``h + c v``."""
    return h + coefficient * vector


@operator
def ablate(h: Tensor, coefficient: Tensor, vector: Tensor) -> Tensor:
    """``h - c (h . v) v``: 1 takes the direction out, 2 mirrors it."""
    return h - coefficient * (h * vector).sum(-1, keepdim=True) * vector


@operator
def add_keeping_norm(h: Tensor, coefficient: Tensor, vector: Tensor) -> Tensor:
    """``h + c v``, scaled back to the length of ``h``: turns the activation, adds no energy."""
    moved = h + coefficient * vector
    length = moved.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return moved * (h.norm(dim=-1, keepdim=True).clamp_min(1e-12) / length)
