"""Every endpoint over the wire, where a page is served in a process of its own: plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from hypothesis import strategies as st

from benchmarks.attack.target import Page
from benchmarks.fuzz import Broken, Target, Wrong
from benchmarks.fuzz.place import Place
from benchmarks.fuzz.ways.endpoints import SHARES, argument, endpoints, examples
from curation.errors import BadInput

PLAYING = ("generate", "play_live", "play_live_flac")
"""Here they get what `check_recipe` refuses, and must refuse it as well."""


def targets(place: Place) -> Iterator[Target]:
    """One for each endpoint; none where no page is served."""
    if place.served is None:
        return
    good = examples(place) | _there(place.served, place.recipes[1])
    for function, parameters in endpoints(place.page):
        name, arguments = str(function.api_name), [one["parameter_name"] for one in parameters]
        right = st.tuples(*(argument(one, good) for one in arguments))
        other = st.lists(argument("recipe", good), max_size=len(arguments) + 2)
        yield Target(
            f"wire {name}",
            st.one_of(right, right, right, other),
            partial(_call, place.served, name),
            0.5 * SHARES.get(name, 1.0),
        )


def _there(page: Page, recipe: dict[str, Any]) -> dict[str, Sequence[Any]]:
    """The arguments that are right on this page alone: a clip that it keeps, and a trial on it."""
    clip = page.call("generate", recipe)["data"][0]["clip"]
    listener = page.call("new_listener")["data"][0]
    trial = page.call("blind_trial", listener, clip)["data"][0]["trial"]
    return {"clip": [clip], "listener": [listener], "trial": [trial]}


def _call(page: Page, name: str, arguments: Sequence[Any]) -> None:
    before = page.tracebacks
    try:
        if name in PLAYING and page.call("check_recipe", *arguments)["event"] == "complete":
            return
        _judge(page.call(name, *arguments))
    finally:
        if page.tracebacks > before:
            raise Broken("in the page's log")


def _judge(answer: dict[str, Any]) -> None:
    event, data = answer["event"], answer["data"]
    if event == "complete":
        return
    if isinstance(event, int) and event >= 500:
        raise Wrong(f"HTTP {event}")
    if isinstance(data, dict):
        data = data.get("error") or data.get("detail")
    raise BadInput(data if isinstance(data, str) else "")
