from __future__ import annotations

import json
from collections import Counter

import pytest

from curation.concepts import families, get_family
from curation.errors import BadInput
from curation.recipe import BuildRecipe, make_recipe, plan


@pytest.mark.parametrize("name", families())
def test_a_plan_holds_every_clip_once(name):
    recipe, _ = make_recipe(name, "small")
    indices = [index for shard in plan(recipe) for index in shard.indices]
    assert len(indices) == len(set(indices)) == get_family(name).small


def test_the_full_plan_is_the_whole_grid():
    recipe, _ = make_recipe("time_signatures", "full")
    assert sorted(i for shard in plan(recipe) for i in shard.indices) == list(range(1200))


def test_a_sample_is_stratified_by_target_and_group():
    recipe, _ = make_recipe("notes", "small")
    family = get_family("notes")
    counts = Counter(
        (spec.labels["pitch_class"], spec.group)
        for shard in plan(recipe)
        for spec in (family.spec(0, i) for i in shard.indices)
    )
    assert len(counts) == 12 * 13
    assert max(counts.values()) <= 3 * min(counts.values())


def test_a_recipe_survives_json_and_its_fingerprint_tells_recipes_apart():
    recipe, _ = make_recipe("notes", "varied", seed=4)
    again = BuildRecipe.from_json(recipe.to_json())
    assert again == recipe
    assert again.fingerprint == recipe.fingerprint
    other, _ = make_recipe("notes", "varied", seed=5)
    assert other.fingerprint != recipe.fingerprint
    assert recipe.differences(other) == ["seed 5 instead of 4"]


def test_the_varied_preset_varies_everything_and_has_two_fonts():
    recipe, paths = make_recipe("notes", "varied")
    assert len(recipe.vary) == 6
    assert [name for name, _ in recipe.sound_fonts] == ["FluidR3_GM.sf2", "TimGM6mb.sf2"]
    assert set(paths) == {sha256 for _, sha256 in recipe.sound_fonts}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "huge"}, "no preset 'huge': choose from full, small"),
        ({"clips": 0}, "at least one"),
        ({"clips": 10_000}, "notes has 9936 clips and no more"),
        ({"family": "songs", "clips": 10**12}, "songs has 10000000 clips and no more"),
        ({"sample_rate": 100}, "8000 to 96000"),
        ({"split": "fair"}, "no split 'fair'"),
        ({"vary": ("wobble",)}, "no variation wobble"),
        ({"sound_font": "nowhere.sf2"}, "no sound font nowhere.sf2"),
    ],
)
def test_bad_options_are_refused_with_the_choices(options, message):
    with pytest.raises(BadInput, match=message):
        make_recipe(**{"family": "notes"} | options)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"seed": "x"}, "seed must be a whole number"),
        ({"clips": 5.5}, "clips must be a whole number"),
        ({"clips": True}, "clips must be a whole number"),
        ({"clips": 10**12}, "notes has 9936 clips"),
        ({"family": "../notes"}, "no concept family"),
        ({"vary": "tuning"}, "vary must be a list"),
        ({"sound_fonts": [["a", 1]]}, r"sound_fonts\[0\]\[1\] must be text|sound_fonts\[0\]'s"),
        ({"colour": "red"}, "unknown entry 'colour'"),
    ],
)
def test_a_kept_recipe_is_read_by_the_types_of_its_fields(entries, message):
    kept = json.loads(make_recipe("notes", "tiny")[0].to_json())
    with pytest.raises(BadInput, match=message):
        BuildRecipe.from_json(json.dumps(kept | entries))
