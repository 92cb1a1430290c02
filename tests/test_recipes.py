"""Recipes: there and back, the same clip again, and everything refused that is not one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import steering
from curation.errors import BadInput
from steering.api import clip_of, play, twins
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.sampling import Sampling
from steering.directions.bank import Bank
from steering.interventions.gate import Gate
from steering.interventions.intervention import Intervention, from_record
from steering.interventions.plan import Move, compile_plan
from steering.interventions.schedules import Schedule
from steering.recipes import Recipe, records
from tests.test_decoder import steer


@pytest.fixture(scope="module")
def interventions(model):
    return [
        steer(model, 0.4, gate=Gate(0.6, True, seed=7), schedule=Schedule("linear_rise")),
        steer(model, 0.3, seed=1, name="D", operator="ablate", rows="conditional"),
    ]


@pytest.fixture(scope="module")
def recipe(model, interventions) -> Recipe:
    return Recipe(
        "toy", model.origin.revision, "calm jazz", 0.6, 5, Sampling(top_k=20),
        records(interventions), True, (Move(9, 1, 0.9), Move(12, 0, -0.25)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def banks(model, interventions):
    directions = {one.direction.name: one.direction for one in interventions}
    bank = Bank("notes", "rfm", model.origin, directions, interventions[0].direction.norms)
    return {"bank": bank}.__getitem__


def test_a_recipe_goes_there_and_back(recipe):
    assert Recipe.from_json(recipe.to_json()) == recipe
    least = Recipe("toy", "abc", "", 1.0)
    assert Recipe.from_json(least.to_json()) == least


@pytest.mark.parametrize("decoder", ["fused", "hooks"])
def test_a_recipe_plays_the_same_clip_again(model, recipe, banks, interventions, decoder):
    plan = compile_plan(interventions, 0.6, orthogonalise=True).moved(*recipe.moves)
    clips = [Clip("calm jazz", 5, plan), Clip("calm jazz", 5)]
    first = play(model, clips, 0.6, recipe.sampling, decoder)
    again = Recipe.from_json(replace(recipe, decoder=decoder).to_json())
    second = play(model, twins(again, model, banks), again.seconds, again.sampling, again.decoder)
    assert torch.equal(first, second)
    still = play(model, [replace(clips[0], plan=replace(plan, moves=()))], 0.6, recipe.sampling)
    assert not torch.equal(first[:1], still)


def test_a_move_sets_in_at_its_step_and_stays(interventions):
    plan = compile_plan(interventions, 0.6)
    moved = plan.moved(Move(20, 1, 3.0), Move(9, 1, 2.0), Move(9, 1, 1.0))
    gains = moved.gains_between(0, 30)
    assert torch.equal(gains[:, 0], plan.gains[:1].expand(30))
    assert torch.equal(gains[:, 1], torch.tensor([0.3] * 9 + [1.0] * 11 + [3.0] * 10))
    assert torch.equal(moved.coefficients, plan.levels * gains[:, :, None])
    for first, count in ((0, 5), (7, 4), (25, 9)):
        part = moved.between(first, count)
        assert torch.equal(part[: 30 - first], moved.coefficients[first : first + count])
        assert torch.equal(part[0], moved.at(first)) and not part[30 - first :].any()


def test_of_moves_of_one_step_the_last_is_kept(interventions):
    plan = compile_plan(interventions, 0.6)
    moves = [Move(step, concept, number / 100) for number, (step, concept) in
             enumerate([(5, 0), (2, 1), (5, 0), (5, 1), (2, 1), (5, 0)])]  # fmt: skip
    moved = plan.moved(*moves)
    assert moved.moves == (moves[4], moves[5], moves[3])
    one_by_one = plan
    for move in moves:
        one_by_one = one_by_one.moved(move)
    assert torch.equal(one_by_one.coefficients, moved.coefficients)


def test_many_moves_are_the_last_before_each_step(interventions):
    plan = compile_plan(interventions, 2.0)
    rng = np.random.default_rng(3)
    moves = [
        Move(int(step), int(concept), float(value))
        for step, concept, value in zip(
            rng.integers(0, 130, 300), rng.integers(0, 2, 300), rng.normal(size=300), strict=True
        )
    ]
    moved = plan.moved(*moves)
    for first, count in ((0, 100), (13, 1), (64, 20)):
        gains = moved.gains_between(first, count)
        for step in range(first, first + count):
            for concept in (0, 1):
                before = [one for one in moves if one.concept == concept and one.step <= step]
                last = max(before, key=lambda one: (one.step, moves.index(one)), default=None)
                expected = plan.gains[concept] if last is None else last.coefficient
                assert gains[step - first, concept] == torch.tensor(expected)


def test_moves_beyond_the_plan_are_refused(interventions):
    plan = compile_plan(interventions, 0.6)
    with pytest.raises(BadInput, match="no concept 2 to move: the plan has 2"):
        plan.moved(Move(0, 2, 1.0))
    for step, concept, coefficient in ((-1, 0, 1.0), (0, -1, 1.0), (0, 0, float("nan"))):
        with pytest.raises(BadInput, match="a move"):
            Move(step, concept, coefficient)


def changed(recipe: Recipe, **entries) -> str:
    return json.dumps(json.loads(recipe.to_json()) | entries)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"format": 2}, "not of format 1"),
        ({"extra": 1}, "unknown entry 'extra'"),
        ({"prompt": 3}, "prompt must be text"),
        ({"prompt": "x" * 3000}, "longer than 2000"),
        ({"seconds": "long"}, "seconds must be a number"),
        ({"seconds": True}, "seconds must be a number"),
        ({"seconds": 1e9}, "at most 3600"),
        ({"seconds": -1}, "more than 0"),
        ({"seconds": 10**400}, "finite number"),
        ({"seconds": float("nan")}, "holds NaN"),
        ({"seed": 1.5}, "whole number"),
        ({"seed": 2**70}, "64 bits"),
        ({"sampling": {"top_k": 2.5}}, "sampling's top_k must be a whole number"),
        ({"sampling": {"speed": 1}}, "an object with guidance"),
        ({"sampling": {"temperature": -1}}, "temperature must be 0 or more"),
        ({"interventions": "C"}, "list of objects"),
        ({"interventions": [{"concept": "C", "coefficient": 1}]}, "names no bank"),
        ({"interventions": [{"bank": "b", "coefficient": 1}]}, "concept must be text"),
        ({"interventions": [{"bank": "b", "concept": "C", "coefficient": "1"}]}, "a number"),
        ({"interventions": [{"bank": "b", "concept": "C", "coefficient": 1, "gate": 1}]}, "object"),
        ({"interventions": [{"bank": "b", "concept": "C", "coefficient": 1}] * 65}, "more than 64"),
        ({"moves": [[1, 0, 2.0]]}, "list of objects"),
        ({"moves": [{"step": 1, "concept": 9, "coefficient": 0}]}, "moves concept 9"),
        ({"moves": [{"step": 1, "concept": 0}]}, "step, concept and coefficient"),
        ({"decoder": "quick"}, "no decoder 'quick'"),
        ({"orthogonalise": 1}, "true or false"),
    ],
)
def test_what_is_no_recipe_is_refused_by_name(recipe, entries, message):
    with pytest.raises(BadInput, match=message):
        Recipe.from_json(changed(recipe, **entries))


def test_a_wrong_entry_is_named_with_its_place(recipe):
    parts = json.loads(recipe.to_json())["interventions"]
    for part, message in (
        ({"gate": {"seed": "x"}}, r"interventions\[1\]'s gate's seed must be a whole number"),
        ({"gate": {"chance": 1}}, r"interventions\[1\]'s gate has an unknown entry 'chance'"),
        ({"strength": 1}, r"interventions\[1\] has an unknown entry 'strength': give an object"),
    ):
        with pytest.raises(BadInput, match=message):
            Recipe.from_json(changed(recipe, interventions=[parts[0], parts[1] | part]))


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, " " * 2_000_000, '{"format": 1}'])
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(BadInput, match="the recipe"):
        Recipe.from_json(text)


@pytest.mark.parametrize(
    "part",
    [
        {"gate": {"seed": -1}}, {"gate": {"seed": "x"}}, {"gate": {"chance": 1}},
        {"gate": {"probability": "x"}}, {"schedule": {"shape": "constant", "start": "x"}},
        {"schedule": {"shape": "breakpoints", "points": [1]}}, {"layers": {"weighting": "top", "k": "x"}},
        {"layers": {"weighting": "only", "layers": 3}}, {"operator": "x"}, {"rows": []},
        {"concept": "H"},
    ],
)  # fmt: skip
def test_an_intervention_with_wrong_parts_is_refused(recipe, banks, part):
    one = {"bank": "bank", "concept": "C", "coefficient": 1.0} | part
    with pytest.raises(BadInput):
        Recipe.from_json(changed(recipe, interventions=[one], moves=[])).plan(banks)


def test_a_recipe_of_other_weights_is_refused(model, recipe, banks):
    with pytest.raises(BadInput, match="load the model that it names"):
        clip_of(replace(recipe, revision="0" * 16), model, banks)


def test_an_intervention_must_say_where_it_is_from(interventions):
    with pytest.raises(BadInput, match="set source"):
        one = replace(interventions[0].direction, source="")
        records([replace(interventions[0], direction=one)])


def test_a_gate_without_a_seed_follows_the_clips(model, interventions):
    gated = replace(interventions[0], gate=Gate(0.5))
    first, again, other = (
        compile_plan([gated], 2.0, seed=seed).levels[:, 0, 0] > 0 for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert 0.3 < first.float().mean() < 0.7
    kept = gated.record() | {"gate": {"probability": 0.5}}  # as recipes were once written
    bank = Bank("notes", "rfm", model.origin, {"C": gated.direction}, gated.direction.norms)
    assert from_record(kept, bank).gate == Gate(0.5, seed=0)
    assert from_record(kept | {"layers": {}}, bank).layers.weighting == "exponential"
    assert Intervention(gated.direction, 0.1).layers.weighting == "all"


def test_a_recipe_of_another_processor_says_that_the_clip_will_differ(model, recipe, banks, caplog):
    clip_of(replace(recipe, device="cpu", dtype="float32"), model, banks)
    assert not caplog.messages
    clip_of(replace(recipe, device="cuda", dtype="bfloat16"), model, banks)
    assert "played on cuda in bfloat16, this is cpu in float32" in caplog.text


def test_public_names_are_there_and_the_shortest_program_plays(model, interventions, tmp_path):
    assert all(getattr(steering, name) for name in steering.__all__)
    directions = {one.direction.name: one.direction for one in interventions}
    bank = Bank("notes", "rfm", model.origin, directions, interventions[0].direction.norms)
    bank.save(tmp_path / "notes")
    note = steering.load_bank(str(tmp_path / "notes"), model)["C"]
    audio = steering.generate(model, "calm jazz", [steering.Intervention(note, 0.4)], seconds=0.4)
    assert audio.shape == (1, 20 * 640)
    with pytest.raises(BadInput, match="has no norms"):
        steering.Intervention(replace(note, norms=None), 0.4)
    assert (2 * note).source == "" and torch.equal((note + note).norms, bank.norms)


def test_one_call_plays_steered_prompts(model, interventions):
    audio = steering.generate(model, ["calm jazz", "rock"], interventions, 0.4, seeds=[1, 2])
    assert audio.shape == (2, 20 * 640) and audio.dtype == torch.float32
    alone = steering.generate(Decoder(model), "rock", interventions, 0.4, seeds=2)
    assert torch.allclose(audio[1:], alone, atol=1e-4)
    hooks = steering.generate(model, "rock", interventions, 0.4, seeds=2, decoder="hooks")
    assert torch.equal(hooks, alone)
    with pytest.raises(BadInput, match="3 seeds for 1 prompts"):
        steering.generate(model, "rock", seeds=[1, 2, 3])


def test_importing_the_package_imports_no_library():
    script = "import sys, steering; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
