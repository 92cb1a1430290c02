"""A share for every visitor: how often an address may call, and how many of its calls may be open.

Whoever has used theirs up is told for how many seconds, with status 429, before anything is done. Numbers are
for a class of thirty behind one address: each may hear a clip after another, judge it and look at it.
"""

from __future__ import annotations

import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.callers import Share

BURST_SECONDS = 12.0
"""Calls of so much time may come at once."""

LIVE_SHARE = 20
"""Times as many calls as others are those that move what plays: a fader sends 40 a second."""

MOST_ADDRESSES, LONGEST_ADDRESS = 10_000, 64
"""That are remembered, and characters of one."""

_LIVE = re.compile(
    r"/gradio_api/(run|call)/(move|stop|still_listening)/?|/gradio_api/(cancel|reset)/?"
)
_QUEUED = re.compile(r"/gradio_api/(queue/join|call/[\w-]+)/?")


class Allowance:
    """Calls that fill up with time, so many a minute, each address its own.

    Args:
        clock: seconds.
    """

    def __init__(self, a_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = a_minute / 60, clock
        self._most = max(1.0, self._rate * BURST_SECONDS)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> float:
        """Take one call: 0, or the seconds until there is one again."""
        now = self._clock()
        left, since = self._left.pop(address, (self._most, now))
        left = min(self._most, left + self._rate * (now - since))
        wait = max(0.0, (1 - left) / self._rate)
        self._left[address] = (left if wait else left - 1, now)
        if len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)
        return wait


class Shares:
    """Puts the visitor's own address into the request, and lets nobody have more than their share.

    Args:
        queue: of the page, `gradio.queueing.Queue`.
    """

    def __init__(self, app: ASGIApp, queue: Any, share: Share) -> None:
        self._app, self._queue, self._share = app, queue, share
        self._calls = Allowance(share.calls)
        self._live = Allowance(LIVE_SHARE * share.calls)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line, wait = "", 0.0
        if scope["type"] == "http":
            address = address_of(scope, self._share.proxies)
            scope["client"] = (address, 0)
            if scope["method"] == "POST":
                line, wait = self._refusal(scope["path"], address)
        if line:
            said = {"detail": line, "error": line}
            answer = JSONResponse(said, 429, {"Retry-After": str(math.ceil(wait))})
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, path: str, address: str) -> tuple[str, float]:
        allowance = self._live if _LIVE.fullmatch(path) else self._calls
        wait = allowance.take(address)
        if wait:
            return (
                f"your address has had its {self._share.calls} calls a minute: try again in "
                f"{math.ceil(wait)} s"
            ), wait
        if _QUEUED.fullmatch(path) and self._open(address) >= self._share.at_once:
            return (
                f"{self._share.at_once} calls of your address wait or play already: try again in 5 s"
            ), 5.0
        return "", 0.0

    def _open(self, address: str) -> int:
        """Calls of an address that are not yet answered."""
        return sum(
            event.request is not None and event.request.client.host == address
            for event in list(self._queue.event_ids_to_events.values())
        )


def address_of(scope: Scope, proxies: int) -> str:
    """The address of who asks, as the outermost of so many trusted proxies saw it.

    >>> known = {"client": ("10.0.0.9", 1), "headers": [(b"x-forwarded-for", b"6.6.6.6, 1.2.3.4, 10.0.0.7")]}
    >>> [address_of(known, proxies) for proxies in (0, 1, 2)]
    ['10.0.0.9', '10.0.0.7', '1.2.3.4']
    """
    own = str(scope["client"][0]) if scope.get("client") else ""
    said = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
    named = [one.strip() for one in said.split(",") if one.strip()]
    return _network(named[-min(proxies, len(named))] if proxies and named else own)


def _network(address: str) -> str:
    """What one visitor has of addresses: in IPv6 a whole network of 64 bits, elsewhere one."""
    try:
        known = ip_address(address)
    except ValueError:
        return address[:LONGEST_ADDRESS]
    return str(ip_network((known, 64), strict=False)) if known.version == 6 else str(known)
