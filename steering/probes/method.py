"""A way of finding directions, as its module declares it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from steering.probes.fitted import Fitted, Task

Fit = Callable[..., Fitted]
"""``(data, search, generator)`` to every concept at every layer at once."""

LAST = 100


@dataclass(frozen=True)
class Method:
    """All that others need to know of a way of finding directions.

    Attributes:
        name: of its module, and of the folders of its banks.
        word: what the page calls it.
        tasks: what it can tell: classes, numbers.
        order: its place where methods are trained and compared, the simplest first.
        preference: its place where one is taken and nothing was chosen.
    """

    name: str
    fit: Fit
    word: str
    tasks: tuple[Task, ...] = ("classification", "regression")
    order: int = LAST
    preference: int = LAST
