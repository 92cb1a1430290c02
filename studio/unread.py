"""What nobody reads any more: the messages of who hung up, which Gradio keeps for 2,000 calls."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

_CALL = re.compile(r"/gradio_api/call/[\w-]+/([\w-]+)/?")
_TAB = "/gradio_api/queue/data"


class Unread:
    """Lets go of a stream's messages when the stream is over, however it ended.

    An abandoned clip of 8 s would leave a megabyte behind, and a session of Gradio's an entry without an end.

    Args:
        queue: of the page, `gradio.queueing.Queue`.
    """

    def __init__(self, app: ASGIApp, queue: Any) -> None:
        self._app, self._queue = app, queue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = _session(scope)
        try:
            await self._app(scope, receive, send)
        finally:
            if name:
                self._forget(name)

    def _forget(self, name: str) -> None:
        """Unless something goes on there: a tab may have asked for more meanwhile."""
        held, asked = self._queue.event_ids_to_events, self._queue.pending_event_ids_session
        if not any(held[one].alive for one in asked.get(name, ()) if one in held):
            self._queue.pending_messages_per_session.pop(name, None)
            asked.pop(name, None)


def _session(scope: Scope) -> str:
    """The session whose messages a request reads; empty for any other request."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return ""
    found = _CALL.fullmatch(scope["path"])
    if found:
        return found[1]
    if scope["path"] == _TAB:
        return parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
    return ""
