"""The page put together: tabs of panels, which are found by themselves, and the server around them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import gradio as gr
from gradio.components.base import _Keywords
from starlette.middleware import Middleware

from curation.errors import BadInput
from steering.metrics.kept_listeners import KeptListeners
from studio.answers import Answers
from studio.callers import CALLER, Caller, Share
from studio.doors import doors, hosts_of
from studio.endpoints import check_arguments, in_one_line
from studio.engine_apart import AnyEngine
from studio.front import code_of_space, dress, routes
from studio.panels import Panel, panels
from studio.services import Services
from studio.shares import Shares
from studio.study.sitting import Studies
from studio.unread import Readers, Unread

TITLE = "Steering Music"
MOST_CALLS, QUEUE = 256, 256
"""Calls that are answered at once, most of which wait, and those that Gradio keeps beside them."""

CLEAN_EVERY_SECONDS = 3600
WIDTHS = (5, 7)
"""Shares of a tab's columns."""

THEME = gr.themes.Base(
    font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
    font_mono=["ui-monospace", "SF Mono", "Menlo", "monospace"],
    radius_size=gr.themes.sizes.radius_md,
)


class Page(gr.Blocks):
    """Gradio's blocks, whose endpoints are handed what was sent, and as much of it.

    Gradio itself would look for files in it, fetch those that are addresses, and answer too few
    arguments with an empty error.
    """

    engine: AnyEngine | None = None
    """What plays behind it; nothing where the page only asks people."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.readers = Readers()

    async def process_api(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        """A call, which is told who made it."""
        CALLER.set(self._caller(named))
        return await super().process_api(*arguments, **named)

    def _caller(self, named: dict[str, Any]) -> Caller:
        client = getattr(named.get("request"), "client", None)
        call, session = named.get("event_id"), named.get("session_hash") or ""
        visitor = (client.host if client else "", session)
        event = self._queue.event_ids_to_events.get(call)
        if event is None:
            return Caller(visitor)
        asked, queue = event.enqueue_time, self._queue.pending_messages_per_session

        def unread() -> float:
            waiting = queue[session].qsize() if session in queue else 0
            return self.readers.unread(session, asked, waiting)

        return Caller(visitor, unread)

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> list[Any]:
        """The arguments of a call, checked."""
        with in_one_line(block_fn.name):
            check_arguments(block_fn.fn, inputs)
        return inputs

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """What an endpoint gives, as it is; Gradio itself would keep the last of it for every session."""
        return [None if predictions is _Keywords.FINISHED_ITERATING else predictions]


def make_page(
    engine: AnyEngine,
    answers: Answers,
    listeners: KeptListeners | None = None,
    code: str = "",
    studies: Studies | None = None,
) -> Page:
    """The page over an engine; `launch` serves it.

    Args:
        listeners: hear whether a clip is what its prompt asks for, where they are there.
        code: address of the source, for a link; a Space knows its own.
        studies: those that are open for people.
    """
    services, found = Services(engine, answers, listeners, studies or Studies()), panels()
    dress(engine.models.names, code or code_of_space())
    with Page(
        title=TITLE,
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(CLEAN_EVERY_SECONDS, CLEAN_EVERY_SECONDS),
    ) as page:
        with gr.Tabs(elem_id="tabs"):
            for title in dict.fromkeys(panel.tab for panel in found):
                _draw_tab(title, [panel for panel in found if panel.tab == title], services)
        with gr.Column(visible=False):
            for panel in found:
                panel.endpoints(services)
    page.engine = engine
    page.queue(max_size=QUEUE, default_concurrency_limit=None)
    _forget_calls(page)
    return page


def _forget_calls(page: Page) -> None:
    """Gradio's queue holds on to its last call, and so to what a visitor sent, until the next: not here."""
    process = page._queue.process_events

    async def forgetting(events: list[Any], *more: Any) -> None:
        try:
            await process(events, *more)
        finally:
            for event in events:
                event.data = event.request = None

    page._queue.process_events = forgetting


def _draw_tab(title: str, there: Sequence[Panel], services: Services) -> None:
    """One tab: its panels below each other, in columns where they stand in several."""
    name = title.split()[0].lower()
    columns = sorted({panel.column for panel in there})
    with gr.Tab(title, id=name):
        if len(columns) == 1:
            for panel in there:
                panel.draw(services)
            return
        with gr.Row(elem_id=f"{name}-row"):
            for column in columns:
                with gr.Column(scale=WIDTHS[column % len(WIDTHS)], min_width=320):
                    for panel in there:
                        if panel.column == column:
                            panel.draw(services)


def launch(
    page: Page,
    server_name: str | None = None,
    hosts: Iterable[str] = (),
    share: Share | None = None,
    **options: Any,
) -> str:
    """Serve the page; its address.

    No file of this machine is reachable: sound goes through the endpoints, as bytes.

    Args:
        server_name: address to serve on; None for this machine alone.
        hosts: more names that the page answers to; ``*`` for any.
        share: of every visitor; the usual one unless it is given.
        options: of `gradio.Blocks.launch`.

    Raises:
        BadInput: no port is free.
    """
    names = [str(function.api_name) for function in page.fns.values()]
    opened = doors(names, hosts_of(server_name, hosts))
    opened["middleware"] += [
        Middleware(Shares, queue=page._queue, share=share or Share()),
        Middleware(Unread, queue=page._queue, readers=page.readers),
    ]
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")  # who asks is found out by `Shares` alone
    try:
        _, local, _ = page.launch(
            server_name=server_name,
            app_kwargs=opened | routes(page.engine),
            theme=THEME,
            mcp_server=_speaks_mcp(),
            allowed_paths=[],
            blocked_paths=["."],
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            footer_links=["api"],
            max_threads=MOST_CALLS,
            quiet=True,
            **options,
        )
    except OSError:
        raise BadInput("no port is free to serve the page on: choose one with --port") from None
    return str(local)


def _speaks_mcp() -> bool:
    try:
        import mcp  # noqa: F401
    except ImportError:
        return False
    return True
