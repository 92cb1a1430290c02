"""An endpoint's arguments are checked by its type hints, and it never fails without a word."""

from __future__ import annotations

import asyncio
import logging

import gradio as gr
import pytest

from curation.errors import BadInput
from studio.endpoints import LONGEST_LINE, _polite, check_arguments


def play(recipe: dict, seconds: float, seed: int = 0, name: str = "") -> str:
    """Plays."""
    if name == "broken":
        raise KeyError("insides")
    if name:
        raise BadInput(f"no {name}: choose one")
    return "played"


async def stream(name: str):
    """Plays in parts."""
    yield play({}, 1.0)
    yield play({}, 1.0, 0, name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing a required argument: 'recipe'"),
        ([{}, 1, 2, "a", "b"], "too many positional arguments"),
        ([[], 1], "recipe is not a JSON object"),
        ([None, 1], "recipe is not a JSON object"),
        ([{}, "1"], "seconds is not a number"),
        ([{}, True], "seconds is not a number"),
        ([{}, float("inf")], "seconds is not a number"),
        ([{}, 10**400], "seconds is not a number"),
        ([{}, 1, 1.5], "seed is not a whole number"),
        ([{}, 1, True], "seed is not a whole number"),
        ([{}, 1, 0, []], "name is not text"),
    ],
)
def test_what_is_not_of_its_type_is_refused_before_the_call(arguments, message):
    with pytest.raises(BadInput, match=f"^play: {message}: see"):
        check_arguments(play, arguments)


def test_what_is_of_its_type_is_taken():
    assert asyncio.run(_polite(play)({}, 1)) == "played"


def test_bad_input_is_one_line_of_text_whatever_was_put_into_it():
    with pytest.raises(gr.Error) as refused:
        asyncio.run(_polite(play)({}, 1, 0, "a\n\ud800" + "b" * 9999))
    line = refused.value.message
    assert line.startswith("no a ?bb") and len(line) == LONGEST_LINE
    line.encode()


async def heard(name):
    return [part async for part in _polite(stream)(name)]


def test_what_breaks_is_told_by_a_reference_and_logged_whole(caplog):
    for broken in (lambda: _polite(play)({}, 1, 0, "broken"), lambda: heard("broken")):
        caplog.clear()
        with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as told:
            asyncio.run(broken())
        line = told.value.message
        reference = line.split("reference ")[1].split(":")[0]
        assert "insides" not in line and reference in caplog.text
        assert "KeyError: 'insides'" in caplog.text
