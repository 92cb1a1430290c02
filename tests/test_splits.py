from __future__ import annotations

import pytest

from curation.concepts import families, get_family
from curation.recipe import BuildRecipe, make_recipe, plan, split_of
from curation.splits import FRACTIONS, SPLITS, assign_groups, leaks


def placed(recipe: BuildRecipe) -> list:
    family = get_family(recipe.family)
    return [
        (family.spec(recipe.seed, index), shard.split)
        for shard in plan(recipe)
        for index in shard.indices
    ]


@pytest.mark.parametrize("name", families())
@pytest.mark.parametrize("seed", [0, 5])
def test_no_group_and_no_source_crosses_and_every_split_gets_its_share(name, seed):
    recipe, _ = make_recipe(name, "small", seed=seed)
    clips = placed(recipe)
    assert not leaks((spec.group, split) for spec, split in clips)
    assert not leaks((spec.source_id, split) for spec, split in clips)
    for split, fraction in zip(SPLITS, FRACTIONS, strict=True):
        share = sum(s == split for _, s in clips) / len(clips)
        assert abs(share - fraction) < 0.11


@pytest.mark.parametrize("name", families())
def test_every_class_of_the_target_is_in_every_split(name):
    recipe, _ = make_recipe(name, "small")
    target = get_family(name).target
    for split in SPLITS:
        there = {spec.labels[target] for spec, s in placed(recipe) if s == split}
        assert there == set(get_family(name).labels[target].classes)


def test_a_random_split_does_cross():
    recipe, _ = make_recipe("notes", "small", split="random")
    assert leaks((spec.group, split) for spec, split in placed(recipe))


def test_a_clip_is_in_the_same_split_in_every_preset():
    full, _ = make_recipe("chords", "full")
    small, _ = make_recipe("chords", "small")
    for spec, split in placed(small)[:200]:
        assert split_of(full, spec) == split


def test_other_seeds_hold_other_groups_out():
    sizes = dict.fromkeys("abcdefghij", 10)
    assert len({tuple(sorted(assign_groups(sizes, seed).items())) for seed in range(8)}) > 4


def test_leaks_are_found():
    assert leaks([("a", "train"), ("a", "test"), ("b", "test")]) == {"a": {"train", "test"}}
