"""Studies that are open: a link to each below the blind test, and what a listener's page calls."""

from __future__ import annotations

from html import escape

import gradio as gr

from studio.endpoints import endpoint
from studio.panels import Panel
from studio.services import Services


def draw(services: Services) -> gr.HTML:
    """Links to the studies; nothing where none is open."""
    links = "".join(
        f'<p>A study is open: <a href="{escape(one.stimuli.link)}">{escape(one.design.title)}</a></p>'
        for one in services.studies
    )
    return gr.HTML(
        f'<div class="invitation panel">{links}</div>',
        visible=bool(links),
        apply_default_css=False,
        elem_classes=["bare"],
    )


def endpoints(services: Services) -> None:
    """What a listener's page, or a program, does in a study."""
    studies = services.studies

    def study(name: str) -> dict:
        """What a study is about: title, how many trials, how many minutes.

        Args:
            name: what its link ends in.
        """
        return studies[name].about()

    def study_begin(name: str) -> str:
        """Take part in a study: a random id, under which answers are kept. Keep it to yourself.

        Args:
            name: what its link ends in.
        """
        return studies[name].begin()

    def study_next(name: str, listener: str) -> dict:
        """The step that a listener is at, with its sounds as 16-bit samples in base64.

        It stays the same until it is answered. "step" is headphones, training, abx, preference,
        strength, quality, done with the completion code, or refused for want of headphones.

        Args:
            name: what its link ends in.
            listener: an id from `study_begin`.
        """
        return studies[name].next(listener)

    def study_answer(name: str, trial: str, said: dict, heard: list) -> bool:
        """Answer a step; it is kept for good when this returns. The same answer twice is one answer.

        Args:
            name: what the study's link ends in.
            trial: the id that `study_next` gave.
            said: {"interval": "1"}, {} after training, {"x": "a"}, {"prefer": "a", "b" or "tie"}, or
                {"scores": {"1": 0 to 100, ...}}.
            heard: what was played, as [label, from, to] in seconds since the step was shown.
        """
        studies[name].answer(trial, said, heard)
        return True

    for one in (study, study_begin, study_next, study_answer):
        endpoint(one, quick=True)


panel = Panel("Blind test", 61, draw, endpoints)
