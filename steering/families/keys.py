"""Keys of songs: the tonic, and the mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from curation.concepts.songs import MODES
from listening.theory import PITCH_CLASSES
from steering.families.family import SONGS, Experiment, Listeners, SteeredFamily, Training, Trial
from steering.families.prompts import Prompts, in_c, in_major

if TYPE_CHECKING:
    from sketch.material import Piece


def tonic_shares(heard: Mapping[str, np.ndarray], listeners: Listeners) -> dict[str, np.ndarray]:
    """1 for the tonic that is heard."""
    return {name: (heard["tonic"] == place) * 1.0 for place, name in enumerate(PITCH_CLASSES)}


def mode_shares(heard: Mapping[str, np.ndarray], listeners: Listeners) -> dict[str, np.ndarray]:
    """1 for the mode that is heard."""
    return {name: (heard["mode"] == place) * 1.0 for place, name in enumerate(MODES)}


def tonality(piece: Piece) -> str:
    """A song's tonic and mode, as ``"A minor"``."""
    labels = piece.spec().labels
    return f"{labels['key']} {labels['mode']}"


def unmoved_tonality(piece: Piece) -> str | None:
    """The key of a piece by people, where the clip's own notes are in it, too."""
    moved = piece.spec().labels.get("key_in_clip") == "another"
    return None if moved else tonality(piece)


_TRIALS = (
    Trial("key of songs", "key", "songs", 12.0, tonality),
    Trial("key of music by people", "key", "scores", 8.0, tonality, True),
    Trial("key of music by people, clips in it", "key", "scores", 8.0, unmoved_tonality, True),
)

families = (
    SteeredFamily(
        "keys",
        Training("songs", "key", "second", SONGS),
        "key",
        place=50,
        prompts=Prompts(in_major),
        shares=tonic_shares,
        trials=_TRIALS,
        experiment=Experiment("keys"),
    ),
    SteeredFamily(
        "modes",
        Training("songs", "mode", "second", SONGS),
        "mode",
        place=60,
        prompts=Prompts(in_c),
        shares=mode_shares,
        trials=_TRIALS,
        experiment=Experiment("modes"),
    ),
)
