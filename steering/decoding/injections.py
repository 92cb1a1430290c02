"""What the plans of a batch do to its residual stream, as few tensor operations on all rows.

Additions that follow one another are summed beforehand to one vector per step, layer and row; other
operators work on all rows at once. What is applied is known on the CPU some steps ahead, so layers at
which nothing happens are passed over. Strengths that follow the music are known from step to step only:
they are multiplied in where a step is at hand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from steering.interventions.followers import Followers
from steering.interventions.operators import OPERATORS
from steering.interventions.plan import Move, Plan

AHEAD = 64
"""Steps that are worked out at a time, at most: after a move it is one, then twice as many each time, so
that little is thrown away while a fader moves."""

ADD = "add"


@dataclass(frozen=True)
class Injection:
    """One operator on all rows; of concepts one after another, if they are all added.

    Attributes:
        concepts: for each slot, the rows it concerns: clip to concept of its plan.
        vectors: per slot float32 ``[L, R, D]``; zeros for rows that it does not concern.
        evens: float32 ``[L, R, 1]``: where the probes are undecided, for operators that read.
        followed: per slot ``[R]``: the place of each row's strength among all ``[M * B]``.
    """

    operator: str
    concepts: list[dict[int, int]] = field(default_factory=list)
    vectors: list[Tensor] = field(default_factory=list)
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
        vectors = self.injection.vectors[0][layer]
        operator = OPERATORS[self.injection.operator]
        evens = self.injection.evens[layer]
        return operator(x.float(), self.amounts[layer], vectors, evens).to(x.dtype)


def inject(applied: Sequence[Applied], layer: int, x: Tensor) -> Tensor:
    """The stream with one injection after another."""
    for one in applied:
        x = one(layer, x)
    return x


class Injections:
    """What the plans of B clips do to their R rows, step by step.

    Args:
        plans: one per clip, None for a clip that is left alone.
        guided: whether as many unconditional rows follow the conditional ones.
        like: where and in which dtype the residual stream is.
    """

    def __init__(self, plans: Sequence[Plan | None], guided: bool, like: Tensor) -> None:
        self.plans = list(plans)
        self.faders = [None if plan is None else plan.faders() for plan in plans]
        self.followers = Followers(plans, like)
        self.guided, self.like = guided, like
        self.all = self._all()
        self.until = math.inf
        self.first, self.ready, self.ahead = 0, 0, AHEAD
        self.blocks: list[tuple[list[Tensor], list[list[bool]]]] = []
        self.sums: list[Tensor] = []
        self.gains: tuple[Tensor, list[bool]] = (torch.zeros(0), [])

    def move(self, clip: int, move: Move) -> None:
        """Move a fader of a clip; one that stands there already stays as it is."""
        faders = self.faders[clip]
        assert faders is not None
        if np.float32(move.coefficient) != faders.at(move.step, move.concept):
            faders.move(move)
            self.ready, self.ahead = 0, 1

    def join(self, clip: int, plan: Plan, step: int) -> None:
        """Another plan for a clip: what it has done so far, and from a step on more concepts."""
        faders = self.faders[clip]
        if faders is None:
            self.faders[clip] = plan.faders()
        else:
            faders.grow(plan.gains[faders.concepts :])
        self.plans[clip] = plan
        self.followers = self.followers.joined(self.plans, step)
        self.all = self._all()
        self.ready, self.ahead = 0, 1

    def forget(self, step: int) -> None:
        """Let go of moves before a step, which nobody will ask for again."""
        for faders in self.faders:
            if faders is not None:
                faders.forget(step)

    def end(self, step: int) -> None:
        """Do nothing from a step on."""
        self.until, self.ready = step, 0

    def at(self, step: int) -> list[Applied]:
        """What is to be done at this step, in its order; nothing where all of it is zero."""
        if not self.all:
            return []
        if not self.first <= step < self.first + self.ready:
            self.first, self.ready = step, self.ahead
            self.blocks = [self._coefficients_of(one, step, self.ahead) for one in self.all]
            if self.followers:
                self.gains = self.followers.gains(self.faders, step, self.ahead)
            else:
                self.sums = [
                    self._amounts(one, parts)
                    for one, (parts, _) in zip(self.all, self.blocks, strict=True)
                ]
            self.ahead = min(AHEAD, 2 * self.ahead)
        place = step - self.first
        return [
            Applied(one, number, self._now(number, place), active[place])
            for number, (one, (_, active)) in enumerate(zip(self.all, self.blocks, strict=True))
            if any(active[place])
        ]

    def settle(self, step: int) -> None:
        """After a step: let the strengths follow what was heard in it."""
        if self.followers:
            gains, resting = self.gains
            self.followers.settle(gains[step - self.first], resting[step - self.first])

    def during(self, first: int, count: int) -> list[Applied]:
        """The same for ``count`` steps at once, for streams ``[R, S, D]``; those before are forgotten."""
        self.followers.forget(first)
        strengths = self.followers.during(first, count)
        chosen = []
        for number, one in enumerate(self.all):
            parts, active = self._coefficients_of(one, first, count)
            amounts = self._amounts(one, self._followed(one, parts, strengths))
            layers = torch.tensor(active).any(0).tolist()
            slots = [vectors.unsqueeze(2) for vectors in one.vectors]
            wide = replace(one, vectors=slots, evens=one.evens.unsqueeze(2))
            chosen.append(Applied(wide, number, amounts.permute(1, 2, 0, 3), layers))
        return chosen

    def _all(self) -> list[Injection]:
        return [
            Injection(
                one.operator,
                one.concepts,
                [self._vectors(slot) for slot in one.concepts],
                self._evens(one.concepts[0]),
                [self._places(slot) for slot in one.concepts],
            )
            for one in _ordered(self.plans)
        ]

    def _now(self, number: int, place: int) -> Tensor:
        """What an injection applies at a step of this block: ``[L, R, D or 1]``."""
        if not self.followers:
            return self.sums[number][place]
        one, strengths = self.all[number], self.followers.at(self.first + place)
        parts = [part[place] for part in self.blocks[number][0]]
        return self._amounts(one, self._followed(one, parts, strengths))

    def _followed(self, one: Injection, parts: list[Tensor], strengths: Tensor) -> list[Tensor]:
        """Coefficients ``[..., L, R]`` of each slot times strengths ``[..., M, B]``."""
        if not self.followers:
            return parts
        flat = strengths.flatten(-2)
        return [
            part.to(flat.device) * flat.index_select(-1, places).unsqueeze(-2)
            for part, places in zip(parts, one.followed, strict=True)
        ]

    def _coefficients_of(
        self, one: Injection, first: int, count: int
    ) -> tuple[list[Tensor], list[list[bool]]]:
        """Coefficients of each slot at these steps ``[S, L, R]``, and the layers that are active at each."""
        parts = [self._coefficients(slot, first, count) for slot in one.concepts]
        return parts, torch.stack([(part != 0).any(2) for part in parts]).any(0).tolist()

    def _amounts(self, one: Injection, parts: Sequence[Tensor]) -> Tensor:
        """What coefficients ``[..., L, R]`` of the slots come to: ``[..., L, R, D or 1]``."""
        device = self.like.device
        if not one.adds:
            return parts[0].unsqueeze(-1).to(device)
        # Products and sums of their own, never a matrix product: its rounding depends on how many
        # steps are worked out together, and a recipe must give the very same numbers again.
        added = parts[0].unsqueeze(-1).to(device) * one.vectors[0]
        for part, vectors in zip(parts[1:], one.vectors[1:], strict=True):
            added += part.unsqueeze(-1).to(device) * vectors
        return added.to(self.like.dtype)

    def _coefficients(self, slot: dict[int, int], first: int, count: int) -> Tensor:
        """Coefficients of a slot: float32 ``[S, L, R]`` on the CPU."""
        layers = next(plan.levels.shape[2] for plan in self.plans if plan is not None)
        out = torch.zeros(count, layers, self._count)
        last = int(max(0, min(count, self.until - first)))
        for clip, concept in slot.items():
            plan = self.plans[clip]
            assert plan is not None
            applied = plan.between(first, count, self.faders[clip])[:, concept]
            for row, takes_part in zip(self._rows(clip), plan.rows[concept].tolist(), strict=False):
                if takes_part:
                    out[:last, :, row] = applied[:last]
        return out

    def _vectors(self, slot: dict[int, int]) -> Tensor:
        """A slot's vectors on every row: float32 ``[L, R, D]``."""
        plans = [plan for plan in self.plans if plan is not None]
        _, layers, size = plans[0].vectors.shape
        out = torch.zeros(layers, self._count, size)
        for clip, concept in slot.items():
            plan = self.plans[clip]
            assert plan is not None
            for row in self._rows(clip):
                out[:, row] = plan.vectors[concept]
        return out.to(self.like.device)

    def _evens(self, slot: dict[int, int]) -> Tensor:
        """Where a slot's probes are undecided, on every row: float32 ``[L, R, 1]``."""
        layers = next(plan.levels.shape[2] for plan in self.plans if plan is not None)
        out = torch.zeros(layers, self._count, 1)
        for clip, concept in slot.items():
            plan = self.plans[clip]
            assert plan is not None
            for row in self._rows(clip):
                if plan.evens is not None:
                    out[:, row, 0] = plan.evens[concept]
        return out.to(self.like.device)

    def _places(self, slot: dict[int, int]) -> Tensor:
        """Where a slot's strengths are among all ``[M * B]``, by row ``[R]``."""
        out = torch.zeros(self._count, dtype=torch.long)
        for clip, concept in slot.items():
            out[list(self._rows(clip))] = concept * len(self.plans) + clip
        return out.to(self.like.device)

    @property
    def _count(self) -> int:
        """Rows of the batch."""
        return len(self.plans) * (2 if self.guided else 1)

    def _rows(self, clip: int) -> tuple[int, ...]:
        """The conditional row of a clip and, with guidance, its unconditional one."""
        return (clip, len(self.plans) + clip) if self.guided else (clip,)


def _ordered(plans: Sequence[Plan | None]) -> list[Injection]:
    """Operators in an order that keeps that of every clip, without their vectors."""
    found: list[Injection] = []
    most = max((plan.concepts for plan in plans if plan is not None), default=0)
    for concept in range(most):
        users: dict[str, dict[int, int]] = {}
        for clip, plan in enumerate(plans):
            if plan is not None and concept < plan.concepts:
                users.setdefault(plan.operators[concept], {})[clip] = concept
        for operator in sorted(users, key=lambda name: name != ADD):
            if operator == ADD and found and found[-1].adds:
                found[-1].concepts.append(users[operator])
            else:
                found.append(Injection(operator, [users[operator]]))
    return found
