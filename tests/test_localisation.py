"""Where the prompt is carried: runs patched into each other, planted causes, pushes inside the blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from steering.activations.hooks import changing, reading
from steering.activations.patching import (
    Place,
    log_likelihood,
    outputs,
    patched,
    stream_places,
    sublayer_places,
)
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.reference import generate, player
from steering.decoding.sampling import Sampling
from steering.evaluation import localisation, placed
from steering.evaluation.asks import asks, split_of
from steering.evaluation.cells import Cell, Setting, Steer
from steering.evaluation.localisation import SOURCE, UNPATCHED, likelihoods, shares, single_sets
from steering.evaluation.plans import clips
from steering.evaluation.strengths import _steer
from steering.families import concepts_of
from steering.models.sites import SITES, SUBLAYERS
from tests.test_steering_toy import plan
from tests.toy import ENTRIES, MODEL_LAYERS, toy_bank, toy_model

GREEDY = Sampling(temperature=0.0)
NAMED, OTHER = ["calm jazz in C major", "sad rock"], ["calm jazz in F minor", "dark waltz"]


@pytest.fixture(scope="module")
def codes():
    return torch.randint(ENTRIES, (2, 4, 12), generator=torch.Generator().manual_seed(0))


def hooks_of(model) -> int:
    return sum(len(module._forward_hooks) for module in model.model.modules())


def test_a_run_that_is_patched_with_itself_changes_no_bit(model, codes):
    columns, condition = model.delayed(codes), model.condition(NAMED)
    plain = model.logits(columns, condition)
    own = outputs(model, columns, condition)
    assert len(own) == len(SITES) * MODEL_LAYERS
    with patched(model, own):
        assert torch.equal(model.logits(columns, condition), plain)
    for place, given in own.items():
        with patched(model, {place: given}):
            assert torch.equal(model.logits(columns, condition), plain)


@pytest.mark.parametrize(
    "places",
    [
        sublayer_places(MODEL_LAYERS),
        [place for place in sublayer_places(MODEL_LAYERS) if place.site == "cross-attention"],
        stream_places(MODEL_LAYERS)[-1:],
    ],
    ids=["every sublayer", "every cross-attention", "the last stream"],
)
def test_a_run_that_has_all_of_the_other_is_the_other(model, codes, places):
    columns = model.delayed(codes)
    named, other = model.condition(NAMED), model.condition(OTHER)
    given = outputs(model, columns, named)
    wanted = model.logits(columns, named)
    assert not torch.allclose(model.logits(columns, other), wanted, atol=1e-3)
    with patched(model, {place: given[place] for place in places}):
        assert torch.equal(model.logits(columns, other), wanted)


def test_what_stands_before_the_prompt_comes_in_is_the_same_in_both_runs(model, codes):
    columns = model.delayed(codes)
    one, two = (outputs(model, columns, model.condition(texts)) for texts in (NAMED, OTHER))
    first, second = Place(0, "self-attention"), Place(0, "cross-attention")
    assert torch.equal(one[first], two[first]) and not torch.equal(one[second], two[second])


def test_the_stream_is_what_its_sublayers_added(model, codes):
    columns, condition = model.delayed(codes), model.condition(NAMED)
    given = outputs(model, columns, condition)
    for layer in range(1, MODEL_LAYERS):
        before = given[Place(layer - 1, "block output")]
        added = sum(given[Place(layer, site)] for site in SUBLAYERS)
        assert torch.allclose(before + added, given[Place(layer, "block output")], atol=1e-4)


def test_no_hook_stays_behind_whatever_happens(model, codes):
    columns, condition = model.delayed(codes), model.condition(NAMED)
    given = outputs(model, columns, condition)
    with pytest.raises(ZeroDivisionError), patched(model, given):
        assert hooks_of(model) == len(given)
        raise ZeroDivisionError
    assert hooks_of(model) == 0

    def fail(layer, stream):
        raise ZeroDivisionError

    for site in SITES:
        with pytest.raises(ZeroDivisionError), changing(model, fail, site):
            model.run(columns, condition)
    wrong = {Place(0, "feed-forward"): given[Place(0, "feed-forward")][:, :3]}
    with pytest.raises(RuntimeError), patched(model, wrong):
        model.run(columns, condition)
    assert hooks_of(model) == 0


def test_likelihood_is_that_of_every_code_and_of_nothing_else(model, codes):
    condition = model.condition(NAMED)
    columns = model.delayed(codes)
    chances = model.logits(columns, condition).log_softmax(-1)
    found = log_likelihood(model, codes, condition)
    for clip in range(2):
        said = sum(
            float(chances[clip, book, frame + book, codes[clip, book, frame]])
            for book in range(4)
            for frame in range(12)
        )
        assert float(found[clip]) == pytest.approx(said * model.frame_rate / 12, rel=1e-4)


def test_a_planted_cause_is_found(codes):
    """The prompt reaches one block alone: the others' cross-attention adds nothing."""
    model = toy_model(MODEL_LAYERS)
    for layer, block in enumerate(model.blocks):
        if layer != 1:
            torch.nn.init.zeros_(block.encoder_attn.out_proj.weight)
    sets = single_sets(MODEL_LAYERS)
    found = likelihoods(model, codes, OTHER, NAMED, sets, 1)
    effect = found[SOURCE] - found[UNPATCHED]
    restored = {name: values - found[UNPATCHED] for name, values in found.items()}
    assert np.allclose(restored["cross-attention 1"], effect) and (np.abs(effect) > 0.1).all()
    nothing = [
        "cross-attention 0", "cross-attention 2", "self-attention 0", "self-attention 1",
        "feed-forward 0", "all three 0", "stream after it 0",
    ]  # fmt: skip
    for name in nothing:
        assert (restored[name] == 0).all(), name
    for name in ("all three 1", "stream after it 1", "stream after it 2"):
        assert np.allclose(restored[name], effect), name
    order = localisation.ranked(
        {UNPATCHED: np.zeros(2), "a": np.array([1.0, 9]), "b": np.array([2.0, 0])},
        {"a": [], "b": []},
        np.array([True, False]),
    )
    assert order == ["b", "a"]


def test_shares_are_of_the_effect_and_what_is_taken_counts_the_other_way():
    prompts, effect = np.arange(4), np.full(4, 2.0)
    restored = shares({UNPATCHED: np.zeros(4), "x": np.ones(4)}, effect, prompts)
    taken = shares({UNPATCHED: np.full(4, 5.0), "x": np.full(4, 4.5)}, effect, prompts, -1.0)
    assert restored["x"].mean == 0.5 and taken["x"].mean == 0.25
    assert np.isnan(shares({UNPATCHED: np.zeros(4), "x": np.ones(4)}, -effect, prompts)["x"].mean)


def test_a_push_after_a_sublayer_adds_to_what_the_stream_is_there(model, codes):
    columns, condition = model.delayed(codes), model.condition(NAMED)
    vector = torch.ones(32)
    seen: dict[str, list[torch.Tensor]] = {"bare": [], "pushed": []}
    for name, site in (("pushed", "cross-attention"), ("bare", None)):
        push = lambda layer, given: given + vector if layer == 1 else given  # noqa: E731
        with reading(model, lambda _, stream, name=name: seen[name].append(stream)):
            if site is None:
                model.run(columns, condition)
            else:
                with changing(model, push, site):
                    model.run(columns, condition)
    assert torch.equal(seen["bare"][0], seen["pushed"][0])
    assert not torch.allclose(seen["bare"][1], seen["pushed"][1], atol=0.1)


def test_pushing_after_the_feed_forward_is_pushing_after_the_block(model):
    made = plan(model, 0.3)
    inside = made.at_sites(["feed-forward"])
    after, same, other = (
        generate(model, [Clip("calm jazz", 0, one)], 0.4, GREEDY)
        for one in (made, inside, made.at_sites(["self-attention"]))
    )
    assert torch.equal(after, same) and not torch.equal(after, other)
    assert hooks_of(model) == 0


def test_the_fused_decoder_does_not_push_inside_blocks_and_the_player_does(model):
    inside = plan(model, 0.3).at_sites(["cross-attention"])
    clip = Clip("calm jazz", 0, inside)
    with pytest.raises(BadInput, match="inside the blocks"):
        Decoder(model).generate([clip], 0.2)
    assert torch.equal(player(model)([clip], 0.2, GREEDY), generate(model, [clip], 0.2, GREEDY))
    with pytest.raises(BadInput, match="can be added only"):
        plan(model, 0.3, operator="ablate").at_sites(["self-attention"])
    with pytest.raises(BadInput, match="give each concept one of"):
        inside.at_sites(["attention"])
    assert inside.at_sites(["block output"]).sites == ()


def test_a_steers_site_makes_its_key_and_its_plan(model):
    bank = toy_bank(toy_model(), concepts_of("notes"))
    setting = Setting(
        bank.origin, tuple(asks("validation", 2, concepts_of("notes"), "notes")), 0.5, GREEDY
    )
    steer = Steer("notes/ridge", 0.1)
    inside = replace(steer, site="self-attention")
    banks = {"notes/ridge": bank}
    one, other = (setting.key(Cell("x", (s,)), banks) for s in (steer, inside))
    assert one != other and "site" not in steer.record()
    both = clips(Cell("x", (steer, inside)), setting, banks, 50.0)[0].plan
    assert both is not None and both.sites == ("block output", "self-attention")
    assert clips(Cell("x", (steer,)), setting, banks, 50.0)[0].plan.sites == ()
    assert _steer(inside.record()) == inside
    with pytest.raises(ValueError, match="no site"):
        _steer(inside.record() | {"site": "attention"})


def test_every_choice_of_places_spends_the_same_sum():
    layers = 6
    best = Steer("notes/ridge", 0.03)
    found = placed.choices(best, [3, 1, 0, 2, 5, 4], sublayer_places(layers)[::-1])
    assert found[placed.ALL] == (best,)
    for name, steers in found.items():
        sums = [
            one.coefficient * len(one.layers.get("layers", range(one.layers.get("k", layers))))
            for one in steers
        ]
        wanted = {"half as much again": 0.27, "two thirds of it": 0.12}
        assert sum(sums) == pytest.approx(wanted.get(name.split(", ")[-1], 0.18)), name
    assert found["layers, quarter by patching"][0].layers["layers"] == [1, 3]
    assert {one.site for one in found["all sites"]} == set(SUBLAYERS)
    quarter = found["sites, quarter by patching"]
    assert sum(len(one.layers["layers"]) for one in quarter) == 5


def test_a_seed_says_whose_clip_it_is():
    for split in ("validation", "test"):
        assert split_of(asks(split, 2, concepts_of("notes"), "notes")[1].seed) == split
