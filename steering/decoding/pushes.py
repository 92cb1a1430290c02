"""What the plans of a batch hear and do, as the compiled loops read it: row by row, concept by concept.

It says the same as `steering.decoding.injections`, which torch goes by: there all rows are moved at once
by one operator after another, here each row has its own, so that it does not matter what stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from steering.decoding import matmul
from steering.decoding.matmul import as_array, fits_loops
from steering.interventions.followers import Followers
from steering.interventions.plan import Plan

Arrays = tuple[Any, ...]
"""Coefficients ``[M, L, R]`` and strengths ``[M, B]`` of a step; of each concept of each clip its kind and
the place of its vectors ``[M, B]``; vectors to read and to write along ``[V, L, D]`` and evens ``[V, L]``;
the layers where concepts are heard ``[M, B]``, what they are heard by ``[M, B, D]``, and what is read; the
clip that each row belongs to ``[R]``."""


class Pushes:
    """The arrays of a batch, and what changes of them from step to step.

    Args:
        compiled: the loops.
    """

    def __init__(
        self, plans: Sequence[Plan | None], followers: Followers, guided: bool, compiled: Any
    ) -> None:
        self.compiled, self.followers = compiled, followers
        known = {id(plan): plan for plan in plans if plan is not None}
        counts = [plan.concepts for plan in known.values()]
        begins = dict(zip(known, np.cumsum([0, *counts]).tolist(), strict=False))
        kinds = np.zeros((max(counts), len(plans)), np.int64)
        places = np.zeros_like(kinds)
        for clip, plan in enumerate(plans):
            if plan is not None:
                count = plan.concepts
                kinds[:count, clip] = [compiled.OPERATORS.index(name) for name in plan.operators]
                places[:count, clip] = begins[id(plan)] + np.arange(count)
        vectors, written, evens = (
            as_array(torch.cat([getattr(plan, name) for plan in known.values()]).contiguous())
            for name in ("vectors", "along", "midpoints")
        )
        heard = no_pushes()[-4:-1]
        if followers:
            heard = tuple(map(as_array, (followers.heard_at, followers.vectors, followers.read)))
            self._numbers = as_array(followers.numbers)
            self._state = as_array(torch.stack([followers.mean, followers.now]))
        owners = np.tile(np.arange(len(plans)), 2 if guided else 1)
        self.fixed = (kinds, places, vectors, written, evens, *heard, owners)

    @staticmethod
    def of(
        plans: Sequence[Plan | None], followers: Followers, guided: bool, like: Tensor
    ) -> Pushes | None:
        """None where torch does all of it: on a GPU, without numba, for an operator that has no loop."""
        compiled = matmul.kernel()
        names = {name for plan in plans if plan is not None for name in plan.operators}
        if compiled is None or not fits_loops(like) or not names:
            return None
        if not names <= set(compiled.OPERATORS):
            return None
        return Pushes(plans, followers, guided, compiled)

    def at(self, step: int, coefficients: Any) -> Arrays:
        """The arrays of a step that has these coefficients ``[M, L, R]``."""
        return coefficients, self.followers.at(step).numpy(), *self.fixed

    def settle(self, gains: Any) -> None:
        """As `Followers.settle`, for the gains ``[M, B]`` of a step."""
        after = np.empty_like(self._state)
        self.compiled.settle(self.fixed[-2], self._numbers, gains, self._state, after)
        self.followers.take(*map(torch.from_numpy, after))
        self._state = after


@cache
def no_pushes() -> Arrays:
    """The arrays of a step at which nothing is heard or done."""
    vectors, evens = np.zeros((0, 0, 0), np.float32), np.zeros((0, 0), np.float32)
    each, places = np.zeros((0, 1), np.float32), np.zeros((0, 1), np.int64)
    owners = np.zeros(0, np.int64)
    return vectors, each, places, places, vectors, vectors, evens, places, vectors, each, owners
