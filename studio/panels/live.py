"""Live: music goes on until it is stopped, and what a fader does is heard next."""

from __future__ import annotations

from collections.abc import AsyncIterator

import gradio as gr

from studio.assets import component
from studio.endpoints import endpoint
from studio.events import events, in_flac
from studio.panels import Panel
from studio.services import Services


def draw(services: Services) -> gr.HTML:
    """Faders, a strip of the last ten minutes, and what is heard; drawn by their scripts."""
    return component("live", "arrival", "sound", "wav", "memory", "pitches", "strip", "midi")


def endpoints(services: Services) -> None:
    """What programs can do here."""
    engine = services.engine

    async def play_live(recipe: dict) -> AsyncIterator[dict]:
        """Play a recipe in real time until it is stopped, a little ahead of the clock, so that `move` acts soon.

        Yields events as `generate` does; "started" has no "seconds", an "audio" no "total". It ends by
        `stop`, when nobody reads it any more, when its listener was not heard of for a minute (`move`,
        `add_concept` or `still_listening`), after an hour, and after five minutes while others wait in line.
        The last event, "done" or "stopped", says how long it was under "played_seconds", and under "why"
        what ended it. Its clip and recipe are all of it where that is up to 30 s, else the first 30 s; the
        recipe holds the concepts that joined and the moves. Schedules that end with the recipe's seconds
        keep that end; those that repeat or stay go on. Where a GPU is hired for each clip, it plays the
        recipe's seconds and takes no moves.

        Args:
            recipe: as `generate` takes it.
        """
        async for event in events(engine, recipe, live=True):
            yield event

    async def play_live_flac(recipe: dict) -> AsyncIterator[dict]:
        """The same as `play_live` in half the bytes: sound as `generate_flac` sends it.

        Args:
            recipe: as `generate` takes it.
        """
        async for event in in_flac(engine, recipe, live=True):
            yield event

    def move(session: str, concept: int, coefficient: float) -> bool:
        """Change the strength of a concept in a session that plays, from the next step on.

        Args:
            session: the id that the "started" event gave.
            concept: place of the concept in the recipe, from 0.
            coefficient: its new strength, a share of the residual stream's typical length.
        """
        engine.move(session, concept, coefficient)
        return True

    def add_concept(session: str, intervention: dict) -> int:
        """Let a concept join a live session, from the next step on; its place there, for `move`.

        In the take's recipe it stands with strength 0 to begin with, and a move. A session takes 24
        concepts in all; to take one away, `move` it to 0.

        Args:
            session: the id that the "started" event gave.
            intervention: what a recipe has of a concept; `catalogue` gives one for each family.
        """
        return engine.add(session, intervention)

    def still_listening(session: str) -> bool:
        """Say that a live session is still listened to: one of which a minute long nobody hears ends.

        Args:
            session: the id that the "started" event gave.
        """
        engine.hear_of(session)
        return True

    endpoint(play_live)
    endpoint(play_live_flac)
    endpoint(move, quick=True)
    endpoint(add_concept, quick=True)
    endpoint(still_listening, quick=True)


panel = Panel("Live", 50, draw, endpoints)
