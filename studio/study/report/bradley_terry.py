"""Preferences as one scale: Bradley and Terry's model with ties, and what chance leaves of it.

Davidson (1970): of two conditions with worths v and w, the first is preferred with a probability that
goes as v, the second as w, and neither as ``t sqrt(v w)``. Worths are given as logarithms whose mean is 0.
The listeners are drawn anew for the intervals, each with all that they said: answers of one listener are
no answers of several.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from studio.study.tables import Preferred

RESAMPLINGS = 1000
_STEPS, _CLOSE = 50, 1e-8
_PRIOR = 0.1
"""So many wins, losses and ties of each pair are taken for granted: no worth is infinite."""


@dataclass(frozen=True)
class Worths:
    """What conditions are worth to listeners.

    Attributes:
        log: natural logarithms ``[C]`` with mean 0; ``low`` and ``high`` are their 95 % intervals.
        tie: the logarithm of t. draws: the logarithms ``[R, C]`` of listeners drawn anew.
        listeners: how many were asked.
    """

    log: np.ndarray
    low: np.ndarray
    high: np.ndarray
    tie: float
    draws: np.ndarray
    listeners: int

    def difference(self, one: int, other: int) -> tuple[float, float, float]:
        """How much more one is worth than another, and its 95 % interval."""
        drawn = self.draws[:, one] - self.draws[:, other]
        low, high = np.quantile(drawn, tails(self.listeners))
        return float(self.log[one] - self.log[other]), float(low), float(high)


def worths(
    table: Preferred, conditions: int, resamplings: int = RESAMPLINGS, seed: int = 0
) -> Worths:
    """Fit the model to preferences.

    Args:
        conditions: how many there are; one that was never heard is worth 0, as all are in the mean.
    """
    people, listener = np.unique(table.listener, return_inverse=True)
    counts = _counts(table, listener, len(people), conditions)
    lot = np.random.default_rng(seed)
    drawn = lot.multinomial(len(people), np.full(len(people), 1 / len(people)), resamplings)
    weights = np.concatenate([np.ones((1, len(people))), drawn])
    fitted = fit(np.einsum("rl,lpk->rpk", weights, counts), conditions)
    log, draws = fitted[0, :-1], fitted[1:, :-1]
    low, high = np.quantile(draws, tails(len(people)), axis=0)
    return Worths(log, low, high, float(fitted[0, -1]), draws, len(people))


def tails(listeners: int) -> list[float]:
    """The quantiles of draws that are the ends of a 95 % interval.

    Listeners drawn anew differ less than new ones would; further out by as much as Student's t is wider
    than a normal, times sqrt(n / (n - 1)) (Hesterberg 2015).

    >>> [round(one, 3) for one in tails(40)]
    [0.02, 0.98]
    """
    if listeners < 2:
        return [0.0, 1.0]
    wider = np.sqrt(listeners / (listeners - 1)) * t.ppf(0.975, listeners - 1)
    tail = float(norm.cdf(-wider))
    return [tail, 1 - tail]


def pairs_of(conditions: int) -> np.ndarray:
    """Every two of them ``[P, 2]``, the smaller number first."""
    return np.array([(a, b) for a in range(conditions) for b in range(a + 1, conditions)])


def _counts(table: Preferred, listener: np.ndarray, people: int, conditions: int) -> np.ndarray:
    """How often each listener preferred the first of a pair, the second, neither: ``[L, P, 3]``."""
    pairs = {tuple(pair): place for place, pair in enumerate(pairs_of(conditions).tolist())}
    counts = np.zeros((people, len(pairs), 3))
    turned = table.first > table.second
    low, high = np.minimum(table.first, table.second), np.maximum(table.first, table.second)
    place = np.array([pairs[pair] for pair in zip(low.tolist(), high.tolist(), strict=True)], int)
    kind = np.where(table.outcome == 0, 2, np.where((table.outcome > 0) ^ turned, 0, 1))
    np.add.at(counts, (listener, place, kind), 1)
    return counts


def fit(counts: np.ndarray, conditions: int) -> np.ndarray:
    """Newton's method on many tables at once.

    Args:
        counts: ``[R, P, 3]``, as `_counts` has them, of each draw.

    Returns:
        ``[R, C + 1]``: logarithms of the worths, mean 0, and of t.
    """
    counts = counts + _PRIOR * (counts.sum(axis=0) > 0).any(axis=-1)[:, None]
    design = outcomes_of(conditions)
    total, wanted = counts.sum(-1), np.einsum("rpk,pkc->rc", counts, design)
    found = np.zeros((len(counts), conditions + 1))
    centre = np.zeros((conditions + 1, conditions + 1))
    centre[:conditions, :conditions] = 1.0  # the mean, which the model leaves open
    for _ in range(_STEPS):
        scores = np.einsum("pkc,rc->rpk", design, found)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        expected = total[..., None] * shares
        gradient = wanted - np.einsum("rpk,pkc->rc", expected, design) - found @ centre
        mean = np.einsum("rpk,pkc->rpc", shares, design)
        outer = np.einsum("rpk,pkc,pkd->rcd", expected, design, design, optimize=True)
        outer -= np.einsum("rp,rpc,rpd->rcd", total, mean, mean, optimize=True)
        curve = outer + centre + 1e-9 * np.eye(conditions + 1)
        step = np.linalg.solve(curve, gradient[..., None])[..., 0]
        found += np.clip(step, -2, 2)
        if np.abs(step).max() < _CLOSE:
            break
    met = np.isin(np.arange(conditions), pairs_of(conditions)[counts.sum(axis=(0, 2)) > 0])
    found[:, :conditions] -= found[:, :conditions][:, met].mean(axis=1, keepdims=True)
    found[:, :conditions][:, ~met] = 0.0
    return found


def outcomes_of(conditions: int) -> np.ndarray:
    """What each outcome of a pair takes of each logarithm: ``[P, 3, C + 1]``."""
    pairs = pairs_of(conditions)
    design = np.zeros((len(pairs), 3, conditions + 1))
    rows = np.arange(len(pairs))
    for side in range(2):
        design[rows, side, pairs[:, side]] = 1.0
        design[rows, 2, pairs[:, side]] = 0.5
    design[:, 2, -1] = 1.0
    return design
