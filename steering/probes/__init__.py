"""Ways of finding a direction, one module each, found by walking this package.

A module is a way of finding directions when it declares ``method``, a `Method`. Its function
``fit(data, search, generator)`` gives a `Fitted`: every concept at every layer at once, so that what
can be shared is computed once.
"""

from __future__ import annotations

from functools import cache

from steering.declarations import declarations, named
from steering.probes.fitted import Fitted, ProbeData
from steering.probes.method import Method

__all__ = ["Fitted", "Method", "ProbeData", "get_method", "methods", "preferred"]


@cache
def methods() -> dict[str, Method]:
    """Every way of finding directions by its name, the simplest first."""
    found = sorted(declarations(__name__, "method"), key=lambda one: (one.order, one.name))
    return {one.name: one for one in found}


def preferred() -> list[str]:
    """Their names in the order in which they are taken where nothing was chosen."""
    return sorted(methods(), key=lambda name: (methods()[name].preference, name))


def get_method(name: str) -> Method:
    """The method of this name.

    Raises:
        BadInput: there is none; it names those there are.
    """
    return named(methods(), name, "method")
