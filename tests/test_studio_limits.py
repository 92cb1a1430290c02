"""Whatever a client sends is bounded, and told what to do instead."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np
import orjson
import pytest

from curation.errors import BadInput
from steering.directions import library
from steering.directions.bank import load_bank
from studio.limits import (
    LONGEST_PROMPT,
    MOST_CONCEPTS,
    MOST_MOVES,
    check_prompt,
    check_request,
)
from studio.permalink import decode, encode
from studio.presets import PRESETS, recipe_of, usual
from tests.studio_toy import toy_loaded, toy_recipe

BANKS = {"notes/ridge"}


def recipe(**change):
    return check_request(toy_recipe(**change), BANKS)


def concept(**change):
    return [toy_recipe()["interventions"][0] | change]


def test_a_good_recipe_comes_back_complete():
    checked = recipe().record()
    assert checked["sampling"] == {"guidance": 3.0, "temperature": 1.0, "top_k": 250, "top_p": 1.0}
    assert checked["moves"] == [] and checked["orthogonalise"] is False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seconds": 10_000}, "from 1 to 30"),
        ({"seconds": float("nan")}, "seconds is not a number"),
        ({"seconds": True}, "seconds is not a number"),
        ({"seconds": "8"}, "seconds is not a number"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "whole number"),
        ({"prompt": "jazz " * 100}, "shorten it"),
        ({"prompt": ["jazz"]}, "not text"),
        ({"interventions": concept() * 500}, "recipe has .* characters|500 concepts"),
        ({"interventions": concept() * 7}, "7 concepts: 6 at most"),
        ({"interventions": "C"}, "not a list"),
        ({"interventions": concept(coefficient=float("nan"))}, "strength of C is not a number"),
        ({"interventions": concept(coefficient=1e9)}, "from -1 to 1"),
        ({"interventions": concept(unit="furlong")}, "relative or raw"),
        ({"interventions": concept(bank="../../etc")}, "no bank"),
        ({"interventions": concept(bank="/etc/passwd")}, "no bank"),
        ({"interventions": concept(schedule={"shape": "breakpoints", "points": [[0, 1]] * 129})}, "128 at most"),
        ({"interventions": concept(schedule={"shape": "breakpoints", "points": [[0]]})}, r"points must be a list, each \[a number, a number\]"),
        ({"interventions": concept(schedule={"shape": "pulse", "period": float("inf")})}, "period"),
        ({"interventions": concept(layers={"weighting": "only", "layers": [1] * 65})}, "64 at most"),
        ({"moves": [{"step": 1, "concept": 0, "coefficient": 0.1}] * 3001}, "3000 at most"),
        ({"interventions": concept(gate="open")}, "not an object"),
        ({"sampling": {"guidance": 99}}, "guidance is 99"),
        ({"sampling": {"beams": 5}}, "no 'beams'"),
        ({"moves": [{"step": 1, "concept": 3, "coefficient": 0}]}, "a move's concept is 3"),
        ({"moves": [{"step": 1, "concept": 0, "coefficient": float("inf")}]}, "not a number"),
        ({"interventions": concept(layers={"weighting": "top", "k": "x"})}, "k must be a whole number"),
        ({"interventions": concept(layers={"weighting": "top", "k": 2.0})}, "k must be a whole number"),
        ({"interventions": concept(layers={"weighting": "top", "k": 10**400})}, "k of the layers"),
        ({"interventions": concept(layers={"weighting": []})}, "no layer weighting"),
        ({"interventions": concept(layers={"weighting": "only"})}, "only lacks layers: give a list, each a whole number"),
        ({"interventions": concept(layers={"weighting": "only", "layers": [0.5]})}, "a list, each a whole number"),
        ({"interventions": concept(schedule={"shape": "breakpoints"})}, "breakpoints lacks points"),
        ({"interventions": concept(schedule={"shape": "pulse", "period": None})}, "period must be a number"),
        ({"interventions": concept(gate={"seed": 10**400})}, "of 63 bits"),
        ({"interventions": concept(unit=[])}, "relative or raw"),
        ({"interventions": concept(operator=[])}, "operator must be text"),
        ({"interventions": concept(nobody=1)}, "unknown entry 'nobody'"),
        ({"seed": 10**400}, "seed is not a number"),
        ({"device": "\ud800"}, "device must be text"),
        ({"dtype": "x" * 1000}, "dtype is not a word"),
        ({"decoder": "x" * 1000}, "no decoder"),
        ({"file": "/etc/passwd"}, "unknown field"),
        ({"prompt": "x" * 300_000}, "characters"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_one_line(change, message):
    with pytest.raises(BadInput, match=message) as refused:
        recipe(**change)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 300


NASTY = (
    None, True, -1, 1.5, 10**400, 1e308, 1e-320, float("nan"), "\ud800", [], [[]], [0], [True], {},
    {"weighting": "only", "layers": [0, 99]}, {"weighting": "exponential", "kappa": 1e-320},
    {"shape": "breakpoints", "points": []}, {"shape": "sine", "period": 1e-320}, {"seed": 2**63},
    {"shape": "linear_rise", "end": None}, {"shape": "pulse", "period": 5e-324, "width": 5e-324},
)  # fmt: skip


def with_one_replaced(part):
    """A record with each of its entries replaced by each nasty value, one at a time."""
    yield from NASTY
    if isinstance(part, dict):
        for name, value in part.items():
            yield from (part | {name: bad} for bad in with_one_replaced(value))
    elif isinstance(part, list) and part:
        yield from ([bad, *part[1:]] for bad in with_one_replaced(part[0]))


def test_what_is_accepted_can_be_played_and_sent(model):
    loaded = toy_loaded(model)
    whole = {"moves": [{"step": 1, "concept": 0, "coefficient": 0.1}], "sampling": {"top_k": 5}}
    accepted = 0
    for raw in with_one_replaced(recipe(**whole).record()):
        try:
            made = check_request(raw, loaded.banks)
            made.check(loaded.bank)
        except BadInput:
            continue
        accepted += 1
        plan = made.plan(loaded.bank)
        assert plan is None or plan.coefficients.isfinite().all()
        assert check_request(json.loads(orjson.dumps(made.record())), loaded.banks) == made
    assert accepted > 20


@pytest.mark.parametrize("raw", [None, [], "recipe", 7, {"moves": [{}], "interventions": []}])
def test_what_is_no_recipe_is_refused(raw):
    with pytest.raises(BadInput):
        check_request(raw, BANKS)


def test_a_prompt_stays_text():
    script = "<script>alert(1)</script>"
    assert check_prompt(f"{script}\n\x00jazz") == f"{script}  jazz"


def test_a_link_gives_the_recipe_again():
    made = toy_recipe(seed=5, prompt="Akkordeon – langsam")
    code = encode(made)
    assert decode(code) == json.loads(json.dumps(made))
    assert code.replace("-", "").replace("_", "").isalnum() and len(code) < 600


@pytest.mark.parametrize(
    "damage",
    [lambda c: c[:-9], lambda c: "!" + c, lambda c: "", lambda c: c * 4, lambda c: c * 400],
)
def test_a_damaged_link_is_refused(damage):
    with pytest.raises(BadInput, match="damaged or cut off"):
        decode(damage(encode(toy_recipe())))


def full(digits: int, moves: int = MOST_MOVES) -> dict:
    """A recipe that goes to every bound, its numbers with so many digits."""
    rng = np.random.default_rng(0)

    def numbers(count: int, most: float) -> list[float]:
        return [round(float(one), digits) for one in rng.uniform(-most, most, count)]

    points = [[abs(a), b] for a, b in zip(numbers(32, 30), numbers(32, 2), strict=True)]
    schedule = {"shape": "breakpoints", "points": sorted(points)}
    rows = zip(rng.integers(0, 5001, moves), rng.integers(0, 6, moves), numbers(moves, 200), strict=True)  # fmt: skip
    return toy_recipe(
        prompt="🎹" * LONGEST_PROMPT,
        seconds=29.123456789012345,
        interventions=concept(schedule=schedule) * MOST_CONCEPTS,
        moves=[{"step": int(s), "concept": int(c), "coefficient": one} for s, c, one in rows],
    )


@pytest.mark.parametrize("digits", [6, 15])
def test_a_recipe_full_of_moves_fits_into_a_link(digits):
    complete = check_request(full(digits), BANKS).record()
    assert check_request(decode(encode(complete)), BANKS).record() == complete
    assert len(complete["moves"]) == MOST_MOVES


def test_a_link_cannot_unpack_without_end():
    with pytest.raises(BadInput, match="damaged"):
        decode(encode({"prompt": "a" * 50_000_000}))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "9" * 5000])
def test_a_link_carries_no_number_that_json_lacks(number):
    text = f'{{"seconds": {number}}}'.encode()
    with pytest.raises(BadInput, match="damaged"):
        decode(base64.urlsafe_b64encode(zlib.compress(text)).decode().rstrip("="))


def test_every_preset_plays_on_the_shipped_banks():
    made = [path.parent for path in (library.BANKS / "sketch").glob("*/*/directions.json")]
    banks = {f"{one.parent.name}/{one.name}": tuple(load_bank(one)) for one in made}
    for preset in PRESETS:
        recipe = recipe_of(preset, banks, "sketch")
        assert recipe is not None, f"{preset.name} has no directions"
        assert check_request(recipe.record(), banks) == recipe
        for part, one in zip(preset.parts, recipe.interventions, strict=True):
            assert one.bank == f"{part.family}/{usual(part.family).method}"
