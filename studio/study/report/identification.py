"""ABX: is the difference heard at all? Exact, with the number of trials fixed beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from studio.study.tables import Identified


@dataclass(frozen=True)
class Heard:
    """Right answers of a condition.

    Attributes:
        low, high: 95 % of the share, by Clopper and Pearson (1934): of these listeners and items.
        p: of at least so many by tossing a coin, one-sided, exact.
    """

    right: int
    trials: int
    low: float
    high: float
    p: float

    @property
    def share(self) -> float:
        return self.right / self.trials


def told_apart(right: int, trials: int) -> Heard:
    """An exact binomial test against guessing.

    >>> found = told_apart(9, 10)
    >>> round(found.p, 4), round(found.low, 3), round(found.high, 3)
    (0.0107, 0.555, 0.997)
    """
    test = binomtest(right, trials, 0.5, "greater")
    interval = binomtest(right, trials, 0.5).proportion_ci(0.95, "exact")
    return Heard(right, trials, float(interval.low), float(interval.high), float(test.pvalue))


def identified(table: Identified) -> dict[int, Heard]:
    """Every condition's right answers, by its number."""
    found = {}
    for condition in np.unique(table.condition):
        right = table.right[table.condition == condition]
        found[int(condition)] = told_apart(int(right.sum()), len(right))
    return found
