"""Where listeners go: one page of ours beside Gradio's, and a server of it alone, which needs no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse

from studio.assets import FOLDER, script

if TYPE_CHECKING:
    from studio.page import Page
    from studio.study.sitting import Studies


async def listeners_page(_request: Request) -> HTMLResponse:
    """The page of every study: which one it is, its script reads from the link."""
    return HTMLResponse(page_of_listeners(), headers={"Cache-Control": "no-store"})


def page_of_listeners() -> str:
    """Its HTML, with all that it needs in it."""
    template = Environment(autoescape=False).from_string(_plain("study.html"))
    return template.render(
        styles=_plain("page.css"),
        script=script("api", "study"),
        masthead=script("masthead"),
    )


def make_page_of_studies(studies: Studies) -> Page:
    """A page that serves studies and nothing else: no model is loaded for it."""
    import gradio as gr

    from studio.page import Page
    from studio.panels import study
    from studio.services import Services

    services = Services(None, None, studies=studies)  # type: ignore[arg-type]
    with Page(title="Listening study", analytics_enabled=False) as page:
        study.draw(services)
        with gr.Column(visible=False):
            study.endpoints(services)
    return page


def _plain(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
