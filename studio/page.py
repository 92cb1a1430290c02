"""The page put together: one tab beside another, one file per panel, and the server around them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from steering.metrics.kept_listeners import KeptListeners
from studio import blind, compose, explore, keep, listen, live, verdict
from studio.answers import Answers
from studio.assets import STYLES, component
from studio.desk import Desk
from studio.engine import Engine

TITLE = "Steering Music"
QUEUE = 64
CLEAN_EVERY_SECONDS = 3600
PANELS = (compose, listen, live, blind, verdict, keep, explore)

THEME = gr.themes.Base(
    font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
    font_mono=["ui-monospace", "SF Mono", "Menlo", "monospace"],
    radius_size=gr.themes.sizes.radius_md,
)


def make_page(
    engine: Engine, answers: Answers, listeners: KeptListeners | None = None
) -> gr.Blocks:
    """The page over an engine; `launch` serves it."""
    desk = Desk(engine, answers, listeners)
    with gr.Blocks(
        title=TITLE,
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(CLEAN_EVERY_SECONDS, CLEAN_EVERY_SECONDS),
    ) as page:
        component("masthead")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Studio", id="studio"), gr.Row(elem_id="studio-row"):
                with gr.Column(scale=5, min_width=320):
                    compose.panel(desk)
                with gr.Column(scale=7, min_width=320):
                    listen.panel(desk)
                    verdict.panel(desk)
                    keep.panel(desk)
            with gr.Tab("Live", id="live"):
                live.panel(desk)
            with gr.Tab("Blind test", id="blind"):
                blind.panel(desk)
            with gr.Tab("Explore", id="explore"):
                explore.panel(desk)
        for panel in PANELS:
            panel.endpoints(desk)
    page.queue(max_size=QUEUE, default_concurrency_limit=None)
    return page


def launch(page: gr.Blocks, **options: Any) -> str:
    """Serve the page; its address.

    No file of this machine is reachable: sound goes through the endpoints, as bytes.

    Args:
        options: of `gradio.Blocks.launch`.
    """
    _, local, _ = page.launch(
        theme=THEME,
        css_paths=STYLES,
        mcp_server=_speaks_mcp(),
        allowed_paths=[],
        blocked_paths=["."],
        max_file_size="1mb",
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        footer_links=["api"],
        quiet=True,
        **options,
    )
    return str(local)


def _speaks_mcp() -> bool:
    try:
        import mcp  # noqa: F401
    except ImportError:
        return False
    return True
