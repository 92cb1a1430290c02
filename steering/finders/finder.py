"""A way of finding directions that needs more than activations, as its module declares it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steering.directions.bank import Bank
    from steering.training.workshop import Workshop


@dataclass(frozen=True)
class Finder:
    """All that others need to know of it.

    Attributes:
        name: of its module, and of the folders of its banks.
        word: what the page and reports call it.
        suits: whether it can find directions of a family.
        find: ``(workshop, family, shuffled)`` to a bank; ``shuffled`` deals the labels out anew, of
            validation clips, too.
    """

    name: str
    word: str
    suits: Callable[[str], bool]
    find: Callable[[Workshop, str, bool], Bank]
