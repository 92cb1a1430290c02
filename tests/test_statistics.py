"""Intervals, paired comparisons and corrected chances: they are as often right as they say."""

from __future__ import annotations

import numpy as np
import pytest

from curation.errors import BadInput
from steering.evaluation.statistics import compare, estimate, holm, resampled_means


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Prompts differ more than seeds do; the interval must know that."""
    rng = np.random.default_rng(0)
    prompts = np.repeat(np.arange(20), 3)
    covered = 0
    for _ in range(120):
        values = rng.normal(size=20)[prompts] + 0.3 * rng.normal(size=60)
        found = estimate(values, prompts)
        covered += found.low <= 0 <= found.high
    assert 0.85 <= covered / 120 <= 1.0


def test_pairing_sees_what_the_spread_would_hide():
    rng = np.random.default_rng(0)
    prompts = np.arange(40)
    twin = rng.normal(size=40)
    assert compare(twin + 0.1, twin, prompts).p < 0.001
    assert compare(rng.normal(size=40), twin, prompts).p > 0.05
    assert compare(twin, twin, prompts).p == 1.0


def test_the_bootstrap_draws_the_same_clips_for_every_cell():
    prompts = np.repeat(np.arange(5), 2)
    one = resampled_means(np.arange(10.0), prompts, 50)
    assert np.allclose(resampled_means(np.arange(10.0) + 1, prompts, 50), one + 1)
    with pytest.raises(BadInput, match="give one of each"):
        resampled_means(np.arange(3.0), prompts)


def test_holm_is_between_the_raw_chance_and_bonferroni():
    chances = [0.001, 0.2, 0.03, float("nan")]
    adjusted = holm(chances)
    assert adjusted[0] == pytest.approx(0.003) and np.isnan(adjusted[3])
    assert all(p <= a <= 3 * p for p, a in zip(chances[:3], adjusted[:3], strict=True))
