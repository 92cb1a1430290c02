"""Kinds of evaluation, found by walking this package.

A module declares ``study``, or a function ``studies`` that gives several.
"""

from __future__ import annotations

from functools import cache

from steering.declarations import declarations, named
from steering.evaluation.study import Study


@cache
def studies() -> dict[str, Study]:
    """Every kind of evaluation by its name."""
    found = [one for several in declarations(__name__, "studies") for one in several()]
    return {one.name: one for one in (*found, *declarations(__name__, "study"))}


def get_study(name: str) -> Study:
    """The study of this name.

    Raises:
        BadInput: there is none; the message names the others.
    """
    return named(studies(), name, "evaluation")
