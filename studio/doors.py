"""The page's doors: which addresses are open, to whom, and how much may be carried in.

Gradio serves far more than this page needs: uploads, files, proxies, streams, an editor of its source.
What is not named here is not there.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.endpoints import broken, one_line
from studio.limits import LARGEST_LESSON, LARGEST_RECIPE, LARGEST_SOUND

LARGEST_BODY = 2 * LARGEST_RECIPE
"""Bytes of a request: the largest recipe, with room for how a program may write it."""

WIDER = {
    "/gradio_api/run/listen_to": LARGEST_SOUND * 4 // 3 + LARGEST_BODY,
    "/gradio_api/call/teach": LARGEST_LESSON + LARGEST_BODY,
}
"""The same of the two addresses where clips come in."""

MOST_LARGE = 4
"""Requests of more than `LARGEST_BODY` that are carried in at once."""

BODY_SECONDS = 120.0
"""How long such a one may take to arrive."""

SMALL = 2000
"""Bytes of an answer that is not worth compressing."""

EVERYWHERE = "*"
LOCAL = ("localhost", "127.0.0.1", "[::1]")
ANY_ADDRESS = ("0.0.0.0", "::", "[::]")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "frame-ancestors 'self' https://huggingface.co https://*.hf.space",
}
"""Of every answer. A Space is shown in a frame of huggingface.co."""

NAMED_BY_CONTENT = "/assets/"
"""What is there has a hash in its name, and never changes."""

_SHOWN = r"(config/?|study|card\.png|theme\.css|favicon\.ico|robots\.txt|healthz|metrics|manifest\.json|monitoring/summary|(assets|static)/.+)?"
_READ = r"(info/?|startup-events|heartbeat/[\w-]+|queue/data|call/{names}/[\w-]+)"
_CALLED = r"(queue/join|cancel|reset|(run|call)/{names})/?"
_AGENTS = r"mcp(/.*)?"


def doors(endpoints: Iterable[str], hosts: Collection[str]) -> dict[str, Any]:
    """What `launch` of Gradio hands on to its app as ``app_kwargs``.

    Args:
        endpoints: names that may be called.
        hosts: names that are answered to, see `hosts_of`.
    """
    middleware = [
        Middleware(GZipMiddleware, minimum_size=SMALL, compresslevel=6),
        Middleware(Sealed),
        Middleware(KnownHosts, hosts=hosts),
        Middleware(OpenRoutes, endpoints=endpoints),
        Middleware(Bodies),
    ]
    return {
        "middleware": middleware,
        "exception_handlers": {RequestValidationError: _malformed},
    }


def hosts_of(served_on: str | None, named: Iterable[str] = ()) -> set[str]:
    """Names that a page answers to: this machine's own, what it is served on, and what was named.

    Args:
        served_on: address or name. Served on every address of a machine, it answers to every
            address as well: a number cannot be made to lead elsewhere, as a name can.

    >>> sorted(hosts_of("studio.lan", ["music.example.org"]) - set(LOCAL))
    ['music.example.org', 'studio.lan']
    """
    space = os.environ.get("SPACE_HOST", "")
    found = {one.strip().lower() for one in (*LOCAL, served_on or "", space, *named)}
    return found - {""}


class Sealed:
    """Headers on every answer; and what breaks is answered in one line and told in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sealed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if message["status"] == 200 and scope["path"].startswith(NAMED_BY_CONTENT):
                    headers["Cache-Control"] = "public, max-age=31536000, immutable"
            await send(message)

        try:
            await self._app(scope, receive, sealed)
        except Exception as error:
            if scope["type"] != "http":
                raise
            if started and isinstance(error.__cause__, HTTPException):
                return  # a stream has said itself that there is none of this name
            line = broken(f"{scope['path']!r:.80}")
            if not started:
                await _refuse(500, line)(scope, receive, sealed)


class KnownHosts:
    """Answers to the names of the page alone, and to pages of its own.

    A name that an attacker owns can be made to lead to a listener's own machine (DNS rebinding), and
    a foreign page's script can call what is served on a local network: both bring a foreign name along.
    Starlette's own check of hosts knows names but no addresses, and nothing of who asks.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)
        self._any_address = not self._hosts.isdisjoint(ANY_ADDRESS)
        self._anybody_asks = EVERYWHERE in hosts or "SPACE_HOST" in os.environ

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        host = _name(f"//{headers.get('host', '')}")
        origin = _name(headers.get("origin", ""))
        line = ""
        if scope["type"] == "http" and not self._knows(host):
            line = f"this page does not answer to {host!r:.80}: its operator may --allow-host it"
        elif origin and not (self._anybody_asks or origin == host or self._knows(origin)):
            line = f"a page of {origin!r:.80} may not ask: the operator may --allow-host it"
        await (_refuse(403, line) if line else self._app)(scope, receive, send)

    def _knows(self, host: str) -> bool:
        if EVERYWHERE in self._hosts or host in self._hosts:
            return True
        return self._any_address and _is_address(host)


class OpenRoutes:
    """Closes every route that the page, `gradio_client` and agents do without.

    Args:
        endpoints: names that may be called.
    """

    def __init__(self, app: ASGIApp, endpoints: Iterable[str]) -> None:
        self._app = app
        names = f"({'|'.join(map(re.escape, endpoints))})"
        called, read = (part.replace("{names}", names) for part in (_CALLED, _READ))
        self._read = re.compile(f"/({_SHOWN}|gradio_api/({read}|{_AGENTS}))")
        self._called = re.compile(f"/gradio_api/({called}|{_AGENTS})")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        opened = scope["type"] != "http" or self._opens(scope["method"], scope["path"])
        refusal = _refuse(404, "nothing is here: /gradio_api/info lists what can be called")
        await (self._app if opened else refusal)(scope, receive, send)

    def _opens(self, method: str, path: str) -> bool:
        known = {"GET": [self._read], "HEAD": [self._read], "POST": [self._called]}
        either = [self._read, self._called]
        return any(one.fullmatch(path) for one in known.get(method, either))


class Bodies:
    """Bounds what a request carries in, before it is read; and how many large ones come in at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._large = app, 0
        self._small = RequestBodyLimitMiddleware(app, LARGEST_BODY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = WIDER.get(scope["path"].rstrip("/")) if scope["type"] == "http" else None
        length = _length(scope) if most else 0
        if most is None or length is None or length <= LARGEST_BODY:
            await self._small(scope, receive, send)
        elif length > most:
            line = f"this has {length / 1e6:.0f} MB, {most / 1e6:.0f} are carried in: cut it"
            await _refuse(413, line)(scope, receive, send)
        elif self._large >= MOST_LARGE:
            line = "others send clips at this moment: send it again in a few seconds"
            await _let_go_by(_in_time(receive))
            await _refuse(503, line)(scope, receive, send)
        else:
            self._large += 1
            try:
                app = RequestBodyLimitMiddleware(self._app, most)
                await app(scope, _in_time(receive), send)
            finally:
                self._large -= 1


def _length(scope: Scope) -> int | None:
    """Bytes of a body that says so; None where it does not."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else None


async def _let_go_by(receive: Receive) -> None:
    """Read a body and keep nothing of it: who is cut off while sending does not hear why."""
    while (await receive()).get("more_body", False):
        pass


def _in_time(receive: Receive) -> Receive:
    """The same, until its body ought to be there."""
    loop = asyncio.get_running_loop()
    last, whole = loop.time() + BODY_SECONDS, False

    async def received() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, last - loop.time()))
        except TimeoutError:
            raise HTTPException(408, "the clip took too long to arrive: send it again") from None
        whole = not message.get("more_body", False)
        return message

    return received


async def _malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
    """FastAPI's own answer lists all that is wrong, and repeats what was sent."""
    first = error.errors()[0]
    return _refuse(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _refuse(status: int, line: str) -> JSONResponse:
    said = one_line(line)
    return JSONResponse({"detail": said, "error": said}, status)


def _name(address: str) -> str:
    """The host of an address, lower-case and without its port; empty where there is none.

    >>> _name("//[::1]:7860"), _name("https://Music.example.org"), _name("null")
    ('[::1]', 'music.example.org', '')
    """
    host = urlsplit(address).netloc.lower()
    return re.sub(r":\d*$", "", host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
