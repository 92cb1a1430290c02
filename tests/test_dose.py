"""Dose and response: a constructed rise is found, random directions are what chance is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from listening.theory import PITCH_CLASSES
from steering.decoding.decoder import Decoder
from steering.decoding.sampling import Sampling
from steering.evaluation import cells, dose, sections
from steering.evaluation.asks import Ask, asks
from steering.evaluation.cells import Cell, Setting, Shelf, Steer
from steering.evaluation.dose import DIRECTIONS, DOSES, rise
from steering.evaluation.plans import intervention
from steering.evaluation.runner import Runner
from steering.evaluation.sections import Section, unsteered
from steering.evaluation.statistics import Estimate, slopes
from steering.evaluation.studies import single
from steering.models.origin import Origin
from tests.toy import toy_bank, toy_model

STEER = Steer("notes/ridge", 0.04)


def answered(rng: np.random.Generator, clips: int, slope: float, least: float = 0.1) -> np.ndarray:
    """Hits ``[B, S]`` whose rate rises from ``least`` by ``slope`` at all of the strength."""
    rates = least + slope * np.array(DOSES)
    return (rng.random((clips, len(DOSES))) < rates).astype(float)


def test_the_slope_of_the_means_is_the_mean_of_the_clips_slopes():
    values = np.random.default_rng(0).normal(size=(12, 3))
    doses = np.array(DOSES)
    assert slopes(doses, values).mean() == pytest.approx(np.polyfit(doses, values.mean(0), 1)[0])
    assert np.isnan(slopes(doses, np.array([[0.0, np.nan, 1.0]]))[0])
    with pytest.raises(BadInput, match="at two or more"):
        slopes(np.array([1.0, 1.0]), values[:, :2])


def test_a_constructed_slope_is_found_and_its_interval_covers_it():
    rng = np.random.default_rng(0)
    prompts = np.repeat(np.arange(54), 2)
    random = np.stack([answered(rng, 24, 0.0) for _ in range(DIRECTIONS)])
    found = [rise(answered(rng, 108, 0.5), random, prompts) for _ in range(40)]
    assert np.mean([one.slope.low <= 0.5 <= one.slope.high for one in found]) >= 0.9
    assert np.mean([one.slope.mean for one in found]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([one.steeper == 0 for one in found]) >= 0.8
    assert min(one.p for one in found) == pytest.approx(1 / 21)


def test_a_direction_that_stands_for_nothing_is_as_steep_as_random_ones():
    rng = np.random.default_rng(0)
    prompts = np.repeat(np.arange(24), 2)
    chances = []
    for _ in range(60):
        random = np.stack([answered(rng, 24, 0.0) for _ in range(DIRECTIONS)])
        chances.append(rise(answered(rng, 48, 0.0), random, prompts).p)
    assert np.mean(np.array(chances) <= 0.05) <= 0.15
    assert 0.3 < np.mean(chances) < 0.75


def test_what_nobody_hears_has_no_slope():
    found = rise(np.full((4, 3), np.nan), np.full((2, 4, 3), np.nan), np.arange(4))
    assert np.isnan(found.slope.mean) and np.isnan(found.p)
    assert str(found) == "not heard in enough clips"


def test_a_random_direction_with_a_number_is_one_for_all_clips():
    bank = toy_bank(toy_model(), PITCH_CLASSES)
    one, other = asks("validation", 2, PITCH_CLASSES, "notes")

    def vectors(ask: Ask, draw: int | None) -> torch.Tensor:
        steer = replace(STEER, control="random", draw=draw)
        return intervention(steer, ask, bank).direction.vectors

    assert torch.equal(vectors(one, 3), vectors(other, 3))
    assert not torch.equal(vectors(one, 3), vectors(one, 4))
    assert not torch.equal(vectors(one, None), vectors(other, None))
    assert torch.allclose(vectors(one, 3).norm(dim=-1), torch.ones(2), atol=1e-5)


def test_cells_of_before_are_found_again(monkeypatch):
    """The very key that this cell had before random directions had numbers."""
    monkeypatch.setattr(cells, "digest", lambda bank: "a bank")
    ask = Ask(0, 7, {"plain": "calm jazz"}, {}, ("C", "D"))
    setting = Setting(Origin("toy", "abc", 2, 32), (ask,), 4.0, Sampling())
    cell = Cell("x", (Steer("notes/ridge", 0.03, control="random"),))
    assert setting.key(cell, {"notes/ridge": None}) == "3c8ce73a4b031c67840f"


def test_cells_of_few_clips_are_played_side_by_side_and_are_what_they_are_alone(tmp_path):
    model = toy_model()
    banks = {"notes/ridge": toy_bank(model, PITCH_CLASSES)}
    chosen = tuple(asks("validation", 2, PITCH_CLASSES, "notes"))
    setting = Setting(model.origin, chosen, 0.5, Sampling())
    few = [
        Cell(f"random {draw}", (Steer("notes/ridge", 3.0, control="random", draw=draw),))
        for draw in range(3)
    ]
    batches = []

    def generate(clips, seconds, sampling):
        batches.append(len(clips))
        return Decoder(model).generate(clips, seconds, sampling)

    def played(name: str, batch: int):
        return Runner(model, Shelf(tmp_path / name), generate, batch, 0).run(setting, few, banks)

    together = played("together", 5)
    assert batches == [4, 2]
    alone = played("alone", 2)
    assert batches == [4, 2, 2, 2, 2]
    for label, one in alone.items():
        assert one["codes"].shape[0] == 2
        assert np.array_equal(one["codes"], together[label]["codes"])
        assert np.allclose(one["counts"], together[label]["counts"])


def point(hits: float, entropy: float) -> SimpleNamespace:
    exact = [Estimate(one, one, one) for one in (hits, entropy)]
    pushed = SimpleNamespace(life=SimpleNamespace(entropy=exact[1]))
    return SimpleNamespace(accuracy=exact[0], pushed=pushed)


def test_entropy_at_equal_hits_lies_on_the_curve_and_nowhere_beyond_it():
    rows = [point(0.8, 0.4), point(0.2, 0.9), point(0.5, 0.7)]
    assert single.entropy_at(rows, 0.5) == pytest.approx(0.7)
    assert single.entropy_at(rows, 0.65) == pytest.approx(0.55)
    assert np.isnan(single.entropy_at(rows, 0.85)) and np.isnan(single.entropy_at(rows, 0.1))


def test_a_frontier_has_the_methods_and_no_controls():
    cells = (
        unsteered(),
        *(Cell(sections.pushed(one), (one,)) for one in (STEER, replace(STEER, coefficient=0.02))),
        Cell("random direction", (replace(STEER, control="random"),)),
    )
    table = [point(0.1, 1.0), point(0.8, 0.4), point(0.3, 0.8), point(0.1, 0.9)]
    found = sections.curves([(Section("Methods", "", cells), table)])
    assert list(found) == ["ridge"]
    assert [row.accuracy.mean for row in found["ridge"]] == [0.3, 0.8]


def test_dose_says_how_many_directions_and_clips_it_has():
    rng = np.random.default_rng(0)
    random = np.stack([answered(rng, dose.CLIPS, 0.0) for _ in range(DIRECTIONS)])
    prompts = np.repeat(np.arange(54), 2)
    said = str(rise(answered(rng, 108, 0.8), random, prompts))
    assert "108 clips; on the first 24 of them" in said and "20 random directions" in said
    assert "as steeply as steering: 0 of 20 (p 0.048)" in said
