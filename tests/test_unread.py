"""What Gradio keeps for who hung up is let go of; what somebody may still read is not."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from studio.unread import Unread


def after(path: str, query: str = "", alive: bool = False, fails: bool = False) -> SimpleNamespace:
    """Gradio's queue when a stream of session ``tab``, which has asked for ``one``, is over."""
    queue = SimpleNamespace(
        pending_messages_per_session={"tab": ["a megabyte"], "other": ["more"]},
        pending_event_ids_session={"tab": {"one"}, "other": {"two"}},
        event_ids_to_events={"one": SimpleNamespace(alive=alive)},
    )

    async def app(scope, receive, send):
        if fails:
            raise ConnectionError

    async def ask():
        scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode()}
        await Unread(app, queue)(scope, None, None)

    try:
        asyncio.run(ask())
    except ConnectionError:
        assert fails
    assert queue.pending_messages_per_session["other"] == ["more"]
    return queue


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(
    ("path", "query"),
    [("/gradio_api/call/generate/tab", ""), ("/gradio_api/queue/data", "session_hash=tab")],
)
def test_a_stream_that_is_over_leaves_nothing(path, query, fails):
    queue = after(path, query, fails=fails)
    assert "tab" not in queue.pending_messages_per_session
    assert "tab" not in queue.pending_event_ids_session


def test_what_goes_on_and_what_is_no_stream_stays():
    assert (
        "tab"
        in after(
            "/gradio_api/queue/data", "session_hash=tab", alive=True
        ).pending_messages_per_session
    )
    assert "tab" in after("/gradio_api/info").pending_messages_per_session
    assert "tab" in after("/gradio_api/queue/data").pending_messages_per_session
