"""The arithmetic of a blind test: how likely is a score by guessing alone?"""

from __future__ import annotations

import secrets

from scipy.special import betainc


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


def hidden_side() -> str:
    """Which of the two X is, by the system's own randomness: nobody can work it out."""
    return secrets.choice(("steered", "unsteered"))
