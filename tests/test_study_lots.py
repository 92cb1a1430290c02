"""Order and sides by lot, and a pitch that is heard with both ears alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import welch
from scipy.stats import binomtest

from benchmarks.study.toy import RATE
from studio.study.design import Abx, Condition, Design, Item, Preference, Ratings
from studio.study.headphones import CENTRE_HZ, WIDTH, huggins
from studio.study.lots import HEADPHONES, TRAINING, Lots

DESIGN = Design(
    "lots", "Lots", 30, "training",
    items=tuple(Item(name, name, "C") for name in ("training", "a", "b", "c")),
    conditions=(Condition("push", "bank", 0.1), Condition("words", prompt="{prompt} in {concept}")),
    abx=Abx(6), preference=Preference(6), ratings=Ratings(2),
)  # fmt: skip
SECRET = bytes(32)


def test_the_same_seed_and_secret_give_the_same_lots_and_another_secret_others():
    plan = Lots(DESIGN, SECRET).plan(3)
    assert plan == Lots(DESIGN, SECRET).plan(3)
    assert plan != Lots(DESIGN, SECRET).plan(4) != Lots(DESIGN, bytes([1] * 32)).plan(4)
    assert plan != Lots(replace(DESIGN, seed=1), SECRET).plan(3)


def test_over_the_listeners_every_condition_meets_every_item_equally_often():
    lots = Lots(DESIGN, SECRET)
    cells, pairs = Counter(), Counter()
    for number in range(30):
        for one in lots.plan(number):
            if one.kind == "abx" and not one.catch:
                cells[one.item, *sorted(set(one.shown) - {"unsteered"})] += 1
            if one.kind == "preference" and not one.catch:
                pairs[(one.item, *sorted(one.shown))] += 1
            assert one.item != "training" or one.kind == TRAINING
    assert len(cells) == 3 * 2 and set(cells.values()) == {30}
    assert len(pairs) == 3 * 6 and set(pairs.values()) == {10}


def test_each_listener_has_the_trials_that_the_design_says():
    for number in range(4):
        counts = Counter(one.kind for one in Lots(DESIGN, SECRET).plan(number))
        caught = Counter(one.kind for one in Lots(DESIGN, SECRET).plan(number) if one.catch)
        assert counts == DESIGN.counts | {HEADPHONES: 12, TRAINING: 1}
        assert caught == {"abx": 3, "preference": 2, "quality": 2}
    assert DESIGN.trials == 6 + 3 + 6 + 2 + 2 + 2


def test_sides_and_x_are_drawn_apart_and_evenly():
    lots = Lots(DESIGN, SECRET)
    abx = [one for n in range(60) for one in lots.plan(n) if one.kind == "abx"]
    first = [one.shown[0] == "unsteered" for one in abx]
    x_is_a = [one.shown[2] == one.shown[0] for one in abx]
    alike = [a == b for a, b in zip(first, x_is_a, strict=True)]
    for lot in (first, x_is_a, alike):
        assert binomtest(sum(lot), len(lot)).pvalue > 1e-4


def test_the_pitch_is_between_the_ears_and_in_neither_of_them():
    lot = np.random.default_rng(0)
    left, right = huggins(True, RATE, lot, seconds=8.0)
    frequencies, between = welch(left - right, RATE, nperseg=4096)
    band = np.abs(frequencies / CENTRE_HZ - 1) < WIDTH / 2
    outside = np.abs(frequencies / CENTRE_HZ - 1) > 2 * WIDTH
    assert between[band].mean() > 1000 * between[outside].mean()
    for ear in (left, right):
        _, alone = welch(ear, RATE, nperseg=4096)
        near = outside & (frequencies > 300) & (frequencies < 1200)
        assert alone[band].mean() == pytest.approx(alone[near].mean(), rel=0.2)
    plain = huggins(False, RATE, lot)
    assert np.array_equal(*plain)
