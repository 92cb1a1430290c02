"""Every way of finding directions, probes and finders alike: what there is, what it suits, what it finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from curation.errors import BadInput
from steering.declarations import named
from steering.directions.bank import Bank, load_bank
from steering.families import families, get_family
from steering.finders import finders
from steering.models.interface import MusicModel
from steering.probes import get_method, methods
from steering.training.workshop import Workshop


def find_bank(workshop: Workshop, family: str, method: str, shuffled: bool = False) -> Bank:
    """One bank, found now, by a probe or a finder.

    Args:
        shuffled: deal all labels out anew first: a control that can learn nothing.

    Raises:
        BadInput: the method cannot find directions of this family.
    """
    if method not in finders():
        return workshop.bank(family, method, shuffled)
    check_suits(method, [family])
    return finders()[method].find(workshop, family, shuffled)


def ways() -> list[str]:
    """Every way of finding directions: the probes, the simplest first, and the finders."""
    return [*methods(), *finders()]


def check_way(name: str) -> None:
    """Check that there is a way of finding directions of this name.

    Raises:
        BadInput: there is none; it names those there are.
    """
    named(dict.fromkeys(ways()), name, "method")


def suits(family: str, method: str) -> bool:
    """Whether a method can find directions of this family: some tell classes only."""
    if method in finders():
        return finders()[method].suits(family)
    return get_family(family).training.task in get_method(method).tasks


def check_suits(method: str, wanted: Sequence[str]) -> None:
    """Refuse a method that can find directions of none of these families.

    Raises:
        BadInput: it names those that it suits.
    """
    if not any(suits(family, method) for family in wanted):
        suited = [family for family in families() if suits(family, method)]
        raise BadInput(
            f"{method} finds no directions of {', '.join(wanted)}: choose "
            f"{'one of ' if len(suited) > 1 else ''}{', '.join(suited)}"
        )


def missing_banks(
    folder: Path, model: MusicModel, families: Sequence[str], methods: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Family and method of every bank that is not in the folder, or that is another model's."""
    for family in families:
        for method in methods:
            if not suits(family, method):
                continue
            try:
                load_bank(folder / family / method, model.origin)
            except BadInput:
                yield family, method
