"""What each family of shipped directions is trained on: one entry a family.

A family is a label of a dataset that curation builds. Directions of the same concepts can come from
different music: single notes and metronomes are clean, songs are what is steered; the evaluation
tries both on validation prompts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from curation.errors import BadInput
from curation.theory import PITCH_CLASSES
from steering.activations import Pooling
from steering.labels import class_weights, spec_of
from steering.store import Activations
from steering.training import SplitColumn, Table, table


@dataclass(frozen=True)
class Training:
    """A family's data.

    Attributes:
        dataset: family that curation builds. label: its column, or ``strongest`` for the pitch
            class that the score holds longest in a second.
        pooling: ``second`` serves labels of seconds and, averaged, those of whole clips.
        clips: as many as are built; ``None`` is the preset ``small``.
    """

    dataset: str
    label: str
    pooling: Pooling = "mean"
    clips: int | None = None
    task: str = "classification"

    @property
    def folder(self) -> str:
        """Name of the build, as ``notes-small`` or ``songs-1600``."""
        return f"{self.dataset}-{self.clips or 'small'}"


SONGS = 1_600
FAMILIES: dict[str, Training] = {
    "notes": Training("notes", "pitch_class"),
    "notes_in_songs": Training("songs", "strongest", "second", SONGS),
    "chords": Training("chords", "quality"),
    "roots": Training("chords", "root"),
    "genres": Training("genres", "genre"),
    "genres_in_songs": Training("songs", "genre", "second", SONGS),
    "tempos": Training("tempos", "bpm", task="regression"),
    "tempos_in_songs": Training("songs", "bpm", "second", SONGS, "regression"),
    "keys": Training("songs", "key", "second", SONGS),
    "modes": Training("songs", "mode", "second", SONGS),
}


def get_training(family: str) -> Training:
    """A family's entry; `BadInput` naming the others."""
    if family not in FAMILIES:
        raise BadInput(f"no family {family!r}: choose one of {', '.join(FAMILIES)}")
    return FAMILIES[family]


def table_of(training: Training, store: Activations, by: SplitColumn = "split") -> Table:
    """The family's table out of its activations."""
    if training.label == "strongest":
        return per_second(store, by)
    if training.pooling == "second":
        store = replace(store, values=store.values.astype(np.float32).mean(1, keepdims=True))
    return table(store, training.label, by)


def per_second(store: Activations, by: SplitColumn = "split") -> Table:
    """Every second of every clip with the pitch class that its score holds longest there.

    Seconds without a note are left out.
    """
    values, splits = store.values, store.column(by)
    seconds = values.shape[1]
    strongest = np.stack(
        [_strongest(str(name), seconds) for name in store.column("clip_id")]
    )  # [N, P]
    rows = {
        split: np.argwhere((strongest >= 0) & (splits == split)[:, None])
        for split in ("train", "validation", "test")
    }
    if not len(rows["train"]) or not len(rows["validation"]):
        raise BadInput("the dataset has no train or validation split: build one with more clips")
    x = {
        split: torch.from_numpy(values[at[:, 0], at[:, 1]].astype(np.float32))
        for split, at in rows.items()
    }
    y = {
        split: torch.nn.functional.one_hot(torch.from_numpy(strongest[at[:, 0], at[:, 1]]), 12)
        for split, at in rows.items()
    }
    return Table(x, {s: t.float() for s, t in y.items()}, PITCH_CLASSES, "classification")


def _strongest(clip_id: str, seconds: int) -> np.ndarray:
    """The longest-held pitch class of every second, int ``[P]``; -1 where there is none."""
    spec = spec_of(clip_id)
    score = spec.score()
    weights = np.stack([class_weights(score, s + 1.0, float(s)) for s in range(seconds)])
    return np.where(weights.sum(axis=1) > 0, weights.argmax(axis=1), -1)


def build_folder(training: Training, root: Path) -> Path:
    """Where the family's dataset is, or will be built."""
    return root / training.folder
