"""Live: the clip plays while it is made, and what a fader does is heard next."""

from __future__ import annotations

from collections.abc import AsyncIterator

import gradio as gr

from studio.assets import component
from studio.endpoints import endpoint
from studio.events import events
from studio.panels import Panel
from studio.services import Services


def draw(services: Services) -> gr.HTML:
    """Faders, drawn by their script."""
    return component("live", "sound")


def endpoints(services: Services) -> None:
    """What programs can do here."""

    async def play_live(recipe: dict) -> AsyncIterator[dict]:
        """Play a recipe in real time, a little ahead of the clock, so that `move` acts on what comes next.

        Yields the same events as `generate`; the recipe of the last one holds the moves.

        Args:
            recipe: as `generate` takes it.
        """
        async for event in events(services.engine, recipe, live=True):
            yield event

    def move(session: str, concept: int, coefficient: float) -> bool:
        """Change the strength of a concept in a session that plays, from the next step on.

        Args:
            session: the id that the "started" event gave.
            concept: place of the concept in the recipe, from 0.
            coefficient: its new strength, a share of the residual stream's typical length.
        """
        services.engine.move(session, concept, coefficient)
        return True

    endpoint(play_live)
    endpoint(move, quick=True)


panel = Panel("Live", 50, draw, endpoints)
