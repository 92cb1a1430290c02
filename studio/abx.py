"""The rules of a blind test: how many rounds it has, who stands where, what a score is worth.

The number of rounds is fixed beforehand and nothing is told before the last one: who could stop while
ahead would have good scores by luck. An answer that came sooner than X can have been heard is left out.

What no test on a listener's own machine can prevent: a program that lines up the sounds and subtracts X
from A and from B at matched gain, or compares levels or compressed sizes, can tell, and can wait before it
answers. The seconds that each answer took are kept so that a study can look for such.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from scipy.special import betainc

ROUNDS = 12
LEAST_HEARD = 1.0
"""Share of X's length that must pass between draw and answer for the answer to count."""


@dataclass(frozen=True)
class Trial:
    """One round, as whoever plays it has to know it; the listener gets its id and its round alone.

    Attributes:
        a: the side that A is, ``"steered"`` or ``"unsteered"``; B is the other one.
        x: the side that X is.
        round, of: from 1, and how many there are.
    """

    id: str
    a: str
    x: str
    round: int
    of: int

    @property
    def sides(self) -> dict[str, str]:
        """The side that each of A, B and X is."""
        return {"a": self.a, "b": other(self.a), "x": self.x}


def p_value(correct: int, trials: int) -> float:
    """The chance of at least so many right answers by tossing a coin: one-sided, exact.

    The upper tail of a binomial as an incomplete beta function (Abramowitz and Stegun 26.5.24).

    Raises:
        ValueError: there are more right answers than trials, or fewer than none.

    >>> round(p_value(9, 10), 4)
    0.0107
    """
    if not 0 <= correct <= trials:
        raise ValueError(f"{correct} right answers of {trials}")
    return float(betainc(correct, trials - correct + 1, 0.5)) if correct else 1.0


def side_by_lot() -> str:
    """One of the two sides, by the system's own randomness: nobody can work it out."""
    return secrets.choice(("steered", "unsteered"))


def other(side: str) -> str:
    """The other side of a pair."""
    return "unsteered" if side == "steered" else "steered"
