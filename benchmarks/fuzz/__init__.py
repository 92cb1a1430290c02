"""What comes in at random: at every endpoint, and in every file that is read.

A target is one way in. It is given inputs that are nearly right, and nonsense; what it makes of one is
refused in one line, or is right: it plays, or reads, or is written again. `run` does this and counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis.strategies import SearchStrategy

from benchmarks.fuzz.place import Place
from steering.declarations import declarations


class Wrong(AssertionError):
    """What was accepted is not right."""


class Broken(Exception):
    """A traceback in the log of another process."""


@dataclass(frozen=True)
class Target:
    """One way in.

    Attributes:
        name: of the endpoint or file.
        inputs: what comes in.
        give: gives it one; returns when it was accepted and what came of it is right.
        share: of all inputs, relative to the other targets: less where one takes long.

    ``give`` raises `BadInput` when the input was refused, with the message that was answered, and
    `Wrong` when what was accepted is not right. Whatever else it raises is a traceback.
    """

    name: str
    inputs: SearchStrategy[Any]
    give: Callable[[Any], None]
    share: float = 1.0


def targets(place: Place, only: Sequence[str] = ()) -> list[Target]:
    """Every target, found by walking `benchmarks.fuzz.ways`: of modules with a function ``targets``.

    Args:
        only: beginnings of the names of those that are wanted; all of them where there are none.
    """
    found = [one for make in declarations(f"{__name__}.ways", "targets") for one in make(place)]
    return [one for one in found if not only or one.name.startswith(tuple(only))]
