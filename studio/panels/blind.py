"""Blind test: A, B, and X which is one of them; and ratings from 0 to 100."""

from __future__ import annotations

import gradio as gr
import numpy as np

from studio.answers import new_listener as fresh_listener
from studio.assets import component
from studio.clips import Pair
from studio.endpoints import endpoint
from studio.panels import Panel
from studio.playback import packed
from studio.services import Services


def draw(services: Services) -> gr.HTML:
    """The test, drawn by its script."""
    return component("blind")


def matched(pair: Pair, side: str) -> np.ndarray:
    """One side at the loudness that both can have: the louder one is turned down."""
    db = pair.match_db if side == "steered" else -pair.match_db
    gain = 10 ** (min(0.0, db) / 20)
    return np.round(pair.side(side) * gain).astype(np.int16)


def endpoints(services: Services) -> None:
    """What programs can do here."""
    answers = services.answers

    def new_listener() -> str:
        """A random id for a listener who has none. It is all that answers are stored under."""
        return fresh_listener()

    def blind_trial(listener: str, clip: str) -> dict:
        """Draw a trial: A (steered), B (unsteered) and X, one of them, as 16-bit samples in base64.

        Args:
            listener: an id from `new_listener`.
            clip: the id that the "done" event gave.
        """
        pair = services.engine.clips[clip]
        trial = answers.draw(listener, pair.id, pair.concepts)
        sides = {"a": "steered", "b": "unsteered", "x": answers.hidden(trial)[1]}
        return {"trial": trial, "sample_rate": pair.sample_rate} | {
            name: packed(matched(pair, side)) for name, side in sides.items()
        }

    def blind_answer(trial: str, said: str) -> dict:
        """Answer a trial, once: whether it was right, and the listener's score with its p-value.

        Args:
            trial: the id that `blind_trial` gave.
            said: "steered" or "unsteered".
        """
        return answers.answer(trial, said)

    def rate(listener: str, clip: str, side: str, scores: dict) -> bool:
        """Rate one side of a clip, each attribute from 0 to 100.

        Args:
            listener: an id from `new_listener`.
            clip: the id that the "done" event gave.
            side: "steered" or "unsteered".
            scores: any of presence, quality, prompt and preference.
        """
        pair = services.engine.clips[clip]
        answers.rate(listener, pair.id, pair.concepts, side, scores)
        return True

    def blind_results() -> dict:
        """All listeners' results so far: right answers by concept with p-values, and mean ratings."""
        return answers.results()

    def answers_csv() -> str:
        """Every answer and rating as CSV, under the listeners' random ids."""
        return answers.as_csv()

    endpoint(new_listener, quick=True)
    endpoint(blind_trial)
    endpoint(blind_answer, quick=True)
    endpoint(rate, quick=True)
    endpoint(blind_results, quick=True)
    endpoint(answers_csv, quick=True)


panel = Panel("Blind test", 60, draw, endpoints)
