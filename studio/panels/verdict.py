"""Verdict: what independent ears hear, steered beside unsteered."""

from __future__ import annotations

import gradio as gr

from studio import judging
from studio.assets import component
from studio.desk import Desk, endpoint
from studio.panels import Panel


def draw(desk: Desk) -> gr.HTML:
    """A table, drawn by its script."""
    return component("verdict")


def endpoints(desk: Desk) -> None:
    """What programs can do here."""

    def verdict(clip: str) -> list[dict]:
        """What judges that know nothing of the model hear in a clip and in its unsteered twin.

        Args:
            clip: the id that the "done" event gave.
        """
        return judging.verdict(desk.engine.clips[clip], desk.listeners)

    endpoint(verdict)


panel = Panel("Studio", 30, draw, endpoints, column=1)
