"""The one place where activations are read, and the one where they are changed.

Both are scoped: whatever happens inside, also an error while registering, no hook stays behind.
Hooks belong to the model, so each of these acts only in the thread that set it up: two callers of one
model never see each other's steering.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn

from steering.interventions.followers import Followers
from steering.interventions.operators import OPERATORS
from steering.interventions.plan import Plan
from steering.models.interface import MusicModel, replaced, residual_stream
from steering.models.origin import SITE
from steering.models.sites import SITES, Site

Change = Callable[[int, Tensor], Tensor]


@contextmanager
def reading(
    model: MusicModel, take: Callable[[int, Tensor], None], site: Site = SITE
) -> Iterator[None]:
    """Hand every block's output ``[R, S, D]`` to ``take(layer, stream)`` while inside.

    Args:
        site: a sublayer, to read what it adds to the stream in place of what the block gives.
    """

    def look(layer: int, stream: Tensor) -> Tensor:
        take(layer, stream)
        return stream

    with changing(model, look, site):
        yield


@contextmanager
def changing(model: MusicModel, change: Change, site: Site = SITE) -> Iterator[None]:
    """Put ``change(layer, stream)`` in the place of every block's output while inside.

    Args:
        site: a sublayer, to change what it adds to the stream; after it the stream has changed by as much.
    """
    with ExitStack() as hooks:
        for layer, module in enumerate(model.modules_at(site)):
            hooks.enter_context(_hooked(module, layer, change))
        yield


@contextmanager
def steered(model: MusicModel, steering: Steering) -> Iterator[None]:
    """Let plans act at all their sites while inside."""
    with ExitStack() as hooks:
        for site in steering.sites:
            hooks.enter_context(changing(model, partial(steering, site=site), site))
        yield


@contextmanager
def _hooked(module: nn.Module, layer: int, change: Change) -> Iterator[None]:
    owner = get_ident()

    def hook(_: nn.Module, __: Any, output: Any) -> Any:
        if get_ident() != owner:
            return output
        stream = residual_stream(output)
        changed = change(layer, stream)
        return output if changed is stream else replaced(output, changed)

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


class Steering:
    """Plans at work on the rows of a generation; its owner says which step it is, and when it is over.

    Args:
        plans: one per clip, None for a clip that is left alone.
        guided: whether as many unconditional rows follow the conditional ones.
    """

    def __init__(self, plans: Sequence[Plan | None], guided: bool, like: Tensor) -> None:
        self.step = 0
        self._known: dict[int, tuple[int, Tensor]] = {}
        self.rows: list[tuple[int, Plan, Tensor]] = []
        self.followers = Followers(plans, like)
        self._faders = [None if plan is None else plan.faders() for plan in plans]
        for clip, plan in enumerate(plans):
            if plan is None or not plan.concepts:
                continue
            placed = plan.to(like)
            self.rows.append((clip, placed, placed.rows[:, 0]))
            if guided:
                self.rows.append((len(plans) + clip, placed, placed.rows[:, 1]))

    @property
    def sites(self) -> list[Site]:
        """Where a plan does something; the output of the blocks is always heard."""
        used = {site for _, plan, _ in self.rows for site in plan.sites}
        return [site for site in SITES if site == SITE or site in used]

    def __call__(self, layer: int, stream: Tensor, site: Site = SITE) -> Tensor:
        """The stream ``[R, 1, D]`` with every plan's concepts of this site applied, in their order."""
        if not self.rows:
            return stream
        if site == SITE:
            self.followers.hear(layer, stream[:, -1])
        changed = stream.clone()
        for row, plan, takes_part in self.rows:
            coefficients = self._applied(row, plan)[:, layer]
            now = self.followers.at(self.step)
            strengths = now[: plan.concepts, row % self.followers.clips]
            applied = coefficients.to(strengths.device) * strengths
            evens, h = plan.midpoints, stream[row]
            for concept, name in enumerate(plan.operators):
                here = plan.site_of(concept) == site
                if here and takes_part[concept] and coefficients[concept] != 0:
                    vector, written = plan.vectors[concept, layer], plan.along[concept, layer]
                    even = evens[concept, layer]
                    h = OPERATORS[name](h, applied[concept], vector, even, written)
            changed[row] = h
        return changed

    def settle(self) -> None:
        """After a step: let the strengths follow what was heard in it."""
        if self.followers:
            gains, resting = self.followers.gains(self._faders, self.step, 1)
            self.followers.settle(gains[0], resting[0])

    def _applied(self, row: int, plan: Plan) -> Tensor:
        """Coefficients ``[M, L]`` of this step, worked out once for all layers."""
        step, known = self._known.get(row, (-1, None))
        if known is None or step != self.step:
            known = plan.at(self.step)
            self._known[row] = (self.step, known)
        return known


def check_plan(plan: Plan, model: MusicModel) -> None:
    """Refuse a plan that this model cannot be steered by.

    Raises:
        BadInput: it was made for another model.
        ValueError: it holds numbers that are not finite.
    """
    if plan.origin is not None:
        model.origin.check(plan.origin, "the plan")
    if not all(torch.isfinite(part).all() for part in (plan.levels, plan.gains, plan.vectors)):
        raise ValueError("the plan holds numbers that are not finite: compile it anew")
