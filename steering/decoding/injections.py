"""What the plans of a batch do to its residual stream, as few tensor operations on all rows.

Additions that follow one another are summed beforehand to one vector per step, layer and row; other
operators work on all rows at once. What is applied is known on the CPU some steps ahead, so layers at
which nothing happens are passed over. Strengths that follow the music are known from step to step only:
they are multiplied in where a step is at hand. For the compiled loops, which work on few rows, the same is
said by `steering.decoding.pushes`, and nothing is summed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from steering.decoding.moment import ADD, Applied, Injection, Moment
from steering.decoding.pushes import Pushes, no_pushes
from steering.interventions.followers import Followers
from steering.interventions.plan import Move, Plan

AHEAD = 64
"""Steps that are worked out at a time, at most: after a move it is one, then twice as many each time, so
that little is thrown away while a fader moves."""


class Made(NamedTuple):
    """An injection at the steps of a stretch, as torch applies it.

    Attributes:
        parts: coefficients of each slot ``[S, L, R]``. active: the layers where they are not all zero.
        sums: what they come to ``[S, L, R, D or 1]``; None where strengths are multiplied in first.
    """

    parts: list[Tensor]
    active: list[list[bool]]
    sums: Tensor | None


@dataclass
class Stretch:
    """Steps that are worked out together.

    Attributes:
        first: the step that they begin with.
        coefficients: float32 ``[S, M, L, R]`` on the CPU, before any strength is multiplied in.
        gains, resting: of the strengths, as `Followers.gains` has them; of no step where none follows.
        made: for torch, of each injection; empty until it is asked for.
    """

    first: int
    coefficients: Tensor
    gains: Tensor = field(default_factory=lambda: torch.zeros(0))
    resting: Sequence[bool] = ()
    made: list[Made] = field(default_factory=list)

    def __contains__(self, step: int) -> bool:
        return self.first <= step < self.first + len(self.coefficients)

    @cached_property
    def arrays(self) -> tuple[Any, Any]:
        """Coefficients and gains as the loops read them."""
        return self.coefficients.numpy(), self.gains.numpy()


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
        self.until = math.inf
        self.ahead = AHEAD
        self.stretch: Stretch | None = None
        self._begin()

    def move(self, clip: int, move: Move) -> None:
        """Move a fader of a clip; one that stands there already stays as it is."""
        faders = self.faders[clip]
        assert faders is not None
        if np.float32(move.coefficient) != faders.at(move.step, move.concept):
            faders.move(move)
            self.stretch, self.ahead = None, 1

    def join(self, clip: int, plan: Plan, step: int) -> None:
        """Another plan for a clip: what it has done so far, and from a step on more concepts."""
        faders = self.faders[clip]
        if faders is None:
            self.faders[clip] = plan.faders()
        else:
            faders.grow(plan.gains[faders.concepts :])
        self.plans[clip] = plan
        self.followers = self.followers.joined(self.plans, step)
        self.ahead = 1
        self._begin()

    def forget(self, step: int) -> None:
        """Let go of moves before a step, which nobody will ask for again."""
        for faders in self.faders:
            if faders is not None:
                faders.forget(step)

    def end(self, step: int) -> None:
        """Do nothing from a step on."""
        self.until, self.stretch = step, None

    def at(self, step: int) -> Moment:
        """What is to be done at this step."""
        if self.idle:
            return Moment(list, no_pushes())
        stretch = self._around(step)
        pushes = None
        if self.pushes is not None:
            pushes = self.pushes.at(step, stretch.arrays[0][step - stretch.first])
        return Moment(lambda: self._applied(stretch, step), pushes)

    def settle(self, step: int) -> None:
        """After a step: let the strengths follow what was heard in it."""
        if not self.followers:
            return
        stretch = self._around(step)
        place = step - stretch.first
        if self.pushes is not None:
            self.pushes.settle(stretch.arrays[1][place])
        else:
            self.followers.settle(stretch.gains[place], stretch.resting[place])

    def during(self, first: int, count: int) -> list[Applied]:
        """The same for ``count`` steps at once, for streams ``[R, S, D]``; those before are forgotten."""
        if self.idle:
            return []
        self.followers.forget(first)
        strengths = self.followers.during(first, count)
        coefficients = self._coefficients(first, count)
        chosen = []
        for number, one in enumerate(self.all):
            parts = self._parts(one, coefficients)
            amounts = self._amounts(one, self._followed(one, parts, strengths))
            layers = _active(parts).any(0).tolist()
            slots = [vectors.unsqueeze(2) for vectors in one.vectors]
            written, evens = one.written.unsqueeze(2), one.evens.unsqueeze(2)
            wide = replace(one, vectors=slots, written=written, evens=evens)
            chosen.append(Applied(wide, number, amounts.permute(1, 2, 0, 3), layers))
        return chosen

    def _begin(self) -> None:
        """Take up the plans as they now are."""
        vars(self).pop("all", None)
        self.idle = not any(plan is not None and plan.concepts for plan in self.plans)
        self.pushes = Pushes.of(self.plans, self.followers, self.guided, self.like)
        self.stretch = None

    def _around(self, step: int) -> Stretch:
        """Steps that are worked out, this one among them."""
        known = self.stretch
        if known is None or step not in known:
            known = Stretch(step, self._coefficients(step, self.ahead))
            if self.followers:
                gains, resting = self.followers.gains(self.faders, step, self.ahead)
                known = replace(known, gains=gains, resting=resting)
            self.stretch, self.ahead = known, min(AHEAD, 2 * self.ahead)
        return known

    def _applied(self, stretch: Stretch, step: int) -> list[Applied]:
        """For torch: the injections at a step that are not zero everywhere."""
        if not stretch.made:
            stretch.made = [self._made(one, stretch.coefficients) for one in self.all]
        place = step - stretch.first
        return [
            Applied(one, number, self._now(one, made, step, place), made.active[place])
            for number, (one, made) in enumerate(zip(self.all, stretch.made, strict=True))
            if any(made.active[place])
        ]

    def _made(self, one: Injection, coefficients: Tensor) -> Made:
        parts = self._parts(one, coefficients)
        sums = None if self.followers else self._amounts(one, parts)
        return Made(parts, _active(parts).tolist(), sums)

    @cached_property
    def all(self) -> list[Injection]:
        """What torch goes by, for as long as the plans stay; the loops never ask for it."""
        found = []
        for one in _ordered(self.plans):
            vectors = [self._vectors(slot) for slot in one.concepts]
            written, evens = self._written(one.concepts[0]), self._evens(one.concepts[0])
            followed = [self._places(slot) for slot in one.concepts]
            found.append(
                replace(one, vectors=vectors, written=written, evens=evens, followed=followed)
            )
        return found

    def _now(self, one: Injection, made: Made, step: int, place: int) -> Tensor:
        """What an injection applies at a step, which has this place: ``[L, R, D or 1]``."""
        if made.sums is not None:
            return made.sums[place]
        parts = [part[place] for part in made.parts]
        return self._amounts(one, self._followed(one, parts, self.followers.at(step)))

    def _followed(self, one: Injection, parts: list[Tensor], strengths: Tensor) -> list[Tensor]:
        """Coefficients ``[..., L, R]`` of each slot times strengths ``[..., M, B]``."""
        if not self.followers:
            return parts
        flat = strengths.flatten(-2)
        return [
            part.to(flat.device) * flat.index_select(-1, places).unsqueeze(-2)
            for part, places in zip(parts, one.followed, strict=True)
        ]

    def _parts(self, one: Injection, coefficients: Tensor) -> list[Tensor]:
        """Coefficients of each slot ``[S, L, R]``, out of those of all concepts."""
        parts = []
        for slot in one.concepts:
            part = torch.zeros(len(coefficients), *coefficients.shape[2:])
            for clip, concept in slot.items():
                rows = list(self._rows(clip))
                part[..., rows] = coefficients[:, concept, :, rows]
            parts.append(part)
        return parts

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

    def _coefficients(self, first: int, count: int) -> Tensor:
        """Coefficients of every concept on every row: float32 ``[S, M, L, R]`` on the CPU."""
        plans = [plan for plan in self.plans if plan is not None]
        most = max(plan.concepts for plan in plans)
        out = torch.zeros(count, most, plans[0].levels.shape[2], self._count)
        last = int(max(0, min(count, self.until - first)))
        for clip, plan in enumerate(self.plans):
            if plan is None:
                continue
            applied = plan.between(first, count, self.faders[clip])[:last]
            for row, takes_part in zip(self._rows(clip), plan.rows.unbind(1), strict=False):
                out[:last, : plan.concepts, :, row] = applied * takes_part[:, None]
        return out

    def _vectors(self, slot: dict[int, int]) -> Tensor:
        """A slot's vectors on every row: float32 ``[L, R, D]``."""
        return self._by_row({clip: self._plan(clip).vectors[one] for clip, one in slot.items()})

    def _written(self, slot: dict[int, int]) -> Tensor:
        """What a slot moves the stream along, on every row: float32 ``[L, R, D]``."""
        return self._by_row({clip: self._plan(clip).along[one] for clip, one in slot.items()})

    def _evens(self, slot: dict[int, int]) -> Tensor:
        """Where a slot's probes are undecided, on every row: float32 ``[L, R, 1]``."""
        evens = {clip: self._plan(clip).midpoints[one, :, None] for clip, one in slot.items()}
        return self._by_row(evens)

    def _by_row(self, parts: dict[int, Tensor]) -> Tensor:
        """What clips have at each layer ``[L, N]``, on their rows, and 0 on others: ``[L, R, N]``."""
        layers, size = next(iter(parts.values())).shape
        out = torch.zeros(layers, self._count, size)
        for clip, part in parts.items():
            for row in self._rows(clip):
                out[:, row] = part
        return out.to(self.like.device)

    def _plan(self, clip: int) -> Plan:
        plan = self.plans[clip]
        assert plan is not None
        return plan

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


def _active(parts: Sequence[Tensor]) -> Tensor:
    """The layers at which coefficients ``[S, L, R]`` of any slot are not all zero: bool ``[S, L]``."""
    return torch.stack([(part != 0).any(2) for part in parts]).any(0)


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
