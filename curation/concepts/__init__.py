"""The concept families, one module each: a module that defines ``family`` is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from curation.errors import BadInput
from curation.spec import Family


@cache
def families() -> dict[str, Family]:
    """Every concept family by name, in alphabetical order."""
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        family = getattr(importlib.import_module(f"{__name__}.{module.name}"), "family", None)
        if isinstance(family, Family):
            found[family.name] = family
    return found


def get_family(name: str) -> Family:
    """The family called ``name``.

    Raises:
        BadInput: there is none; it names those there are.
    """
    try:
        return families()[name]
    except KeyError:
        raise BadInput(
            f"there is no concept family {name!r}: choose from {', '.join(families())}"
        ) from None
