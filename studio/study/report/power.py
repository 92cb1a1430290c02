"""How many listeners a difference takes, reckoned before anybody has listened.

Each figure is for one condition: told from the unsteered copy so many points more often than by guessing,
preferred to any other so many points more often than not, rated so many points higher.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import binom, nct, norm, t

from studio.study.design import Design
from studio.study.report.bradley_terry import outcomes_of, pairs_of

ALPHA = 0.05
MOST = 2000
"""Listeners beyond which nobody is asked for."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_RANKS = 3 / np.pi
"""How many listeners Wilcoxon's test has for each that a t-test would need, of normal differences."""


@dataclass(frozen=True)
class Spread:
    """How far listeners and items differ: what a study is planned with.

    Attributes:
        listeners, items: standard deviations of the log odds of telling X.
        taste: the same of each listener's own worth of each condition, as a logarithm.
        tie: the logarithm of Davidson's t.
        opinion, noise: of a listener's mean rating of a condition, and of single ratings, in points.
    """

    listeners: float = 0.6
    items: float = 0.4
    taste: float = 0.3
    tie: float = -0.7
    opinion: float = 8.0
    noise: float = 15.0


USUAL = Spread()


def foretold(
    design: Design, points: float = 15.0, power: float = 80.0, spread: Spread = USUAL
) -> str:
    """In words and a table: the listeners that each kind of trial takes, and what those planned find."""
    rows = ["question                     listeners needed    power with those planned"]
    for kind, of in powers(design, points, spread).items():
        need = needed(of, power / 100)
        found = f"{need:8}" if need else f"over {MOST}"
        rows.append(f"{kind:28} {found:>16} {100 * of(design.listeners):22.0f} %")
    return "\n".join(
        [
            f"{design.name}: {points:g} points of 100, found in {power:g} % of studies, at 5 %",
            *rows,
            f"Listeners differ by {spread.listeners:g} and items by {spread.items:g} (log odds), tastes by "
            f"{spread.taste:g}, opinions by {spread.opinion:g} points, ratings by {spread.noise:g}.",
            "Who is left out by the checks comes on top.",
        ]
    )


def powers(
    design: Design, points: float, spread: Spread = USUAL
) -> dict[str, Callable[[int], float]]:
    """For each kind of trial the power by the number of listeners."""
    found: dict[str, Callable[[int], float]] = {}
    if design.abx:
        share = design.abx.trials / len(design.told_apart)
        found["abx, one condition"] = lambda n: of_telling(
            n, share, len(design.heard), points / 100, spread
        )
    if design.preference:
        trials, conditions = design.preference.trials, len(design.preferred)
        found["preference, one of all"] = lambda n: of_preferring(
            n, trials, conditions, points / 100, spread
        )
    if design.ratings:
        pages = design.ratings.trials
        found["rating, beside unsteered"] = lambda n: of_rating(n, pages, points, spread)
    return found


def needed(of: Callable[[int], float], power: float) -> int | None:
    """The fewest listeners with so much power, from there on; None where `MOST` are too few."""
    if of(MOST) < power:
        return None
    few, many = 1, MOST
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if of(middle) >= power else (middle, many)
    return many


def of_telling(
    listeners: int, trials: float, items: int, more: float, spread: Spread = USUAL
) -> float:
    """The power of the exact binomial test where X is told ``more`` often than by guessing.

    Args:
        trials: of each listener on the condition; a part of one is a listener who has one more.
    """
    total = round(listeners * trials)
    least = int(binom.isf(ALPHA, total, 0.5)) + 1
    middle = middle_of(0.5 + more, spread)
    found = 0.0
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        at = middle + node * spread.items / np.sqrt(items)
        found += weight * _exceeds(total, listeners, at, spread.listeners, least)
    return float(found)


def _exceeds(total: int, listeners: int, middle: float, spread: float, least: int) -> float:
    """The chance of so many right answers of listeners that differ."""
    few, longer = divmod(total, listeners)
    rows = {}
    for trials in (few, few + 1):
        chances = expit(middle + spread * _NODES)
        rows[trials] = _WEIGHTS @ binom.pmf(np.arange(few + 2), trials, chances[:, None])
    size = total + listeners + 2
    waves = {trials: np.fft.rfft(row, size) for trials, row in rows.items()}
    sums = np.fft.irfft(waves[few] ** (listeners - longer) * waves[few + 1] ** longer, size)
    return float(np.clip(sums[least : total + 1].sum(), 0, 1))


def middle_of(share: float, spread: Spread = USUAL) -> float:
    """Log odds of a middling listener and item where the mean share is this one."""
    both = np.hypot(spread.listeners, spread.items)
    return float(brentq(lambda at: _WEIGHTS @ expit(at + both * _NODES) - share, -20, 20))


def of_preferring(
    listeners: int, trials: int, conditions: int, more: float, spread: Spread = USUAL
) -> float:
    """The power to find one condition worth more than another, where it is preferred to every other
    ``more`` often than half of the time, ties half counted, and all others are alike."""
    worth = worth_of(more, spread)
    error = (
        _error(worth, conditions, float(np.exp(spread.tie))) / (listeners * trials)
        + 2 * spread.taste**2 / listeners
    )
    reach = t.ppf(1 - ALPHA / 2, max(listeners - 1, 1))
    return float(norm.sf(reach - worth / np.sqrt(error)))


def worth_of(more: float, spread: Spread = USUAL) -> float:
    """By which logarithm a condition must be worth more to be preferred so much more often, ties half."""
    tie = np.exp(spread.tie)

    def share(worth: float) -> float:
        root = np.exp(worth / 2)
        return float((root**2 + tie * root / 2) / (root**2 + 1 + tie * root))

    return float(brentq(lambda at: share(at) - 0.5 - more, 0, 20))


def _error(worth: float, conditions: int, tie: float) -> float:
    """The variance of a difference of worths from one trial, by the model's information."""
    logs = np.zeros(conditions + 1)
    logs[0], logs[-1] = worth, np.log(tie)
    rows = outcomes_of(conditions)
    shares = np.exp(rows @ logs)
    shares /= shares.sum(-1, keepdims=True)
    mean = np.einsum("pk,pkc->pc", shares, rows)
    curve = np.einsum("pk,pkc,pkd->cd", shares, rows, rows) - mean.T @ mean
    curve /= len(pairs_of(conditions))
    curve[:conditions, :conditions] += 1.0
    contrast = np.zeros(conditions + 1)
    contrast[:2] = 1, -1
    return float(contrast @ np.linalg.solve(curve, contrast))


def of_rating(listeners: int, pages: int, points: float, spread: Spread = USUAL) -> float:
    """The power of Wilcoxon's test where a condition is rated so many points from the unsteered copy."""
    if listeners < 3:
        return 0.0
    error = np.sqrt(2 * spread.opinion**2 + 2 * spread.noise**2 / pages)
    worth = listeners * _RANKS
    reach = t.ppf(1 - ALPHA / 2, worth - 1)
    return float(nct.sf(reach, worth - 1, points / error * np.sqrt(worth)))
