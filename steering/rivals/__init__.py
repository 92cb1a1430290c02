"""Other ways to a concept than a push, one module each, found by walking this package.

A module is one when it declares ``rival``, a `Rival`. They are played on the prompts and seeds of an
evaluation, beside the pushes.
"""

from __future__ import annotations

from functools import cache

from steering.declarations import declarations
from steering.rivals.rival import Play, Rival, Wanted

__all__ = ["Play", "Rival", "Wanted", "rivals"]


@cache
def rivals() -> dict[str, Rival]:
    """Every rival by its name."""
    return {one.name: one for one in declarations(__name__, "rival")}
