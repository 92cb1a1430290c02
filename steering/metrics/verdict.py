"""What a judge says of a clip, and how often it is right about clips whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from listening.intervals import interval


@dataclass(frozen=True)
class Verdict:
    """What was heard in one clip.

    Attributes:
        heard: the answer in words; None where there is nothing to hear.
        shares: how much of the clip is each of the possible answers, 0 to 1.
        number: the answer as a number, where it is one (beats per minute).
    """

    heard: str | None
    shares: Mapping[str, float] = field(default_factory=dict)
    number: float | None = None

    def share(self, target: str) -> float:
        """How much of the clip is the target; 0 for what was not heard.

        >>> Verdict("C", {"C": 0.7, "E": 0.3}).share("E")
        0.3
        """
        return float(self.shares.get(target, 0.0))


Judge = Callable[[np.ndarray, int], Verdict]
"""``(audio [N], sample rate) -> Verdict``; it must know nothing of the model or of our probes."""


@dataclass(frozen=True)
class OwnError:
    """How often a judge is right on rendered clips: the most that its verdicts can be trusted.

    Attributes:
        right: of ``clips``. truth: in words, which clips these were.
    """

    right: int
    clips: int
    truth: str

    @property
    def share(self) -> float:
        return self.right / max(self.clips, 1)

    def __str__(self) -> str:
        low, high = interval(self.right, self.clips)
        return (
            f"{self.share:.1%} right on {self.clips} {self.truth} (95 %: {low:.1%} to {high:.1%})"
        )


def own_error(
    judge: Judge,
    clips: Iterable[tuple[np.ndarray, int, str]],
    truth: str,
    same: Callable[[Verdict, str], bool] = lambda verdict, label: verdict.heard == label,
) -> OwnError:
    """A judge against labels that are true by construction: ``(audio, sample rate, label)``."""
    right = total = 0
    for audio, sample_rate, label in clips:
        total += 1
        right += same(judge(audio, sample_rate), label)
    return OwnError(right, total, truth)
