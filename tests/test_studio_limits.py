"""Whatever a client sends is bounded, and told what to do instead."""

from __future__ import annotations

import base64
import json
import zlib

import pytest

from curation.errors import BadInput
from steering.directions import library
from steering.directions.bank import load_bank
from studio.limits import check_prompt, check_request
from studio.permalink import decode, encode
from studio.presets import PRESETS, recipe_of, usual
from tests.studio_toy import toy_recipe

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
        ({"interventions": concept(schedule={"shape": "breakpoints", "points": [[0, 1]] * 33})}, "32 at most"),
        ({"interventions": concept(schedule={"shape": "breakpoints", "points": [[0]]})}, "no pair"),
        ({"interventions": concept(schedule={"shape": "pulse", "period": float("inf")})}, "period"),
        ({"interventions": concept(gate="open")}, "not an object"),
        ({"sampling": {"guidance": 99}}, "guidance is 99"),
        ({"sampling": {"beams": 5}}, "no 'beams'"),
        ({"moves": [{"step": 1, "concept": 3, "coefficient": 0}]}, "a move's concept is 3"),
        ({"moves": [{"step": 1, "concept": 0, "coefficient": float("inf")}]}, "not a number"),
        ({"file": "/etc/passwd"}, "unknown field"),
        ({"prompt": "x" * 300_000}, "characters"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_one_line(change, message):
    with pytest.raises(BadInput, match=message) as refused:
        recipe(**change)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 300


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
    "damage", [lambda c: c[:-9], lambda c: "!" + c, lambda c: "", lambda c: c * 400]
)
def test_a_damaged_link_is_refused(damage):
    with pytest.raises(BadInput, match="damaged or cut off"):
        decode(damage(encode(toy_recipe())))


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
