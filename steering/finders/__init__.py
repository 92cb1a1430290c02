"""Ways of finding directions that need more than activations, one module each, found by walking this package.

A module is one when it declares ``finder``, a `Finder`. Probes (`steering.probes`) are fitted on
labelled activations alone; these learn without labels, run the model, or put other banks together.
"""

from __future__ import annotations

from functools import cache

from steering.declarations import declarations
from steering.finders.finder import Finder

__all__ = ["Finder", "finders"]


@cache
def finders() -> dict[str, Finder]:
    """Every finder by its name."""
    return {one.name: one for one in declarations(__name__, "finder")}
