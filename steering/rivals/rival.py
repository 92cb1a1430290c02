"""A rival as its module declares it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from steering.training.workshop import Workshop


@dataclass(frozen=True)
class Wanted:
    """One clip that is to have a concept.

    Attributes:
        prompt: in words, without the concept. named: the same, asking for the concept in words.
        seed: of the clip's own noise, as its unsteered twin has it.
    """

    prompt: str
    named: str
    concept: str
    seed: int


Play = Callable[..., Tensor]
"""``(wanted, seconds, sampling, amount=1.0) -> codes [B, K, T]``."""


@dataclass(frozen=True)
class Rival:
    """All that an evaluation needs to know of another way to a concept.

    Attributes:
        word: what reports call it.
        amounts: how much of it is tried on validation prompts.
        prepare: ``(workshop, source)`` to what plays: source is the family whose clips it may learn
            from. It is called when the first clip is played, and may take minutes.
        learns: whether it is trained on the source's clips at all.
    """

    name: str
    word: str
    amounts: tuple[float, ...]
    prepare: Callable[[Workshop, str], Play]
    learns: bool = False
