"""Pitch classes: from single notes, and from songs and scores by what sounds longest in each second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from listening.theory import PITCH_CLASSES
from steering.families.family import (
    PULSES,
    SONGS,
    Experiment,
    Listeners,
    SteeredFamily,
    Training,
    Trial,
    Usual,
)
from steering.families.labels import STRONGEST, class_weights
from steering.families.prompts import Prompts, in_major

if TYPE_CHECKING:
    from sketch.material import Piece

LOWEST, HIGHEST = 36, 96
"""MIDI notes between which the instruments have a clear pitch."""


def shares(heard: Mapping[str, np.ndarray], listeners: Listeners) -> dict[str, np.ndarray]:
    """Share of frames in which each pitch class is the strongest."""
    counts = heard["counts"].sum(axis=1)
    found = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return dict(zip(PITCH_CLASSES, found.T, strict=True))


def energies(heard: Mapping[str, np.ndarray], listeners: Listeners) -> dict[str, np.ndarray]:
    """Each pitch class's energy, which says which is the most prominent."""
    return dict(zip(PITCH_CLASSES, heard["energy"].T, strict=True))


def single_note(piece: Piece) -> str | None:
    """A single note's class, where its octave has a clear pitch."""
    labels = piece.spec().labels
    return str(labels["pitch_class"]) if LOWEST <= labels["pitch"] <= HIGHEST else None


def strongest_in_score(piece: Piece) -> str:
    """The pitch class that a song's notes hold longest, weighed by velocity."""
    return PITCH_CLASSES[int(class_weights(piece.spec().score(), piece.seconds).argmax())]


_PROMPTS = Prompts(in_major)

families = (
    SteeredFamily(
        "notes_in_songs",
        Training("songs", "strongest", "second", SONGS, score=STRONGEST),
        "note",
        place=10,
        usual=Usual(0.045, "mean_difference", PULSES),
        prompts=_PROMPTS,
    ),
    SteeredFamily(
        "notes_in_scores",
        Training("scores", "strongest", "second", score=STRONGEST, partial=True),
        "note, from music by people",
        place=130,
        prompts=_PROMPTS,
    ),
    SteeredFamily(
        "notes",
        Training("notes", "pitch_class"),
        "note, from single notes",
        place=70,
        usual=Usual(0.06, "mean_difference", PULSES),
        prompts=_PROMPTS,
        shares=shares,
        prominent=energies,
        trials=(
            Trial("pitch class, single notes", "note", "notes", 4.0, single_note),
            Trial("pitch class, songs by their scores", "note", "songs", 4.0, strongest_in_score),
            Trial("pitch class, music by people", "note", "scores", 4.0, strongest_in_score, True),
        ),
        experiment=Experiment(
            "notes", ("notes_in_songs",), pulsed=(0.03, 0.045, 0.06, 0.08), ablated=True
        ),
    ),
)
