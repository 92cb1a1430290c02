"""Stands before several pages and hands each call on to the one that it belongs to.

A session, a clip, a lesson and a trial are on the machine that made them, and their ids begin with its mark: a call
that names one goes there. Other calls go where the visitor's cookie says, and where there is none, by the name of the
tab; a new clip goes where fewer play. A stream whose machine goes away ends with a line that says so, and the next
call goes to another machine.
"""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from curation.errors import BadInput
from studio.cluster.replicas import NOBODY, Replica, Replicas
from studio.cluster.streams import GONE, farewell, told
from studio.doors import LARGEST_BODY, Bodies, KnownHosts, Sealed
from studio.sights import PLAIN, as_text

COOKIE = "machine"
CONNECT_SECONDS = 5.0
BEGINS = re.compile(r"/gradio_api/call/(generate|play_live)(_flac)?/?")
"""A new clip: its recipe is all that it needs, so any machine can play it."""

_CALL = re.compile(r"/gradio_api/call/[\w-]+/?")
_READ = re.compile(r"(/gradio_api/call/[\w-]+/)([0-9a-f]{8})-([0-9a-f]{32})/?")
_BY_TAB = re.compile(r"/gradio_api/(queue/(join|data)|heartbeat/[\w-]+|cancel|reset)/?")
_TAB_STREAM = "/gradio_api/queue/data"
_TAB = re.compile(rb'"session_hash": ?"([\w-]+)"')
_MARKED = re.compile(rb'"([0-9a-f]{8})-[\w-]{8,}"')
_MARKED_EVENT = re.compile(rb'"[0-9a-f]{8}-([0-9a-f]{32})"')
_UNCHANGING = ("/assets/", "/static/")

_OF_ONE_CONNECTION = {
    b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
}  # fmt: skip
"""Headers that are not handed on."""


def relay(replicas: Replicas, hosts: Collection[str]) -> Starlette:
    """The app before several pages.

    Args:
        hosts: names that are answered to, see `studio.doors.hosts_of`.
    """
    there = Relay(replicas)

    async def healthz(_request: Request) -> JSONResponse:
        count = len(replicas.there)
        told = {"well": bool(count), "replicas": count}
        return JSONResponse(told | ({} if count else {"line": NOBODY}), 200 if count else 503)

    async def metrics(_request: Request) -> PlainTextResponse:
        said = [({"replica": one.mark}, one.said) for one in replicas.there]
        return PlainTextResponse(as_text(said), media_type=PLAIN)

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/metrics", metrics), Mount("/", there)],
        middleware=[Middleware(Sealed), Middleware(KnownHosts, hosts=hosts), Middleware(Bodies)],
        lifespan=there.connected,
    )


class Relay:
    """Hands on all that is asked."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas
        self._client: httpx.AsyncClient

    @asynccontextmanager
    async def connected(self, _app: Any) -> AsyncIterator[None]:
        """Connections to the machines, for as long as the app is served."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        async with httpx.AsyncClient(limits=limits, trust_env=False) as client:
            self._client = client
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Request(scope, receive)
        body = await asked.body() if _is_small(asked) else None
        mark, path = _unmarked(scope["path"])
        if mark and self._replicas.of(mark) is None:
            await farewell(200)(scope, receive, send)
            return
        try:
            while True:
                one = self._belongs(asked, path, mark, body or b"")
                try:
                    answer = await self._client.send(_sent(asked, one, path, body), stream=True)
                    break
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    self._replicas.lose(one)
                    if mark or body is None:
                        raise
        except BadInput as error:
            await _line(str(error))(scope, receive, send)
        except httpx.HTTPError:
            await (farewell(200) if mark else _line(GONE))(scope, receive, send)
        else:
            await self._answer(asked, path, one, answer, send)

    def _belongs(self, asked: Request, path: str, mark: str, body: bytes) -> Replica:
        """The machine that a call is for.

        Raises:
            BadInput: there is none at all.
        """
        there = self._replicas
        own = there.of(asked.cookies.get(COOKIE, ""))
        found = there.of(mark) if mark else None
        if found is None and _BY_TAB.fullmatch(path):
            return own or there.of_tab(_tab(asked, path, body))
        if found is None:
            marks = (one.decode() for one in _MARKED.findall(body))
            found = next((one for one in map(there.of, marks) if one is not None), None)
        if found is None and (own is None or BEGINS.fullmatch(path)):
            found = there.calmest(own)
        return found or own or there.calmest()

    async def _answer(
        self, asked: Request, path: str, one: Replica, answer: httpx.Response, send: Send
    ) -> None:
        """Hand a machine's answer back, and let go of it when it is over or whoever asked hung up."""
        read = _read_by(asked, path)
        if read:
            self._replicas.plays(one, read, math.inf)
        try:
            response = await self._response(asked, path, one, answer)
            if self._replicas.of(asked.cookies.get(COOKIE, "")) is None and _is_ones_own(path):
                response.set_cookie(COOKIE, one.mark, httponly=True, samesite="lax")
            await response(asked.scope, asked.receive, send)
        finally:
            self._replicas.over(one, read)
            await answer.aclose()

    async def _response(
        self, asked: Request, path: str, one: Replica, answer: httpx.Response
    ) -> Response:
        if asked.method == "POST" and answer.status_code == 200 and _CALL.fullmatch(path):
            await answer.aread()
            event = str(answer.json()["event_id"])
            if BEGINS.fullmatch(path):
                self._replicas.plays(one, event)
            return JSONResponse({"event_id": f"{one.mark}-{event}"})
        parts = answer.aiter_raw()
        if asked.method == "GET" and (_CALL.match(path) or path == _TAB_STREAM):
            parts = told(parts, partial(self._replicas.has, one))
        response = StreamingResponse(parts, answer.status_code)
        response.raw_headers = _kept(answer.headers.raw)
        return response


def _is_small(asked: Request) -> bool:
    """Whether a body can be looked into; larger ones are handed on as they come."""
    return int(asked.headers.get("content-length", 0)) <= LARGEST_BODY


def _is_ones_own(path: str) -> bool:
    return not path.startswith(_UNCHANGING)


def _unmarked(path: str) -> tuple[str, str]:
    """The mark of the machine whose stream is read, and the path there.

    >>> _unmarked("/gradio_api/call/generate/0a0b0c0d-" + 32 * "7")
    ('0a0b0c0d', '/gradio_api/call/generate/77777777777777777777777777777777')
    >>> _unmarked("/gradio_api/info")
    ('', '/gradio_api/info')
    """
    found = _READ.fullmatch(path)
    return (found[2], found[1] + found[3]) if found else ("", path)


def _read_by(asked: Request, path: str) -> str:
    """What is read where somebody listens: a clip's call, or a tab's messages; empty for all else."""
    if asked.method != "GET" or not (BEGINS.match(path) or path == _TAB_STREAM):
        return ""
    return _tab(asked, path, b"")


def _tab(asked: Request, path: str, body: bytes) -> str:
    """What a tab of Gradio's client calls itself."""
    found = _TAB.search(body)
    if found:
        return found[1].decode()
    asks = parse_qs(asked.scope["query_string"].decode("latin-1"))
    return asks.get("session_hash", [path.rstrip("/").rsplit("/", 1)[-1]])[0]


def _sent(asked: Request, one: Replica, path: str, body: bytes | None) -> httpx.Request:
    """The same request to a machine, with the address that it came from."""
    scope = asked.scope
    there = quote(path, safe="/=@:!$&'()*+,;~-._").encode()
    if scope["query_string"]:
        there += b"?" + scope["query_string"]
    headers = _kept(asked.headers.raw)
    if body is not None:
        headers = [(name, value) for name, value in headers if name != b"content-length"]
    if asked.client is not None:
        before = [value for name, value in headers if name == b"x-forwarded-for"]
        headers = [(name, value) for name, value in headers if name != b"x-forwarded-for"]
        headers.append((b"x-forwarded-for", b", ".join([*before, asked.client.host.encode()])))
    if body and path.startswith(("/gradio_api/cancel", "/gradio_api/reset")):
        body = _MARKED_EVENT.sub(rb'"\1"', body)
    return httpx.Request(
        asked.method,
        httpx.URL(one.address).copy_with(raw_path=there),
        headers=headers,
        content=asked.stream() if body is None else body,
        extensions={"timeout": httpx.Timeout(None, connect=CONNECT_SECONDS).as_dict()},
    )


def _kept(headers: Any) -> list[tuple[bytes, bytes]]:
    return [
        (name.lower(), value) for name, value in headers if name.lower() not in _OF_ONE_CONNECTION
    ]


def _line(line: str) -> JSONResponse:
    return JSONResponse({"detail": line, "error": line}, 503)
