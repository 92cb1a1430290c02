"""Ways of finding a direction, one module each, found by walking this package.

A module is a way of finding directions when it has a function ``fit(data, search, generator)`` that
gives a `Fitted`: every concept at every layer at once, so that what can be shared is computed once.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache

from curation.errors import BadInput
from steering.probes.fitted import Fitted, ProbeData

__all__ = ["Fitted", "ProbeData", "get_method", "methods"]

Fit = Callable[..., Fitted]


@cache
def methods() -> dict[str, Fit]:
    """Every way of finding directions, by its module's name."""
    found: dict[str, Fit] = {}
    for module in pkgutil.iter_modules(__path__):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        if hasattr(loaded, "fit"):
            found[module.name] = loaded.fit
    return found


def get_method(name: str) -> Fit:
    """The method of this name.

    Raises:
        BadInput: there is none; it names those there are.
    """
    try:
        return methods()[name]
    except KeyError:
        raise BadInput(f"no method {name!r}: choose one of {', '.join(methods())}") from None
