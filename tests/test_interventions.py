"""Schedules, layer weights, gates, operators and the plan that they become."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from steering.directions.bank import Bank
from steering.directions.direction import Direction
from steering.interventions.gate import Gate
from steering.interventions.intervention import Intervention, from_record
from steering.interventions.layers import WEIGHTINGS, LayerWeights
from steering.interventions.operators import OPERATORS
from steering.interventions.plan import compile_plan
from steering.interventions.schedules import SHAPES, Schedule, crossfade, staggered
from steering.models.origin import Origin

LAYERS, SIZE = 4, 16
ORIGIN = Origin("toy", "abc", LAYERS, SIZE)


def direction(name: str = "C", seed: int = 0) -> Direction:
    vectors = torch.randn(LAYERS, SIZE, generator=torch.Generator().manual_seed(seed))
    scores = torch.tensor([0.5, 0.9, 0.7, 0.6])
    return Direction(name, vectors, scores, ORIGIN).unit()


def intervention(coefficient: float = 0.1, seed: int = 0, **options) -> Intervention:
    one = replace(
        direction(seed=seed), norms=torch.arange(1.0, 5.0), source=options.pop("source", "")
    )
    options = {"layers": LayerWeights("exponential")} | options
    return Intervention(one, coefficient, **options)


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "breakpoints"])
def test_every_schedule_stays_between_nothing_and_all(name):
    levels = Schedule(name).levels(np.linspace(0, 30, 301), length=30.0)
    assert levels.shape == (301,)
    assert levels.min() >= 0 and levels.max() <= 1 and levels.max() > 0.9


def test_the_papers_schedules_come_out_of_the_defaults_at_thirty_seconds():
    """Equations of MusicRFM (arXiv 2510.19127), t in steps of a fiftieth of a second."""
    t = np.arange(1500)
    published = {
        "linear_rise": t / 1500,
        "linear_decay": 1 - t / 1500,
        "exponential_decay": 0.998**t,
        "logistic_rise": 1 / (1 + np.exp(-(t - 750) / 200)),
        "sine": (1 + np.sin(2 * np.pi * t / 1500)) / 2,
    }
    for name, curve in published.items():
        levels = Schedule(name).levels(t / 50, length=30.0)
        assert np.abs(levels - curve).max() < 2e-3, name


def test_a_crossfade_hands_over_all_of_it():
    down, up = crossfade(2.0, 6.0)
    times = np.linspace(0, 8, 81)
    total = down.levels(times, 8.0) + up.levels(times, 8.0)
    assert np.allclose(total, 1.0)
    assert down.levels(times, 8.0)[0] == 1.0 and up.levels(times, 8.0)[-1] == 1.0


def test_staggered_starts_follow_one_another():
    times = np.arange(6.0)
    on = [schedule.levels(times, 6.0).sum() for schedule in staggered(3, gap=2.0)]
    assert on == [6, 4, 2]


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ("wobble", {}, "no schedule 'wobble': choose one of constant"),
        ("pulse", {"speed": 3}, "pulse has no speed: it takes period, width, start"),
        ("constant", {"start": 12.0}, "12 s lies outside the clip of 10 s"),
        ("linear_rise", {"start": 5.0, "end": 4.0}, "starts at 5 s, but ends at 4 s"),
        ("breakpoints", {"points": [(0, 0), (11, 1)]}, "11 s lies outside"),
        ("breakpoints", {"points": [(5, 0), (2, 1)]}, "in the order of time"),
        ("breakpoints", {"points": []}, "at least one point"),
        ("pulse", {"period": 0.0}, "period must be above 0"),
        ("constant", {"start": float("nan")}, "start must be a number"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(shape, settings, message):
    with pytest.raises(BadInput, match=message):
        Schedule(shape, settings).levels(np.arange(10.0), length=10.0)


def test_layer_weights_follow_the_scores():
    scores = np.array([0.5, 0.9, 0.7, 0.6])
    assert LayerWeights("all").of(scores).tolist() == [1, 1, 1, 1]
    assert LayerWeights("top", {"k": 2}).of(scores).tolist() == [0, 1, 1, 0]
    assert np.allclose(LayerWeights("linear").of(scores), [0, 1, 0.5, 0.25])
    assert np.allclose(LayerWeights("exponential", {"kappa": 0.5}).of(scores), [0, 1, 0.25, 0.0625])
    for name in set(WEIGHTINGS) - {"only", "top"}:
        assert (LayerWeights(name).of(np.full(3, 0.8)) == 1).all()


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("best", {}, "no layer weighting 'best'"),
        ("top", {"kappa": 1}, "top has no kappa: it takes k"),
        ("only", {"layers": [4]}, "layers 0 to 3"),
        ("top", {"k": 0}, "must be above 0"),
    ],
)
def test_layer_weights_that_make_no_sense_are_refused(name, settings, message):
    with pytest.raises(BadInput, match=message):
        LayerWeights(name, settings).of(np.arange(4.0))


def test_a_gate_opens_as_often_as_it_says_and_draws_alike_for_a_longer_clip():
    for per_layer in (False, True):
        gate = Gate(0.3, per_layer, seed=1)
        short, long = gate.draws(2000, LAYERS), gate.draws(3000, LAYERS)
        assert short.mean() == pytest.approx(0.3, abs=0.04)
        assert np.array_equal(long[:2000], short)
        assert (short == short[:, :1]).all() != per_layer
    assert Gate(1.0).draws(5, 2).all() and not Gate(0.0).draws(5, 2).any()


@pytest.mark.parametrize("name", list(OPERATORS))
def test_a_zero_coefficient_changes_no_bit(name):
    h = torch.randn(3, 5, SIZE) * 10
    h[0, 0] = 0
    v, w = direction().vectors[0], direction(seed=1).vectors[0]
    changed = OPERATORS[name](h, torch.tensor(0.0), v, torch.tensor(3.0), w)
    assert torch.equal(changed, h)


def operated(name: str, h: torch.Tensor, coefficient: float, even: float = 0.0) -> torch.Tensor:
    v = direction().vectors[0]
    return OPERATORS[name](h, torch.tensor(coefficient), v, torch.tensor(even), v)


def test_operators_do_what_their_formulas_say():
    h, v = torch.randn(5, SIZE), direction().vectors[0]
    along = h @ v
    assert torch.allclose(operated("add", h, 2.0) @ v, along + 2, atol=1e-5)
    assert torch.allclose(operated("ablate", h, 1.0) @ v, torch.zeros(5), atol=1e-5)
    assert torch.allclose(operated("ablate", h, 2.0) @ v, -along, atol=1e-5)
    turned = operated("add_keeping_norm", h, 3.0)
    assert torch.allclose(turned.norm(dim=-1), h.norm(dim=-1), rtol=1e-5)
    assert ((turned @ v) > along).all()


def test_a_clamp_leaves_alone_what_is_there_already():
    h, v = torch.randn(50, SIZE), direction().vectors[0]
    along = h @ v
    raised = operated("clamp", h, 0.3, even=0.2)
    assert torch.allclose(raised @ v, along.clamp_min(0.5), atol=1e-5)
    assert torch.equal(raised[along > 0.5], h[along > 0.5]) and (along > 0.5).any()
    lowered = operated("clamp", h, -0.3, even=0.2)
    assert torch.allclose(lowered @ v, along.clamp_max(-0.1), atol=1e-5)


def test_an_affine_map_halves_the_spread_around_its_goal():
    h, v = torch.randn(50, SIZE), direction().vectors[0]
    moved = operated("affine", h, 0.3, even=0.2) @ v
    assert torch.allclose(moved - 0.5, (h @ v - 0.5) / 2, atol=1e-5)


def test_a_reading_operator_needs_a_calibrated_direction():
    with pytest.raises(BadInput, match="has no calibration, which clamp goes by"):
        intervention(0.1, operator="clamp")


def test_a_plan_multiplies_schedule_gate_layers_and_unit_out():
    one = intervention(
        0.5,
        schedule=Schedule("linear_rise"),
        layers=LayerWeights("top", {"k": 1}),
        gate=Gate(0.5, seed=3),
    )
    plan = compile_plan([one], seconds=2.0)
    assert plan.coefficients.shape == (100, 1, LAYERS)
    expected = np.arange(100) / 100 * Gate(0.5, seed=3).draws(100, 1)[:, 0] * 0.5 * 2.0
    assert np.allclose(plan.coefficients[:, 0, 1], expected, atol=1e-6)
    assert (plan.coefficients[:, 0, [0, 2, 3]] == 0).all()


def test_relative_strength_is_a_share_of_the_streams_length_and_raw_is_a_length():
    whole = LayerWeights("all")
    relative = compile_plan([intervention(0.1, layers=whole)], 0.02).coefficients[0, 0]
    raw = compile_plan([intervention(0.1, layers=whole, unit="raw")], 0.02).coefficients[0, 0]
    ablation = compile_plan([intervention(0.1, layers=whole, operator="ablate")], 0.02)
    assert torch.allclose(relative, 0.1 * torch.arange(1.0, 5.0))
    assert torch.allclose(raw, torch.full((LAYERS,), 0.1))
    assert torch.allclose(ablation.coefficients[0, 0], torch.full((LAYERS,), 0.1))


def test_orthogonalised_concepts_share_nothing_and_the_first_stays():
    pair = [intervention(seed=0), intervention(seed=1), intervention(seed=2)]
    plan = compile_plan(pair, 1.0, orthogonalise=True)
    shared = torch.einsum("mld,nld->lmn", plan.vectors, plan.vectors)
    assert torch.allclose(shared, torch.eye(3).expand(LAYERS, 3, 3), atol=1e-5)
    assert torch.allclose(plan.vectors[0], direction(seed=0).vectors, atol=1e-6)
    assert not torch.allclose(compile_plan(pair, 1.0).vectors[1], plan.vectors[1])


def test_a_plan_past_its_end_does_nothing():
    plan = compile_plan([intervention()], 1.0)
    assert plan.at(49).abs().sum() > 0 and plan.at(50).abs().sum() == 0


def test_a_recipe_gives_the_same_plan_again():
    one = intervention(
        -0.2,
        unit="raw",
        schedule=Schedule("breakpoints", {"points": [[0, 0], [1, 1]]}),
        layers=LayerWeights("exponential", {"kappa": 0.8}),
        gate=Gate(0.3, True, 7),
        operator="add_keeping_norm",
        rows="conditional",
    )
    bank = Bank("notes", "rfm", ORIGIN, {"C": one.direction}, one.direction.norms)
    again = from_record(json.loads(json.dumps(one.record())), bank)
    a, b = compile_plan([one], 2.0), compile_plan([again], 2.0)
    assert torch.equal(a.coefficients, b.coefficients)
    assert torch.equal(a.rows, b.rows) and a.operators == b.operators


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coefficient": float("nan")}, "coefficient of C is nan"),
        ({"unit": "louder"}, "choose relative or raw"),
        ({"operator": "multiply"}, "no operator 'multiply'"),
        ({"rows": "some"}, "choose one of both"),
    ],
)
def test_an_intervention_that_makes_no_sense_is_refused(options, message):
    with pytest.raises(BadInput, match=message):
        intervention(**options)


def test_concepts_of_two_models_are_not_mixed():
    other = Direction(
        "D", direction().vectors, direction().scores, Origin("x", "def", LAYERS, SIZE)
    )
    with pytest.raises(BadInput, match="made for x"):
        compile_plan([intervention(), Intervention(other, 0.1, "raw")], 1.0)
