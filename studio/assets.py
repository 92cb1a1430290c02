"""The page's own scripts, styles and markup: plain files, joined as they are."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

FOLDER = Path(__file__).parent / "player"


def script(*names: str) -> str:
    """Several scripts as one, in this order."""
    return "\n".join((FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in names)


def component(name: str, *scripts: str, box: str = "", **props: object) -> gr.HTML:
    """A part of the page that draws itself: an empty box, and the scripts that fill it.

    Each runs in a turn of its own: all of them in one would keep a visitor's first touch waiting.

    Args:
        name: the last script's.
        scripts: what comes before it.
        box: class and id of the box, where they are not the name.
        props: what its script finds in ``props``.
    """
    box = box or name
    return gr.HTML(
        html_template=f'<div class="{box} panel"></div>',
        js_on_load=f"setTimeout(() => {{\n{script(*scripts, name)}\n}});",
        apply_default_css=False,
        elem_id=box,
        elem_classes=["bare"],
        **props,
    )
