"""Streams of events from a machine that may go away: whole events, and a last word when it does."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import httpx
from starlette.responses import Response

GONE = "the machine that played this is gone: press play again"
LOOK_SECONDS = 2.0
"""How often it is looked whether a machine that says nothing is still heard of."""

BETWEEN = b"\n\n"
_HEAD = 400
"""Bytes of an event in which it says what it is; sound may follow."""

_OVER = re.compile(rb'^event: (complete|error)|"msg": ?"close_stream"', re.M)
_OF = re.compile(rb'"event_id": ?"(\w+)"')
_COMPLETED = re.compile(rb'"msg": ?"process_completed"')


def farewell(status: int = 503) -> Response:
    """The answer to who would read a stream of a machine that is gone."""
    return Response(_last(set()), status, media_type="text/event-stream")


async def told(parts: AsyncIterator[bytes], there: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Events as they come; where they break off, or nobody is there any more, one that says so.

    Args:
        parts: bytes of the stream as they come, which may raise `httpx.HTTPError`.
        there: whether whoever sends them is still heard of.
    """
    rest, over, open_ones = b"", False, set[bytes]()
    with suppress(httpx.HTTPError):
        async for part in _while_there(parts, there):
            *whole, rest = (rest + part).split(BETWEEN)
            for event in whole:
                over = _note(event[:_HEAD], open_ones) or over
            if whole:
                yield BETWEEN.join([*whole, b""])
    if not over:
        yield _last(open_ones)


def _note(head: bytes, open_ones: set[bytes]) -> bool:
    """Keep book of the calls that a stream tells of; whether this was its last event."""
    found = _OF.search(head)
    if found:
        (open_ones.discard if _COMPLETED.search(head) else open_ones.add)(found[1])
    return bool(_OVER.search(head))


def _last(open_ones: set[bytes]) -> bytes:
    """The last word, as Gradio says it of one call, or of the calls of a tab."""
    if not open_ones:
        return f"event: error\ndata: {json.dumps({'error': GONE})}\n\n".encode()
    said = {
        "msg": "process_completed",
        "success": False,
        "title": "Error",
        "output": {"error": GONE},
    }
    told = [said | {"event_id": one.decode()} for one in sorted(open_ones)]
    return "".join(f"data: {json.dumps(one)}\n\n" for one in told).encode()


async def _while_there(
    parts: AsyncIterator[bytes], there: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Parts, until whoever sends them is not heard of."""
    while True:
        coming = asyncio.ensure_future(anext(parts, None))
        try:
            while not (await asyncio.wait({coming}, timeout=LOOK_SECONDS))[0]:
                if not there():
                    return
            part = coming.result()
        finally:
            coming.cancel()
        if part is None:
            return
        yield part
