"""Blind test: A and B in an order by lot, and X which is one of them; and ratings from 0 to 100."""

from __future__ import annotations

import gradio as gr

from studio.abx import LEAST_HEARD
from studio.answers import new_listener as fresh_listener
from studio.assets import component
from studio.endpoints import endpoint
from studio.excerpts import encoded, excerpt
from studio.panels import Panel
from studio.playback import packed
from studio.services import Services


def draw(services: Services) -> gr.HTML:
    """The test, drawn by its script."""
    return component("blind")


def endpoints(services: Services) -> None:
    """What programs can do here."""
    answers = services.answers

    def new_listener() -> str:
        """A random id for a listener who has none. Answers are stored under it: keep it to yourself."""
        return fresh_listener()

    def blind_trial(listener: str, clip: str) -> dict:
        """Draw a round: some seconds of A, B and X, which is one of them, as 16-bit samples in base64.

        One of A and B is steered: which one, which X is, and which seconds are heard is drawn by lot.
        An answer that comes sooner than "answer_after" seconds does not count.

        Args:
            listener: an id from `new_listener`.
            clip: the id that the "done" event gave.
        """
        pair = services.engine.clips[clip]
        cut = excerpt(pair)
        seconds = cut.shape[1] / pair.sample_rate
        trial = answers.draw(listener, pair.id, pair.concepts, seconds)
        sounds = encoded(cut, pair.sample_rate, trial.sides)
        return {
            "trial": trial.id,
            "round": trial.round,
            "of": trial.of,
            "answer_after": LEAST_HEARD * seconds,
            "sample_rate": pair.sample_rate,
        } | {name: packed(sound) for name, sound in sounds.items()}

    def blind_answer(trial: str, said: str) -> dict:
        """Answer a round, once. After the last one: the score, its p-value, and what each round was.

        Args:
            trial: the id that `blind_trial` gave.
            said: "a" or "b", whichever X is.
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
        """All finished tests so far: right answers by concept with p-values; and mean ratings.

        Answers that came sooner than X can have been heard are left out and counted apart.
        """
        return answers.results()

    def answers_csv() -> str:
        """Every answer of a finished test and every rating as CSV; listeners and clips by salted hashes."""
        return answers.as_csv()

    endpoint(new_listener, quick=True)
    endpoint(blind_trial, slow=True)
    endpoint(blind_answer, quick=True)
    endpoint(rate, quick=True)
    endpoint(blind_results, quick=True)
    endpoint(answers_csv, quick=True)


panel = Panel("Blind test", 60, draw, endpoints)
