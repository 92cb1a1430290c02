"""What a package is made of: each of its modules declares something under a name that all know."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from curation.errors import BadInput

T = TypeVar("T")


def declarations(package: str, name: str) -> Iterator[Any]:
    """What the modules of a package call ``name``, in the order of the modules' names.

    Modules without one are passed over.

    >>> "ridge" in [method.name for method in declarations("steering.probes", "method")]
    True
    """
    paths = importlib.import_module(package).__path__
    for found in sorted(pkgutil.iter_modules(paths), key=lambda module: module.name):
        module = importlib.import_module(f"{package}.{found.name}")
        if hasattr(module, name):
            yield getattr(module, name)


def named(known: Mapping[str, T], name: str, kind: str) -> T:
    """What is declared under a name.

    Raises:
        BadInput: there is no ``kind`` of this name; the message names the others.
    """
    if name not in known:
        raise BadInput(f"no {kind} {name!r}: choose one of {', '.join(known)}")
    return known[name]
