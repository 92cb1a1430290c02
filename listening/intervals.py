"""How sure a rate is that was counted on a sample."""

from __future__ import annotations

import math


def interval(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a rate.

    >>> [round(edge, 3) for edge in interval(97, 100)]
    [0.915, 0.99]
    """
    z = 1.96
    centre = (hits + z * z / 2) / (trials + z * z)
    spread = z / (trials + z * z) * math.sqrt(hits * (trials - hits) / trials + z * z / 4)
    return max(0.0, centre - spread), min(1.0, centre + spread)
