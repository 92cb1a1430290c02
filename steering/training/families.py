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

from curation.concepts import get_family
from curation.errors import BadInput
from steering.activations.reader import Pooling
from steering.activations.store import Activations
from steering.training.banks import SplitColumn, Table, table
from steering.training.labels import SCORE_LABELS, ScoreLabel, class_weights, spec_of


@dataclass(frozen=True)
class Training:
    """A family's data.

    Attributes:
        dataset: family that curation builds. label: its column, or one of `labels.SCORE_LABELS`,
            told by the score: ``strongest`` pitch class, ``triad``.
        pooling: ``second`` serves labels of seconds and, averaged, those of whole clips.
        clips: as many as are built; ``None`` is a whole preset of curation.
    """

    dataset: str
    label: str
    pooling: Pooling = "mean"
    clips: int | None = None
    task: str = "classification"

    def folder(self, preset: str = "small") -> str:
        """Name of the build, as ``notes-small`` or ``songs-1600``."""
        return f"{self.dataset}-{self.clips or preset}"


SONGS = 1_600
FAMILIES: dict[str, Training] = {
    "notes": Training("notes", "pitch_class"),
    "notes_in_songs": Training("songs", "strongest", "second", SONGS),
    "chords": Training("chords", "quality"),
    "roots": Training("chords", "root"),
    "triads": Training("chords", "triad"),
    "triads_in_songs": Training("songs", "triad", "second", SONGS),
    "genres": Training("genres", "genre"),
    "genres_in_songs": Training("songs", "genre", "second", SONGS),
    "tempos": Training("tempos", "bpm", task="regression"),
    "tempos_in_genres": Training("genres", "bpm", task="regression"),
    "tempos_in_songs": Training("songs", "bpm", "second", SONGS, task="regression"),
    "keys": Training("songs", "key", "second", SONGS),
    "modes": Training("songs", "mode", "second", SONGS),
}


def get_training(family: str) -> Training:
    """A family's entry; `BadInput` naming the others."""
    if family not in FAMILIES:
        raise BadInput(f"no family {family!r}: choose one of {', '.join(FAMILIES)}")
    return FAMILIES[family]


def concepts_of(family: str) -> tuple[str, ...]:
    """What can be steered to: the classes of the family's label; the label itself for numbers."""
    training = get_training(family)
    if training.label in SCORE_LABELS:
        return SCORE_LABELS[training.label].concepts
    return get_family(training.dataset).labels[training.label].classes or (training.label,)


def table_of(training: Training, store: Activations, by: SplitColumn = "split") -> Table:
    """The family's table out of its activations."""
    if training.label in SCORE_LABELS:
        return by_score(SCORE_LABELS[training.label], store, training.pooling, by)
    if training.pooling == "second":
        store = replace(store, values=store.values.astype(np.float32).mean(1, keepdims=True))
    return table(store, training.label, by)


def by_score(
    label: ScoreLabel, store: Activations, pooling: Pooling, by: SplitColumn = "split"
) -> Table:
    """Every second of every clip, or every clip, with what its score says of it.

    Where the score says nothing, as in a rest, there is no row.
    """
    values, splits = store.values, store.column(by)
    places = np.stack(
        [_places(label, str(name), values.shape[1], pooling) for name in store.column("clip_id")]
    )  # [N, P]
    rows = {
        split: np.argwhere((places >= 0) & (splits == split)[:, None])
        for split in ("train", "validation", "test")
    }
    if not len(rows["train"]) or not len(rows["validation"]):
        raise BadInput("the dataset has no train or validation split: build one with more clips")
    x = {
        split: torch.from_numpy(values[at[:, 0], at[:, 1]].astype(np.float32))
        for split, at in rows.items()
    }
    y = {
        split: torch.nn.functional.one_hot(
            torch.from_numpy(places[at[:, 0], at[:, 1]]), len(label.concepts)
        )
        for split, at in rows.items()
    }
    return Table(x, {s: t.float() for s, t in y.items()}, label.concepts, "classification")


def _places(label: ScoreLabel, clip_id: str, parts: int, pooling: Pooling) -> np.ndarray:
    """The concept's number in every second, or in the whole clip: int ``[P]``."""
    score = spec_of(clip_id).score()
    spans = [(s, s + 1.0) for s in range(parts)] if pooling == "second" else [(0.0, np.inf)]
    return np.array([label.place(class_weights(score, end, start)) for start, end in spans])


def build_folder(training: Training, root: Path, preset: str = "small") -> Path:
    """Where the family's dataset is, or will be built."""
    return root / training.folder(preset)
