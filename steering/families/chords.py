"""Chords: root and mode together, and either of the two; from bare chords and from songs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from curation.concepts.songs import MODES
from listening.theory import PITCH_CLASSES, TRIADS
from steering.families.family import (
    SONGS,
    Experiment,
    Listeners,
    SteeredFamily,
    Training,
    Trial,
    Usual,
)
from steering.families.labels import TRIAD, TRIAD_NAMES, class_weights, nearest_triad
from steering.families.prompts import Prompts, in_c, in_major, listed

if TYPE_CHECKING:
    from sketch.material import Piece


def shares(heard: Mapping[str, np.ndarray], listeners: Listeners) -> dict[str, np.ndarray]:
    """Share of seconds with each triad, as ``"A minor"``."""
    return {
        f"{root} {quality}": heard["chords"][:, row, column]
        for row, root in enumerate(PITCH_CLASSES)
        for column, quality in enumerate(TRIADS)
    }


def quality_shares(heard: Mapping[str, np.ndarray], listeners: Listeners) -> dict[str, np.ndarray]:
    """Share of seconds with a triad of each quality, whatever its root."""
    return dict(zip(TRIADS, heard["chords"].sum(axis=1).T, strict=True))


def triad(piece: Piece) -> str | None:
    """A chord as it is steered to; None for those that are neither major nor minor."""
    place = nearest_triad(class_weights(piece.spec().score(), piece.seconds))
    return TRIAD_NAMES[place] if place >= 0 else None


def quality(piece: Piece) -> str:
    """A chord's quality as its dataset has it."""
    return str(piece.spec().labels["quality"])


def in_triad(prompt: str, concept: str) -> str:
    """A triad as a key.

    >>> in_triad("calm jazz", "A minor")
    'calm jazz in A minor'
    """
    return f"{prompt} in {concept}"


def of_quality(prompt: str, concept: str) -> str:
    """A chord quality, as far as there are keys of it.

    >>> of_quality("calm jazz", "minor"), of_quality("calm jazz", "augmented")
    ('calm jazz in C minor', 'calm jazz, augmented')
    """
    return in_c(prompt, concept) if concept in MODES else listed(prompt, concept)


families = (
    SteeredFamily(
        "triads_in_songs",
        Training("songs", "triad", "second", SONGS, score=TRIAD),
        "chord",
        place=20,
        usual=Usual(0.08, "mean_difference"),
        prompts=Prompts(in_triad),
    ),
    SteeredFamily(
        "triads",
        Training("chords", "triad", score=TRIAD),
        "chord, from bare chords",
        place=80,
        usual=Usual(0.08, "mean_difference"),
        prompts=Prompts(in_triad),
        shares=shares,
        trials=(
            Trial("triads", "triad", "chords", 4.0, triad),
            Trial("triads, a second of songs", "triad", "songs", 1.0, triad),
            Trial("triads, a second of music by people", "triad", "scores", 1.0, triad, True),
        ),
        experiment=Experiment("chords", ("triads_in_songs",), (0.015, 0.02, 0.03, 0.045)),
    ),
    SteeredFamily(
        "chords",
        Training("chords", "quality"),
        "chord quality",
        place=90,
        prompts=Prompts(of_quality),
        shares=quality_shares,
        trials=(Trial("chord quality", "quality", "chords", 4.0, quality),),
        experiment=Experiment("qualities", grid=(0.02, 0.04, 0.06, 0.09, 0.13)),
    ),
    SteeredFamily(
        "roots",
        Training("chords", "root"),
        "chord root",
        place=100,
        prompts=Prompts(in_major),
    ),
)
