"""Whether a difference is more than chance: paired bootstrap, and Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from curation.errors import BadInput

RESAMPLINGS = 5_000
LEAST = 1e-9


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))


def resampled_means(
    values: np.ndarray, prompts: np.ndarray, resamplings: int = RESAMPLINGS, seed: int = 0
) -> np.ndarray:
    """Means of clips drawn anew: prompts with replacement, and seeds within each prompt.

    Args:
        values: float ``[B]``. prompts: int ``[B]``, which prompt a clip belongs to.

    Returns:
        float ``[resamplings]``. The same seed draws the same clips, whatever the values, so that
        two cells are compared on the same draws.

    Raises:
        BadInput: there are no values, or not one for each clip.
    """
    if len(values) != len(prompts) or not len(values):
        raise BadInput(f"{len(values)} values of {len(prompts)} clips: give one of each, and some")
    drawn = _draws(tuple(prompts.tolist()), resamplings, seed)
    known = np.isfinite(values)
    return drawn @ np.where(known, values, 0.0) / np.maximum(drawn @ known, 1)


@lru_cache(maxsize=8)
def _draws(prompts: tuple[int, ...], resamplings: int, seed: int) -> np.ndarray:
    """How often each clip is drawn in each resampling: float ``[resamplings, B]``."""
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(np.equal(prompts, prompt)) for prompt in np.unique(prompts)]
    sizes = np.array([len(group) for group in groups])
    table = np.stack([np.resize(group, sizes.max()) for group in groups])
    chosen = rng.integers(len(groups), size=(resamplings, len(groups)))
    takes = rng.random((resamplings, len(groups), sizes.max()))
    places = (takes * sizes[chosen][..., None]).astype(int)
    clips = np.take_along_axis(table[chosen], places, axis=-1)
    counts = np.arange(sizes.max()) < sizes[chosen][..., None]
    row = np.arange(resamplings)[:, None, None] * len(prompts)
    times = np.bincount((clips + row)[counts], minlength=resamplings * len(prompts))
    return times.reshape(resamplings, len(prompts)).astype(float)


def estimate(values: np.ndarray, prompts: np.ndarray) -> Estimate:
    """Mean and interval of one cell; clips that are nan are left out, of nothing else it is nan."""
    if not np.isfinite(values).any():
        return UNKNOWN
    low, high = np.percentile(resampled_means(values, prompts), [2.5, 97.5])
    return Estimate(float(np.nanmean(values)), float(low), float(high))


def ratio(values: np.ndarray, twin: np.ndarray, prompts: np.ndarray) -> Estimate:
    """The mean of a cell over its twin's, both ``[B]``, each draw of clips the same for the two."""
    means, others = (resampled_means(one, prompts) for one in (values, twin))
    low, high = np.percentile(means / np.maximum(others, LEAST), [2.5, 97.5])
    return Estimate(float(values.mean() / max(twin.mean(), LEAST)), float(low), float(high))


def slopes(doses: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How much each clip's values ``[B, S]`` rise with the doses ``[S]``: least squares, ``[B]``.

    Their mean is the slope of the cells' means, so that `estimate` gives that with its interval. A
    clip of which one value is nan has none.

    Raises:
        BadInput: the doses are not two or more different ones, or not one for each column.

    >>> slopes(np.array([0.0, 1.0, 2.0]), np.array([[0.0, 1.0, 2.0], [1.0, 1.0, 1.0]])).tolist()
    [1.0, 0.0]
    """
    if len(np.unique(doses)) < 2 or values.shape[1:] != doses.shape:
        raise BadInput(f"values {values.shape} at doses {doses}: give one of each, at two or more")
    centred = doses - doses.mean()
    found: np.ndarray = values @ centred / (centred @ centred)
    return found


@dataclass(frozen=True)
class Comparison:
    """A cell against its twin, clip by clip.

    Attributes:
        p: two-sided, of no difference; ``adjusted`` for all comparisons of the table (Holm 1979).
    """

    difference: Estimate
    p: float
    adjusted: float = float("nan")


def compare(values: np.ndarray, twin: np.ndarray, prompts: np.ndarray) -> Comparison:
    """The mean of ``values - twin``, both ``[B]``, with its interval and chance; nan of nothing."""
    changed = values.astype(float) - twin.astype(float)
    if not np.isfinite(changed).any():
        return Comparison(UNKNOWN, float("nan"))
    means = resampled_means(changed, prompts)
    below, above = (means <= 0).sum(), (means >= 0).sum()
    p = min(1.0, 2 * (min(below, above) + 1) / (len(means) + 1))
    low, high = np.percentile(means, [2.5, 97.5])
    return Comparison(Estimate(float(np.nanmean(changed)), float(low), float(high)), float(p))


def holm(chances: Sequence[float]) -> list[float]:
    """Chances adjusted for how many there are (Holm 1979); nan stays out of the count.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    known = [place for place, p in enumerate(chances) if not np.isnan(p)]
    adjusted = [float("nan")] * len(chances)
    largest = 0.0
    for rank, place in enumerate(sorted(known, key=lambda place: chances[place])):
        largest = max(largest, min(1.0, (len(known) - rank) * chances[place]))
        adjusted[place] = largest
    return adjusted
