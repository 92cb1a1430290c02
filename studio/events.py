"""A session's events, for as long as somebody reads them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from studio.callers import CALLER
from studio.encodings import as_flac
from studio.engine_apart import AnyEngine
from studio.playback import ENDS

LOOK_SECONDS = 1.0
"""How often it is looked whether somebody reads, while there is nothing to tell."""


async def events(
    engine: AnyEngine, recipe: dict[str, Any], live: bool
) -> AsyncIterator[dict[str, Any]]:
    """A session's events as they come; whoever stops reading ends the session."""

    def begin(listen: Callable[[dict[str, Any]], None]) -> str:
        with engine.eyes.watching(recipe, live, listen) as seen:
            return engine.open(recipe, seen, live, CALLER.get().visitor)

    async for event in told_by(begin, engine.stop):
        yield event


async def told_by(
    begin: Callable[[Callable[[dict[str, Any]], None]], str], stop: Callable[[str], object]
) -> AsyncIterator[dict[str, Any]]:
    """What something that was begun tells, until it is over or nobody has read it for too long.

    Args:
        begin: is given what listens, and gives an id; not called before somebody reads. stop: ends what
            has this id.
    """
    loop, caller = asyncio.get_running_loop(), CALLER.get()
    waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def listen(event: dict[str, Any]) -> None:
        with suppress(RuntimeError):  # the page was closed meanwhile
            loop.call_soon_threadsafe(waiting.put_nowait, event)

    if not await caller.reads():
        return
    name = await asyncio.to_thread(begin, listen)
    try:
        while not caller.gone:
            try:
                event = await asyncio.wait_for(waiting.get(), LOOK_SECONDS)
            except TimeoutError:
                continue
            yield event
            if event["event"] in ENDS:
                return
    finally:
        stop(name)


async def in_flac(
    engine: AnyEngine, recipe: dict[str, Any], live: bool
) -> AsyncIterator[dict[str, Any]]:
    """The same with the sound as FLAC, how many take turns at it, and when each was made."""
    sample_rate, begun = 0, time.monotonic()
    async for event in events(engine, recipe, live):
        if event["event"] == "started":
            sample_rate, begun = event["sample_rate"], time.monotonic()
        if event["event"] == "audio":
            event = as_flac(event, sample_rate) | {
                "sharing": 1,  # nobody takes turns: a step is one of all who play
                "made_in": round(time.monotonic() - begun, 3),
            }
        yield event
