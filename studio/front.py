"""What the page is before anything of it runs: its head, which others read aloud when they link to it, its masthead, its styles.

Gradio's own HTML speaks of Gradio and is empty until a megabyte of scripts has run. Ours is put into it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from gradio.routes import templates
from jinja2 import ChoiceLoader, DictLoader
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from steering.models.loading import SKETCH
from studio.assets import FOLDER, script
from studio.engine_apart import AnyEngine
from studio.sights import sights
from studio.study.page import listeners_page

WORD = (
    "Two clips of one prompt and one noise: only a direction inside the model differs. "
    "Switch between them while they play."
)
CARD = "Two waveforms below each other on one time axis: steered, in red, and unsteered, in blue"
OWN = "the sketch, a small MusicGen of our own"
PAPERS = (
    {
        "word": "recursive feature machines for notes and chords",
        "title": "Zhao et al. 2025: Steering Autoregressive Music Generation with Recursive Feature Machines",
        "address": "https://arxiv.org/abs/2510.19127",
    },
    {
        "word": "linear probes for genres",
        "title": "Panda et al. 2025: Genre Controlled Music Generation via Activation Steering",
        "address": "https://arxiv.org/abs/2506.10225",
    },
)

_PAGES = ("frontend/index.html", "frontend/share.html")
_OTHERS = re.compile(r"<meta\s+(?:property=\"og:|name=\"twitter:)[^>]*>\s*")


def dress(models: Sequence[str], code: str = "") -> None:
    """Put our head and masthead into the HTML that Gradio serves from now on.

    Args:
        models: names of those that visitors may choose.
        code: address of the page's source, for a link.
    """
    pages = templates.env
    pages.globals["shown"] = {
        "word": WORD,
        "card": CARD,
        "player": played_by(models),
        "papers": PAPERS,
        "code": code,
        "styles": _plain("page.css"),
        "script": script("api"),
        "masthead": script("masthead"),
    }
    if not isinstance(pages.loader, ChoiceLoader):
        gradios = pages.loader
        ours = {name: _dressed(gradios.get_source(pages, name)[0]) for name in _PAGES}
        pages.loader = ChoiceLoader([DictLoader(ours), gradios])


def _dressed(page: str) -> str:
    """Our head in Gradio's head; styles and masthead in the body, where they come after all of Gradio's."""
    bare = _OTHERS.sub("", page)
    headed = bare.replace("</head>", f"{_plain('head.html')}</head>", 1)
    return re.sub(r"<body[^>]*>", lambda found: found[0] + _plain("masthead.html"), headed, count=1)


def played_by(models: Sequence[str]) -> str:
    """In words what plays.

    >>> played_by(["sketch"])
    'the sketch, a small MusicGen of our own; larger ones on a GPU'
    >>> played_by(["sketch", "facebook/musicgen-small"])
    'the sketch, a small MusicGen of our own, or facebook/musicgen-small'
    """
    if list(models) == [SKETCH]:
        return f"{OWN}; larger ones on a GPU"
    named = [OWN if name == SKETCH else name for name in models]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])}, or {named[-1]}"


def code_of_space() -> str:
    """Where the source of a Space is read; empty anywhere else."""
    space = os.environ.get("SPACE_ID", "")
    return f"https://huggingface.co/spaces/{space}/tree/main" if space else ""


def routes(engine: AnyEngine | None) -> dict[str, Any]:
    """What Gradio's app is given besides.

    The picture that stands beside a link to the page, the page of studies, what an operator's programs ask
    for of an engine, and an answer to Gradio's API panel, which asks how often each endpoint was called:
    that is not told here.
    """
    return {
        "routes": [
            Route("/card.png", _card),
            Route("/study", listeners_page),
            *(sights(engine) if engine else []),
            Route("/monitoring/summary", _no_figures),
        ]
    }


async def _no_figures(_request: Request) -> JSONResponse:
    return JSONResponse({"functions": {}})


async def _card(_request: Request) -> FileResponse:
    return FileResponse(FOLDER / "card.png", headers={"Cache-Control": "public, max-age=86400"})


def _plain(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
