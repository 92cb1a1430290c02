"""Genres: from bands, and from songs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from steering.families.family import SONGS, Experiment, Listeners, SteeredFamily, Training, Usual
from steering.families.prompts import Prompts

PHRASINGS = ("{mood} {shape} led by {a_lead}", "{lead}, {mood}", "{mood} {shape}, {drums}")
"""They name no genre."""


def shares(heard: Mapping[str, np.ndarray], listeners: Listeners) -> dict[str, np.ndarray]:
    """Probability of each genre by the listener that knows real songs only."""
    return listeners.probabilities("genre", heard["features"])


def as_said(prompt: str, concept: str) -> str:
    """A genre as captions call it.

    >>> as_said("oboe", "jazz swing")
    'jazz oboe'
    """
    return f"{'jazz' if concept == 'jazz swing' else concept} {prompt}"


_PROMPTS = Prompts(as_said, PHRASINGS)

families = (
    SteeredFamily(
        "genres_in_songs",
        Training("songs", "genre", "second", SONGS),
        "genre",
        place=40,
        usual=Usual(0.09, "logistic"),
        prompts=_PROMPTS,
    ),
    SteeredFamily(
        "genres",
        Training("genres", "genre"),
        "genre, from bands",
        place=120,
        usual=Usual(0.06, "logistic"),
        prompts=_PROMPTS,
        shares=shares,
        experiment=Experiment("genres", ("genres_in_songs",), (0.02, 0.04, 0.06, 0.09, 0.13)),
    ),
)
