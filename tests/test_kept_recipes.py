"""Recipes of every kind that were kept: what they say and what they play stays what it was.

`kept_recipes.json` holds recipes as they were written, and a fingerprint of the codes that each played.
The model's weights are drawn by numpy, so that they are the same on every machine.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from steering.api import play, twins
from steering.directions.bank import Bank
from steering.directions.direction import Direction
from steering.interventions.layers import WEIGHTINGS
from steering.interventions.operators import OPERATORS
from steering.interventions.schedules import SHAPES
from steering.models.transformers_backend import TransformersModel
from steering.recipes import Recipe
from tests.toy import LAYERS, SIZE, toy_model

KEPT: dict[str, dict] = json.loads(Path(__file__).with_name("kept_recipes.json").read_text())


@pytest.fixture(scope="module")
def exact() -> TransformersModel:
    """The toy with weights that depend on no processor: 256 evenly spaced values."""
    model = toy_model()
    rng = np.random.default_rng(0)
    for weight in model.model.parameters():
        drawn = rng.integers(-128, 128, tuple(weight.shape)) / 256
        centre = 1.0 if weight.ndim == 1 else 0.0
        weight.data = torch.from_numpy(drawn + centre).float()
    return TransformersModel("toy", model.model, model.tokenizer)


@pytest.fixture(scope="module")
def banks(exact):
    vectors = torch.from_numpy(np.random.default_rng(1).integers(-8, 9, (2, LAYERS, SIZE))).float()
    scores = torch.tensor([0.625, 0.875])
    directions = {
        name: replace(
            Direction(name, vectors[place], scores, exact.origin).unit(),
            calibration=torch.tensor([[0.25, 1.0]] * LAYERS),
        )
        for place, name in enumerate(("C", "D"))
    }
    bank = Bank("notes", "ridge", exact.origin, directions, torch.full((LAYERS,), 8.0))
    return {"notes/ridge": bank}.__getitem__


def fingerprint(codes: torch.Tensor) -> str:
    return hashlib.sha256(codes.to(torch.int32).numpy().tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("kind", KEPT)
def test_a_kept_recipe_plays_the_codes_that_it_played(exact, banks, kind):
    recipe = Recipe.from_json(json.dumps(KEPT[kind]["recipe"]))
    codes = play(
        exact, twins(recipe, exact, banks), recipe.seconds, recipe.sampling, recipe.decoder
    )
    assert [fingerprint(codes[:1]), fingerprint(codes[1:])] == KEPT[kind]["codes"]


def test_recipes_of_every_kind_are_kept():
    parts = [one for kept in KEPT.values() for one in kept["recipe"]["interventions"]]
    assert {one["schedule"]["shape"] for one in parts if "schedule" in one} == set(SHAPES)
    assert {one["layers"]["weighting"] for one in parts if "layers" in one} == set(WEIGHTINGS)
    assert {one["operator"] for one in parts if "operator" in one} == set(OPERATORS)
    assert any(one.get("monitor") for one in parts)
    steered = [kept["codes"] for kept in KEPT.values() if kept["recipe"]["interventions"]]
    assert all(one != other for one, other in steered)
