"""Who hears what, in which order and on which side: by lot, with a seed and a secret.

Over the listeners every condition meets every item equally often: each takes the next trials out of one
row, which is all of them in an order by lot, again and again. Then the order within a listener, what
stands as A, and what X is are drawn for each listener alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import product
from typing import TypeVar

import numpy as np

from studio.study.design import BROKEN, UNSTEERED, Design, Item

T = TypeVar("T")
HEADPHONES, TRAINING = "headphones", "training"
ATTEMPTS = 2
"""At the headphone check: who fails may put headphones on and try again, once."""

INTERVALS = ("1", "2", "3")
PITCH, NOISE = "pitch", "noise"
TIE = "tie"
"""What is said where there is no difference."""


@dataclass(frozen=True)
class Asked:
    """A trial, as whoever plays it has to know it.

    Attributes:
        kind: ``headphones``, ``training``, ``abx``, ``preference``, ``strength`` or ``quality``.
        item: name of the item; of the headphone check the number of the attempt.
        shown: what stands under each label, in this order: names of conditions.
    """

    kind: str
    item: str
    shown: tuple[str, ...]
    catch: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """What listeners call them: A, B and X, or numbers."""
        if self.kind == "abx":
            return ("a", "b", "x")
        if self.kind == "preference":
            return ("a", "b")
        return tuple(str(place + 1) for place in range(len(self.shown)))


class Lots:
    """All lots of a study."""

    def __init__(self, design: Design, secret: bytes) -> None:
        self._design, self._secret = design, secret

    def plan(self, number: int) -> list[Asked]:
        """A listener's whole study, from the headphone check on.

        Args:
            number: of the listener, from 0, as they began.
        """
        blocks = [
            block
            for block in (
                self._abx(number), self._preference(number), *self._ratings(number)
            ) if block
        ]  # fmt: skip
        order = self._lot("blocks", number).permutation(len(blocks))
        training = Asked(TRAINING, self._design.training, (self._design.told_apart[0], UNSTEERED))
        return [*self._headphones(number), training, *(one for n in order for one in blocks[n])]

    def _headphones(self, number: int) -> list[Asked]:
        lot, asked = self._lot(HEADPHONES, number), []
        for attempt in range(ATTEMPTS):
            for _ in range(self._design.headphones.rounds):
                shown = [NOISE] * len(INTERVALS)
                shown[lot.integers(len(INTERVALS))] = PITCH
                asked.append(Asked(HEADPHONES, str(attempt + 1), tuple(shown)))
        return asked

    def _abx(self, number: int) -> list[Asked]:
        part = self._design.abx
        if part is None:
            return []
        cells = list(product(self._design.heard, self._design.told_apart))
        lot, asked = self._lot("abx", number), []
        for item, name in self._share("abx", cells, number, part.trials):
            asked.append(_abx(item, name, lot))
        for item in self._share("abx catch", self._design.heard, number, part.catch):
            asked.append(_abx(item, BROKEN, lot, catch=True))
        return _shuffled(asked, lot)

    def _preference(self, number: int) -> list[Asked]:
        part = self._design.preference
        if part is None:
            return []
        cells = list(product(self._design.heard, self._design.pairs))
        lot, asked = self._lot("preference", number), []
        for item, pair in self._share("preference", cells, number, part.trials):
            asked.append(Asked("preference", item.name, tuple(_shuffled(pair, lot))))
        for item in self._share("preference catch", self._design.heard, number, part.catch):
            sides = tuple(_shuffled((UNSTEERED, BROKEN), lot))
            asked.append(Asked("preference", item.name, sides, catch=True))
        return _shuffled(asked, lot)

    def _ratings(self, number: int) -> list[list[Asked]]:
        """One block a scale: all of one question before the other."""
        part, blocks = self._design.ratings, []
        for scale in part.scales if part else ():
            assert part is not None
            lot, pages = self._lot(scale, number), []
            items = self._share(scale, self._design.heard, number, part.trials)
            for place, item in enumerate(items):
                catch = scale == "quality" and place < part.catch
                shown = (*self._design.rated, *([BROKEN] if catch else []))
                pages.append(Asked(scale, item.name, tuple(_shuffled(shown, lot)), catch))
            blocks.append(_shuffled(pages, lot))
        return blocks

    def _share(self, what: str, cells: Sequence[T], number: int, count: int) -> list[T]:
        """What comes to a listener of the row of all cells, each of its rounds in an order of its own."""
        taken, places = [], range(number * count, (number + 1) * count)
        for place in places:
            order = self._lot(f"{what} row", place // len(cells)).permutation(len(cells))
            taken.append(cells[order[place % len(cells)]])
        return taken

    def _lot(self, what: str, number: int) -> np.random.Generator:
        text = f"{self._design.seed} {what} {number}".encode()
        digest = blake2b(text, key=self._secret, digest_size=16).digest()
        return np.random.default_rng(int.from_bytes(digest, "big"))


def _abx(item: Item, name: str, lot: np.random.Generator, catch: bool = False) -> Asked:
    sides = _shuffled((name, UNSTEERED), lot)
    return Asked("abx", item.name, (*sides, sides[lot.integers(2)]), catch)


def _shuffled(cells: Sequence[T], lot: np.random.Generator) -> list[T]:
    return [cells[place] for place in lot.permutation(len(cells))]
