"""Whether the music lives on under steering, beside its unsteered twin: the limits of all reports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steering.evaluation.scoring import Scores
from steering.metrics.distribution import frechet, mmd

LEAST_ENTROPY = 0.6
MOST_CHANGE = 0.2
MOST_LOST = 0.02
LIMITS = (
    f"entropy {LEAST_ENTROPY:g} or more, onsets and level within {100 * MOST_CHANGE:g} %, adherence "
    f"lost at most {MOST_LOST:g}"
)
"""In words: entropy, onsets and level are times the unsteered twin's, adherence is the change."""


@dataclass(frozen=True)
class Life:
    """What steering left of the music, against the unsteered twin.

    Attributes:
        entropy, onsets: mean over mean of the twin. level: as amplitude, the twin is 1.
        adherence: difference. fd, mmd: distance of the two sets of clips.
    """

    entropy: float
    onsets: float
    level: float
    adherence: float
    fd: float
    mmd: float

    @property
    def lives(self) -> bool:
        """Whether it is still the music that was asked for: the limits of this evaluation."""
        return self.within(1.0)

    def within(self, share: float) -> bool:
        """Whether no more than a share of what the limits allow is lost."""
        return (
            self.entropy >= 1 - share * (1 - LEAST_ENTROPY)
            and abs(self.onsets - 1) <= share * MOST_CHANGE
            and abs(self.level - 1) <= share * MOST_CHANGE
            and self.adherence >= -share * MOST_LOST
        )

    @property
    def excess(self) -> float:
        """How far the losses together are beyond the limits; 0 where the music lives."""
        entropy = max(0.0, LEAST_ENTROPY - self.entropy)
        onsets, level = (max(0.0, abs(one - 1) - MOST_CHANGE) for one in (self.onsets, self.level))
        adherence = max(0.0, -MOST_LOST - self.adherence)
        return (entropy + onsets) + (level + adherence)


def life(steered: Scores, twin: Scores) -> Life:
    """A cell beside its twin."""
    decibels = float(np.mean(steered.loudness - twin.loudness))
    return Life(
        float(steered.entropy.mean() / max(twin.entropy.mean(), 1e-9)),
        float(steered.onsets.mean() / max(twin.onsets.mean(), 1e-9)),
        float(10 ** (decibels / 20)),
        float(np.nanmean(steered.adherence - twin.adherence)),
        frechet(steered.points, twin.points),
        mmd(steered.points, twin.points),
    )
