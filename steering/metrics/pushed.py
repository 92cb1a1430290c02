"""Which seconds of a clip are pushed: the page's verdict and the evaluation mean the same ones."""

from __future__ import annotations

import numpy as np

RATE = 50.0
"""Places a second at which a push is looked at: the model's own steps."""

HALF = 0.5


def is_pushed(strengths: np.ndarray) -> np.ndarray:
    """Where a concept is pushed with half of its greatest strength or more, either way: bool ``[T]``.

    A push that comes and goes is there while it is not 0. Of one that swells the weak end does not
    count: there the music is nearly left alone, and what it does would be put down to the push.
    Nothing is pushed where the strength is 0 all the time.

    >>> is_pushed(np.array([0.0, 0.01, 0.03, -0.04])).tolist()
    [False, False, True, True]
    """
    sizes = np.abs(strengths)
    pushed: np.ndarray = (sizes >= HALF * sizes.max(initial=0.0)) & (sizes > 0)
    return pushed
