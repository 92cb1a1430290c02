"""All plans of a batch as few tensor operations on all of its rows.

Additions that follow one another are summed beforehand to one vector per step, layer and row; other
operators work on all rows at once. What is applied is known on the CPU some steps ahead, so layers at
which nothing happens are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from steering.interventions.operators import OPERATORS
from steering.interventions.plan import Plan

AHEAD = 64
"""Steps that are worked out at a time."""

ADD = "add"


@dataclass
class Stage:
    """One operator on all rows; of concepts one after another, if they are all added.

    Attributes:
        concepts: for each slot, the rows it concerns: clip to concept of its plan.
        vectors: per slot float ``[L, R, D]``; zeros for rows that it does not concern.
        now: what is applied at this step: summed vectors ``[L, R, D]`` for additions, coefficients
            ``[L, R, 1]`` for others.
        active: the layers at which that is not all zero.
    """

    operator: str
    concepts: list[dict[int, int]] = field(default_factory=list)
    vectors: list[Tensor] = field(default_factory=list)
    now: Tensor | None = None
    active: list[bool] = field(default_factory=list)

    def __call__(self, layer: int, x: Tensor) -> Tensor:
        """The stream ``[R, D]`` or ``[R, S, D]`` with the operator applied."""
        if not self.active[layer]:
            return x
        assert self.now is not None
        if self.operator == ADD:
            return x.add_(self.now[layer])
        moved = OPERATORS[self.operator](x.float(), self.now[layer], self.vectors[0][layer])
        return moved.to(x.dtype)


class Pushes:
    """What the plans of B clips do to their R rows, step by step.

    Args:
        plans: one per clip, None for a clip that is left alone.
        guided: whether as many unconditional rows follow the conditional ones.
        like: where and in which dtype the residual stream is.
    """

    def __init__(self, plans: Sequence[Plan | None], guided: bool, like: Tensor) -> None:
        self.plans = list(plans)
        self.guided, self.like = guided, like
        self.stages = _stages(self.plans)
        for stage in self.stages:
            stage.vectors = [self._vectors(slot) for slot in stage.concepts]
        self.first, self.ready = 0, 0
        self.blocks: list[tuple[Tensor, list[list[bool]]]] = []

    def change(self, clip: int, plan: Plan) -> None:
        """Another state of a clip's plan: the same concepts with other moves."""
        self.plans[clip] = plan
        self.ready = 0

    def at(self, step: int) -> list[Stage]:
        """What is to be done at this step, in its order; nothing where all of it is zero."""
        if not self.stages:
            return []
        if not self.first <= step < self.first + self.ready:
            self.first, self.ready = step, AHEAD
            self.blocks = [self._worked_out(stage, step, AHEAD) for stage in self.stages]
        place = step - self.first
        chosen = []
        for stage, (values, active) in zip(self.stages, self.blocks, strict=True):
            if any(active[place]):
                stage.now, stage.active = values[place], active[place]
                chosen.append(stage)
        return chosen

    def during(self, first: int, count: int) -> list[Stage]:
        """The same for ``count`` steps at once, for streams ``[R, S, D]``."""
        chosen = []
        for stage in self.stages:
            values, active = self._worked_out(stage, first, count)
            layers = torch.tensor(active).any(0).tolist()
            slots = [one.unsqueeze(2) for one in stage.vectors]
            moved = values.permute(1, 2, 0, 3)
            chosen.append(Stage(stage.operator, stage.concepts, slots, moved, layers))
        return chosen

    def _worked_out(self, stage: Stage, first: int, count: int) -> tuple[Tensor, list[list[bool]]]:
        """What is applied at these steps ``[S, L, R, D or 1]``, and at which layers of each."""
        parts = [self._coefficients(slot, first, count) for slot in stage.concepts]
        active = torch.stack([(part != 0).any(2) for part in parts]).any(0).tolist()
        device = self.like.device
        if stage.operator != ADD:
            return parts[0].unsqueeze(-1).to(device), active
        # Products and sums of their own, never a matrix product: its rounding depends on how many
        # steps are worked out together, and a recipe must give the very same numbers again.
        added = parts[0].unsqueeze(-1).to(device) * stage.vectors[0]
        for part, vectors in zip(parts[1:], stage.vectors[1:], strict=True):
            added += part.unsqueeze(-1).to(device) * vectors
        return added.to(self.like.dtype), active

    def _coefficients(self, slot: dict[int, int], first: int, count: int) -> Tensor:
        """Coefficients of a slot: float32 ``[S, L, R]`` on the CPU."""
        clips = len(self.plans)
        layers = next(plan.levels.shape[2] for plan in self.plans if plan is not None)
        out = torch.zeros(count, layers, clips * (2 if self.guided else 1))
        for clip, concept in slot.items():
            plan = self.plans[clip]
            assert plan is not None
            applied = plan.between(first, count)[:, concept]
            for row, takes_part in zip(self._rows(clip), plan.rows[concept].tolist(), strict=False):
                if takes_part:
                    out[:, :, row] = applied
        return out

    def _vectors(self, slot: dict[int, int]) -> Tensor:
        """A slot's vectors on every row: float32 ``[L, R, D]``."""
        plans = [plan for plan in self.plans if plan is not None]
        _, layers, size = plans[0].vectors.shape
        rows = len(self.plans) * (2 if self.guided else 1)
        out = torch.zeros(layers, rows, size)
        for clip, concept in slot.items():
            plan = self.plans[clip]
            assert plan is not None
            for row in self._rows(clip):
                out[:, row] = plan.vectors[concept]
        return out.to(self.like.device)

    def _rows(self, clip: int) -> tuple[int, ...]:
        """The conditional row of a clip and, with guidance, its unconditional one."""
        return (clip, len(self.plans) + clip) if self.guided else (clip,)


def _stages(plans: Sequence[Plan | None]) -> list[Stage]:
    """Operators in an order that keeps that of every clip."""
    stages: list[Stage] = []
    most = max((plan.concepts for plan in plans if plan is not None), default=0)
    for concept in range(most):
        users: dict[str, dict[int, int]] = {}
        for clip, plan in enumerate(plans):
            if plan is not None and concept < plan.concepts:
                users.setdefault(plan.operators[concept], {})[clip] = concept
        for operator in sorted(users, key=lambda name: name != ADD):
            if operator == ADD and stages and stages[-1].operator == ADD:
                stages[-1].concepts.append(users[operator])
            else:
                stages.append(Stage(operator, [users[operator]]))
    return stages
