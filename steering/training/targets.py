"""What a family's probes are to tell, clip by clip or second by second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from curation.errors import BadInput
from steering.activations.reader import Pooling
from steering.activations.store import Activations
from steering.families.family import Training
from steering.families.labels import ScoreLabel, class_weights, spec_of
from steering.training.banks import SplitColumn, Table, table


def table_of(training: Training, store: Activations, by: SplitColumn = "split") -> Table:
    """A family's table out of its activations."""
    if training.score is not None:
        made = by_score(training.score, store, training.pooling, by)
        return made.enough() if training.partial else made
    if training.pooling == "second":
        store = replace(store, values=store.values.astype(np.float32).mean(1, keepdims=True))
    return table(store, training.label, by)


def by_score(
    label: ScoreLabel, store: Activations, pooling: Pooling, by: SplitColumn = "split"
) -> Table:
    """Every second of every clip, or every clip, with what its score says of it.

    Where the score says nothing, as in a rest, there is no row.

    Raises:
        BadInput: there are no clips to train or validate on.
    """
    values, splits = store.values, store.column(by)
    places = scored_places(label, store, pooling)
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


def places_of(training: Training, store: Activations, concepts: Sequence[str]) -> np.ndarray:
    """Which of the concepts every second of every clip has, or every clip: int ``[N, P]``, -1 for none."""
    numbers = {name: number for number, name in enumerate(concepts)}
    if training.score is not None:
        order = np.array([*(numbers.get(one, -1) for one in training.score.concepts), -1])
        found: np.ndarray = order[scored_places(training.score, store, training.pooling)]
        return found
    return np.array([[numbers.get(one, -1)] for one in store.column(training.label).tolist()])


def scored_places(label: ScoreLabel, store: Activations, pooling: Pooling) -> np.ndarray:
    """The concept's number in every second of every clip, or in every clip, by its score: ``[N, P]``."""
    parts, names = store.values.shape[1], store.column("clip_id")
    return np.stack([_places(label, str(name), parts, pooling) for name in names])


def _places(label: ScoreLabel, clip_id: str, parts: int, pooling: Pooling) -> np.ndarray:
    """The concept's number in every second, or in the whole clip: int ``[P]``."""
    score = spec_of(clip_id).score()
    spans = [(s, s + 1.0) for s in range(parts)] if pooling == "second" else [(0.0, np.inf)]
    return np.array([label.place(class_weights(score, end, start)) for start, end in spans])
