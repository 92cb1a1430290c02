"""Wilson's interval."""

from __future__ import annotations

from listening.intervals import interval


def test_intervals_hold_the_rate_and_shrink_with_the_sample():
    widths = []
    for n in (10, 100, 1000):
        low, high = interval(round(0.9 * n), n)
        assert low < 0.9 < high
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2]
