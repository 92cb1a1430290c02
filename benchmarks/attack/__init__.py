"""Attacks on the page, the commands and the files: one module an attack, found by walking the package.

An attack does what an attacker would, through the addresses and commands that anybody has and nothing
of our own insides, so that the same attack can be run on older code; and says whether it was held off.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.attack.target import Target


@dataclass(frozen=True)
class Outcome:
    """What came of an attack.

    Attributes:
        held: whether nothing was broken, lost or given away.
        figures: what was seen, in a line: counts, seconds, bytes, the message that was answered.
    """

    held: bool
    figures: str


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        point: what it belongs to, in `docs/threats.md`: the attacks are run and told in this order.
        name: what an attacker wants, in a few words.
        run: does it to a page of its own and a folder of its own.
    """

    point: int
    name: str
    run: Callable[[Target], Outcome]


def attacks() -> list[Attack]:
    """Every attack of this package, in order: of modules with a tuple ``attacks``."""
    found: list[Attack] = []
    for module in pkgutil.iter_modules(__path__):
        if module.name not in ("__main__", "target"):
            found += importlib.import_module(f"{__name__}.{module.name}").attacks
    return sorted(found, key=lambda attack: (attack.point, attack.name))
