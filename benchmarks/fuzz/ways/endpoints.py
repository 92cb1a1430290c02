"""Every endpoint that the page offers, called as Gradio calls it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from inspect import isasyncgenfunction
from typing import Any

import gradio as gr
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from benchmarks.fuzz import Target, Wrong
from benchmarks.fuzz.place import SCHEDULES, Place
from benchmarks.fuzz.values import nearly, nonsense
from curation.errors import BadInput
from steering.directions.bank_name import BankName
from studio import permalink
from studio.endpoints import check_arguments
from studio.playback import ENDS

SHARES = {
    "dataset_clips": 0.15,
    "generate": 0.3,
    "play_live": 0.3,
    "play_live_flac": 0.3,
    "analyse": 0.2,
    "verdict": 0.2,
}
"""Of endpoints that render, play or listen, and take long."""


def targets(place: Place) -> Iterator[Target]:
    """One for each endpoint, with arguments by its own description."""
    good = examples(place)
    for function, parameters in endpoints(place.page):
        yield Target(
            f"endpoint {function.api_name}",
            st.tuples(*(argument(one["parameter_name"], good) for one in parameters)),
            partial(_give, place, function.fn),
            SHARES.get(str(function.api_name), 1.0) if parameters else 0.0,
        )


def endpoints(page: gr.Blocks) -> Iterator[tuple[Any, Sequence[Mapping[str, Any]]]]:
    """Every endpoint of the page with the description of its parameters."""
    about = page.get_api_info()["named_endpoints"]
    for function in page.fns.values():
        yield function, about[f"/{function.api_name}"]["parameters"]


def argument(name: str, good: Mapping[str, Sequence[Any]]) -> SearchStrategy[Any]:
    """What comes in as a parameter: one that is right, nearly right, or nonsense."""
    known = good.get(name)
    return st.one_of(st.sampled_from(known), nearly(known), nonsense()) if known else nonsense()


def examples(place: Place) -> dict[str, Sequence[Any]]:
    """Arguments that are right, by the parameter's name."""
    bank = BankName.parse(next(iter(place.loaded.banks)))
    listener = "listener-1"
    trial = answer(place, place.page, "blind_trial", listener, place.clip)["trial"]
    study = place.study.stimuli.id
    sitting = answer(place, place.page, "study_begin", study)
    asked = answer(place, place.page, "study_next", study, sitting)["trial"]
    return {
        "recipe": place.recipes,
        "model": [place.loaded.name],
        "schedule": SCHEDULES,
        "seconds": [1.0, 8, 30.0],
        "clip": [place.clip],
        "side": ["steered", "unsteered"],
        "form": ["wav", "flac"],
        "code": [permalink.encode(one) for one in place.recipes],
        "session": ["nobody"],
        "intervention": [one for recipe in place.recipes for one in recipe["interventions"]],
        "concept": [0, 1],
        "coefficient": [0.05, -1.0],
        "listener": [listener, sitting],
        "trial": [trial, asked],
        "said": ["steered", "unsteered", "a", "b", {"interval": "1"}],
        "heard": [[["all", 0, 3.8]], []],
        "scores": [{"quality": 50, "presence": 100.0}],
        "name": ["notes", "chords", study],
        "seed": [0, 7],
        "family": [bank.family],
        "method": [bank.method],
    }


def answer(place: Place, page: gr.Blocks, name: str, *arguments: Any) -> Any:
    """What an endpoint of a page answers.

    Raises:
        BadInput: it refuses.
    """
    (function,) = (one.fn for one in page.fns.values() if one.api_name == name)
    return _give(place, function, arguments)


def _give(place: Place, function: Any, arguments: Sequence[Any]) -> Any:
    """Call it; of what plays, hear the beginning."""
    check_arguments(function, arguments)  # as the page does before it calls
    listens = _begin if isasyncgenfunction(function) else _answer
    try:
        answered = place.runner.run(listens(function, arguments))
    except gr.Error as error:
        raise BadInput(str(error.message or "")) from None
    try:
        json.dumps(answered, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        raise Wrong("an answer that cannot be sent as JSON") from None
    return answered


async def _answer(function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    return await function(*arguments)


async def _begin(function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """The events up to the first sound."""
    stream, told = function(*arguments), []
    try:
        async for event in stream:
            told.append(event)
            if event["event"] == "error":
                raise BadInput(event["message"])
            if event["event"] in {"audio", *ENDS}:
                break
    finally:
        await stream.aclose()
    return told
