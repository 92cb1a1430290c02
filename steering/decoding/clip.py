"""One clip to generate, and how progress is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from steering.interventions.plan import Plan

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Clip:
    """One clip to generate.

    Attributes:
        prompt: in words; empty for music without a prompt.
        seed: of the row's own noise: the same for a steered clip and its unsteered twin.
        plan: what to do to it, or None.
    """

    prompt: str
    seed: int = 0
    plan: Plan | None = None
