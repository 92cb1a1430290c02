"""What is read and what nobody reads any more: the messages of who hung up, which Gradio keeps for 2,000 calls."""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CALL = re.compile(r"/gradio_api/call/[\w-]+/([\w-]+)/?")
_TAB = "/gradio_api/queue/data"


class Readers:
    """Which sessions of Gradio's somebody reads, and when something was last taken of each."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._took: dict[str, float] = {}

    def begin(self, session: str) -> None:
        """A stream of it was opened."""
        self._open[session] += 1
        self.took(session)

    def took(self, session: str) -> None:
        """Its reader took a message."""
        self._took[session] = time.monotonic()

    def end(self, session: str) -> None:
        """A stream of it is over."""
        self._open[session] -= 1
        if self._open[session] <= 0:
            del self._open[session], self._took[session]

    def unread(self, session: str, since: float, waiting: int) -> float:
        """Seconds for which nobody has read what it is told; 0 for who reads.

        Args:
            since: when it was asked for, by `time.monotonic`. waiting: how many messages there are for it.
        """
        if session not in self._open:
            return time.monotonic() - since
        return time.monotonic() - self._took[session] if waiting else 0.0


class Unread:
    """Lets go of a stream's messages when the stream is over, however it ended.

    An abandoned clip of 8 s would leave a megabyte behind, and a session of Gradio's an entry without an end.

    Args:
        queue: of the page, `gradio.queueing.Queue`. readers: are told who reads.
    """

    def __init__(self, app: ASGIApp, queue: Any, readers: Readers | None = None) -> None:
        self._app, self._queue = app, queue
        self._readers = readers or Readers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = self._session(scope)
        if not name:
            await self._app(scope, receive, send)
            return

        async def taken(message: Message) -> None:
            await send(message)
            self._readers.took(name)

        self._readers.begin(name)
        try:
            await self._app(scope, receive, taken)
        finally:
            self._readers.end(name)
            self._forget(name)

    def _session(self, scope: Scope) -> str:
        """The session whose messages a request reads; empty for any other request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return ""
        found = _CALL.fullmatch(scope["path"])
        if found:
            event = self._queue.event_ids_to_events.get(found[1])
            return getattr(event, "session_hash", found[1])
        if scope["path"] == _TAB:
            return parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
        return ""

    def _forget(self, name: str) -> None:
        """Unless something goes on there: a tab may have asked for more meanwhile."""
        held, asked = self._queue.event_ids_to_events, self._queue.pending_event_ids_session
        if not any(held[one].alive for one in asked.get(name, ()) if one in held):
            self._queue.pending_messages_per_session.pop(name, None)
            asked.pop(name, None)
