"""Ratings, which have ends at 0 and 100: each listener's mean difference from the unsteered copy, by ranks.

Wilcoxon's signed ranks need no normal distribution, and a listener counts once, however many clips they
rated. The interval is the one that the same test leaves: Hodges and Lehmann's, between two of the means
of every two differences.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm, wilcoxon

from steering.evaluation.statistics import holm
from studio.study.tables import Rated

_EXACT = 25
"""Listeners up to which ranks are counted out, where there are no ties."""


@dataclass(frozen=True)
class Difference:
    """How a condition was rated, beside the unsteered copy.

    Attributes:
        median: of the listeners' means. shift: the pseudo-median of their differences from the copy,
            with its 95 % interval.
        p: two-sided; ``adjusted`` for all conditions of the scale (Holm 1979).
    """

    median: float
    shift: float
    low: float
    high: float
    p: float
    listeners: int
    adjusted: float = float("nan")


def rated(table: Rated, reference: int) -> dict[int, Difference]:
    """Every condition against the one of this number."""
    means, there = _means(table)
    found = {}
    for place, condition in enumerate(there):
        if condition == reference:
            continue
        difference = means[:, place] - means[:, there.index(reference)]
        found[condition] = shifted(difference[np.isfinite(difference)], means[:, place])
    adjusted = holm([one.p for one in found.values()])
    return {
        name: replace(one, adjusted=p)
        for (name, one), p in zip(found.items(), adjusted, strict=True)
    }


def _means(table: Rated) -> tuple[np.ndarray, list[int]]:
    """Each listener's mean of each condition ``[L, C]``, and the conditions' numbers."""
    people, listener = np.unique(table.listener, return_inverse=True)
    conditions, condition = np.unique(table.condition, return_inverse=True)
    sums, counts = np.zeros((2, len(people), len(conditions)))
    np.add.at(sums, (listener, condition), table.score)
    np.add.at(counts, (listener, condition), 1)
    with np.errstate(invalid="ignore"):
        return sums / counts, conditions.tolist()


def shifted(difference: np.ndarray, scores: np.ndarray | None = None) -> Difference:
    """The signed-rank test of differences ``[L]``, one a listener, and its interval."""
    count = len(difference)
    averages = np.sort((difference[:, None] + difference)[np.triu_indices(count)] / 2)
    cut = min(_cut(count), (len(averages) - 1) // 2)
    p = float(wilcoxon(difference).pvalue) if np.any(difference) else 1.0
    return Difference(
        float(np.nanmedian(difference if scores is None else scores)),
        float(np.median(averages)),
        float(averages[cut]),
        float(averages[-1 - cut]),
        p,
        count,
    )


def _cut(count: int) -> int:
    """How many averages lie outside of either end of a 95 % interval, so that no less is covered."""
    if count <= _EXACT:
        ways = np.ones(1)
        for rank in range(1, count + 1):
            longer = np.zeros(len(ways) + rank)
            longer[: len(ways)] += ways
            longer[rank:] += ways
            ways = longer
        place = int(np.searchsorted(np.cumsum(ways) / ways.sum(), 0.025, "right"))
    else:
        spread = np.sqrt(count * (count + 1) * (2 * count + 1) / 24)
        place = int(np.floor(count * (count + 1) / 4 + norm.ppf(0.025) * spread))
    return max(place - 1, 0)
