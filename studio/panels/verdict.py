"""Verdict: what independent ears hear, steered beside unsteered."""

from __future__ import annotations

import gradio as gr

from studio import verdict_rows
from studio.assets import component
from studio.endpoints import endpoint
from studio.panels import Panel
from studio.services import Services


def draw(services: Services) -> gr.HTML:
    """A table, drawn by its script."""
    return component("verdict")


def endpoints(services: Services) -> None:
    """What programs can do here."""

    def verdict(clip: str) -> dict:
        """What judges that know nothing of the model hear in a clip and in its unsteered twin.

        A headline in words, and rows; those of concepts that were pushed come first, and say in how many
        seconds of pushing they were listened for.

        Args:
            clip: the id that the "done" event gave.
        """
        return verdict_rows.verdict(services.engine.clips[clip], services.listeners)

    endpoint(verdict, slow=True)


panel = Panel("Studio", 30, draw, endpoints, column=1)
