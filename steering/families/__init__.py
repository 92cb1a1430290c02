"""Families of concepts that can be steered, found by walking this package.

A module declares ``families``, one `SteeredFamily` or a few related ones: what their directions are
trained on, what they are called, what they begin with on the page, and what is heard of them. All
that banks, evaluations and the page do with a family they have from there.
"""

from __future__ import annotations

from functools import cache

from curation import concepts
from steering.declarations import declarations, named
from steering.families.family import SteeredFamily
from steering.probes import preferred

__all__ = [
    "SteeredFamily",
    "concepts_of",
    "families",
    "get_family",
    "usual_families",
    "usual_methods",
]


@cache
def families() -> dict[str, SteeredFamily]:
    """Every family by its name, in the order of the page."""
    found = [one for declared in declarations(__name__, "families") for one in declared]
    return {one.name: one for one in sorted(found, key=lambda one: (one.place, one.name))}


def get_family(name: str) -> SteeredFamily:
    """The family of this name.

    Raises:
        BadInput: there is none; the message names the others.
    """
    return named(families(), name, "family")


def concepts_of(family: str) -> tuple[str, ...]:
    """What can be steered to: the classes of the family's label; the label itself for numbers."""
    training = get_family(family).training
    if training.score is not None:
        return training.score.concepts
    labels = concepts.get_family(training.dataset).labels
    return labels[training.label].classes or (training.label,)


def usual_families() -> list[str]:
    """Families that banks are made of where none is named: clips of the others need an extra."""
    return [
        name
        for name, family in families().items()
        if not concepts.get_family(family.training.dataset).extras
    ]


def usual_methods(family: str) -> list[str]:
    """Methods in the order in which a bank is taken for a family's name alone: its usual one first.

    >>> usual_methods("tempos")[:2], usual_methods("something else")[0]
    (['ridge', 'logistic'], 'logistic')
    """
    own = families()[family].usual.method if family in families() else None
    return list(dict.fromkeys([own, *preferred()] if own else preferred()))
