"""Distances of sets of clips whose distance is known."""

from __future__ import annotations

import numpy as np
import pytest

from curation.errors import BadInput
from steering.metrics import distribution


def test_frechet_is_the_distance_of_gaussians():
    """Means 3 apart, spreads 1 and 2 along one of four axes: 9 + (2 - 1)^2."""
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((2, 40_000, 4))
    other[:, 0] = other[:, 0] * 2 + 3
    assert distribution.frechet(one, other) == pytest.approx(10.0, abs=0.2)
    assert distribution.frechet(one, one) == pytest.approx(0.0, abs=1e-3)


def test_mmd_is_nothing_for_one_source_and_grows_with_the_shift():
    rng = np.random.default_rng(0)
    one, same, near, far = (rng.standard_normal((200, 3)) + shift for shift in (0, 0, 0.5, 2.0))
    values = [distribution.mmd(one, x) for x in (same, near, far)]
    assert abs(values[0]) < 0.01 < values[1] < values[2]


@pytest.mark.parametrize("measure", [distribution.frechet, distribution.mmd])
def test_sets_that_cannot_be_compared_are_refused(measure):
    with pytest.raises(BadInput, match="not of one size"):
        measure(np.zeros((5, 3)), np.zeros((5, 4)))
    with pytest.raises(BadInput, match="two clips"):
        measure(np.zeros((1, 3)), np.zeros((5, 3)))
