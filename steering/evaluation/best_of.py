"""Asking in words several times, and keeping what the judge likes best.

The strongest thing that can be done without a look inside, and it is helped by the very judge that
counts the hits: what it reaches is what a listener with time reaches, not what the model was told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from steering.evaluation.cells import Cell, Result
from steering.evaluation.scoring import share_of
from steering.evaluation.sections import BEST_OF, Section, takes, unsteered

if TYPE_CHECKING:
    from steering.evaluation.evaluation import Evaluation

WORDS = "words, best of"


def section() -> Section:
    """The table of it; its cells are put together, not played."""
    cells = tuple(
        Cell(f"{WORDS} {count}", wording="named", rival=WORDS, amount=count) for count in BEST_OF
    )
    about = (
        "The prompt that names the concept, played so often with other noise; of each clip the take "
        "that the judge hears most of the concept in. So the judge is in the loop, of this row alone."
    )
    return Section("In words, the best of several", about, (unsteered(), *cells))


def compose(evaluation: Evaluation, played: Mapping[str, Result]) -> dict[str, Result]:
    """The section's results, by the names that `Evaluation.play` gives: out of those of `takes`."""
    table, source = section(), takes()
    found = evaluation.results(source, played)
    several = [found[cell.label] for cell in source.cells[1:]]
    made = {cell.label: best(evaluation, several[:count]) for cell, count in _counted(table)}
    made[table.twin] = found[source.twin]
    return evaluation.named(table, made)


def _counted(table: Section) -> list[tuple[Cell, int]]:
    return list(zip(table.cells[1:], BEST_OF, strict=True))


def best(evaluation: Evaluation, several: Sequence[Result]) -> Result:
    """Clip by clip the take with most of the first target."""
    targets = [ask.targets[0] for ask in evaluation.asks]
    shares = np.stack([share_of(_of_all(evaluation.prominent(one)), targets) for one in several])
    best, clips = shares.argmax(0), np.arange(len(targets))
    return {name: np.stack([one[name] for one in several])[best, clips] for name in several[0]}


def _of_all(amounts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Amounts of all concepts, each clip's as shares of their sum."""
    total = np.maximum(sum(amounts.values()), 1e-30)
    return {name: amount / total for name, amount in amounts.items()}
