"""Whether the music lives on under steering, beside its unsteered twin: the limits of all reports.

A cell is alive where the clips are within the limits, and their pushed seconds by themselves are, too:
a push in pulses may hold a drone, and its pauses bring the clip's mean up.

Entropy, onsets and level are counted in every clip, and other seeds move them by far less than their
limits allow: their means are held against them. Adherence is what a listener of small knowledge says of
each clip. With 48 clips other seeds alone move its mean by 0.05, so that by its mean one cell in four to
which nothing was done would be dead, and which one is chance. So a cell has lost adherence where it is
*shown* to have: where the whole 95 % interval of the paired change lies beyond the limit. What nothing
was done to is alive then, nearly always. What is lost must be more than the limit by half of the
interval's width to be found, 0.09 with 48 clips and 0.06 with 108: the table shows the interval, so that
nobody takes a loss that was not found for one that is not there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steering.evaluation.scoring import Scores
from steering.evaluation.statistics import Estimate, estimate, ratio
from steering.metrics.distribution import frechet, mmd


@dataclass(frozen=True)
class Limits:
    """How much of the music may be lost.

    Attributes:
        entropy: the least, of the twin's. onsets, level: the most that they may change, as shares.
        adherence: the most that may be lost; infinite where a change is what is asked for.
    """

    entropy: float = 0.6
    onsets: float = 0.2
    level: float = 0.2
    adherence: float = 0.02

    def __str__(self) -> str:
        bounded = (("onsets", self.onsets), ("level", self.level))
        within = [f"{name} within {100 * most:g} %" for name, most in bounded if most < math.inf]
        return (
            f"entropy {self.entropy:g} or more, {', '.join(within)}, adherence not shown to be lost by "
            f"more than {self.adherence:g} (95 % interval); in the whole clip, and in its pushed seconds"
        )


USUAL = Limits()
OF_FAMILIES: Mapping[str, Limits] = {
    "triads": Limits(entropy=0.5),
    "tempos": Limits(onsets=math.inf),
}
"""Where the concept itself takes some of it: a chord that is held has three notes, a faster piece has
more onsets."""


def limits_of(family: str) -> Limits:
    """The limits of a family that is steered to."""
    return OF_FAMILIES.get(family, USUAL)


@dataclass(frozen=True)
class Life:
    """What steering left of the music, against the unsteered twin.

    Attributes:
        entropy, onsets: mean over mean of the twin. level: as amplitude, the twin is 1.
        adherence: difference. fd, mmd: distance of the two sets of clips.
    """

    entropy: Estimate
    onsets: Estimate
    level: Estimate
    adherence: Estimate
    fd: float
    mmd: float

    def within(self, limits: Limits, share: float = 1.0) -> bool:
        """Whether no more than a share of what the limits allow is lost."""
        return (
            self.entropy.mean >= 1 - share * (1 - limits.entropy)
            and abs(self.onsets.mean - 1) <= share * limits.onsets
            and abs(self.level.mean - 1) <= share * limits.level
            and not self.adherence.high < -share * limits.adherence
        )

    def excess(self, limits: Limits) -> float:
        """How far the losses together are beyond the limits; 0 where the music lives."""
        beyond = (
            limits.entropy - self.entropy.mean,
            abs(self.onsets.mean - 1) - limits.onsets,
            abs(self.level.mean - 1) - limits.level,
            -self.adherence.high - limits.adherence,
        )
        return sum(max(0.0, one) for one in beyond if not math.isnan(one))


def life(steered: Scores, twin: Scores, prompts: np.ndarray) -> Life:
    """A cell beside its twin; ``prompts`` ``[B]`` says which clips are resampled together."""
    decibels = estimate(steered.loudness - twin.loudness, prompts)
    return Life(
        ratio(steered.entropy, twin.entropy, prompts),
        ratio(steered.onsets, twin.onsets, prompts),
        Estimate(*(10 ** (one / 20) for one in (decibels.mean, decibels.low, decibels.high))),
        estimate(steered.adherence - twin.adherence, prompts),
        frechet(steered.points, twin.points),
        mmd(steered.points, twin.points),
    )
