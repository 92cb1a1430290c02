"""What is done to the residual stream at a step: operators on all rows for torch, arrays for the loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from steering.decoding.pushes import Arrays
from steering.interventions.operators import OPERATORS

ADD = "add"


@dataclass(frozen=True)
class Injection:
    """One operator on all rows; of concepts one after another, if they are all added.

    Attributes:
        concepts: for each slot, the rows it concerns: clip to concept of its plan.
        vectors: per slot float32 ``[L, R, D]``; zeros for rows that it does not concern.
        written: float32 ``[L, R, D]``: what the stream is moved along, for all but additions.
        evens: float32 ``[L, R, 1]``: where the probes are undecided, for operators that read.
        followed: per slot ``[R]``: the place of each row's strength among all ``[M * B]``.
    """

    operator: str
    concepts: list[dict[int, int]] = field(default_factory=list)
    vectors: list[Tensor] = field(default_factory=list)
    written: Tensor = field(default_factory=lambda: torch.zeros(1))
    evens: Tensor = field(default_factory=lambda: torch.zeros(1))
    followed: list[Tensor] = field(default_factory=list)

    @property
    def adds(self) -> bool:
        return self.operator == ADD

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of what is applied at a step: ``[L, R, D]`` for additions, ``[L, R, 1]`` for others."""
        layers, rows, size = self.vectors[0].shape
        return layers, rows, size if self.adds else 1


@dataclass(frozen=True)
class Applied:
    """An injection at one step, or at several for streams ``[R, S, D]``.

    Attributes:
        number: its place among all injections of the batch.
        amounts: summed vectors ``[L, R, D]`` for additions, coefficients ``[L, R, 1]`` for others.
        active: the layers at which they are not all zero.
    """

    injection: Injection
    number: int
    amounts: Tensor
    active: Sequence[bool]

    def __call__(self, layer: int, x: Tensor) -> Tensor:
        """The stream ``[R, D]`` or ``[R, S, D]`` with the operator applied."""
        if not self.active[layer]:
            return x
        if self.injection.adds:
            return x.add_(self.amounts[layer])
        one, operator = self.injection, OPERATORS[self.injection.operator]
        vectors, evens, written = one.vectors[0][layer], one.evens[layer], one.written[layer]
        return operator(x.float(), self.amounts[layer], vectors, evens, written).to(x.dtype)


def inject(applied: Sequence[Applied], layer: int, x: Tensor) -> Tensor:
    """The stream with one injection after another."""
    for one in applied:
        x = one(layer, x)
    return x


class Moment:
    """What is done at a step: for torch, worked out where it is asked for, and for the loops.

    Args:
        make: gives the injections in their order, those that are zero at all layers left out.
        pushes: the same as the loops read it; None where torch does it all.
    """

    def __init__(self, make: Callable[[], list[Applied]], pushes: Arrays | None = None) -> None:
        self._make, self.pushes = make, pushes

    @cached_property
    def applied(self) -> list[Applied]:
        return self._make()

    def __iter__(self) -> Iterator[Applied]:
        return iter(self.applied)
