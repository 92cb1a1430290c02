"""Whether the music is what the prompt asked for, heard by classifiers that know only real clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline

from listening.classifier import fit
from listening.features import features
from sketch.material import SAMPLE_RATE, Piece, render
from sketch.measures.decoded import decoded
from sketch.parallel import spread

ATTRIBUTES = ("lead_family", "genre", "drums")


@dataclass(frozen=True)
class Listener:
    """A linear classifier of one label; ``chance`` is the share of its most frequent class."""

    attribute: str
    model: Pipeline
    chance: float

    def hits(self, heard: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """Which of the clips with features ``[N, F]`` it names as labelled, bool ``[N]``."""
        return self.model.predict(heard) == np.array(labels)


def real_features(corpus: Sequence[Piece], seconds: float, workers: int) -> np.ndarray:
    """Features ``[N, F]`` of the first ``seconds`` of real clips."""
    jobs = [(piece, seconds) for piece in corpus]
    return np.stack(list(spread(_features_of, jobs, workers)))


def decoded_features(
    corpus: Sequence[Piece], seconds: float, workers: int, folder: Path
) -> np.ndarray:
    """The same of clips decoded from their stems' codes, by the codec in a sketch's folder."""
    jobs = [(piece, seconds, folder) for piece in corpus]
    return np.stack(list(spread(_decoded_features_of, jobs, workers)))


def _decoded_features_of(piece: Piece, seconds: float, folder: Path) -> np.ndarray:
    found = decoded(piece, folder)
    if found is None:
        raise ValueError(f"{piece} has notes that the sound font lacks: songs have none")
    return features(found[0][: round(seconds * SAMPLE_RATE)], SAMPLE_RATE)


def _features_of(piece: Piece, seconds: float) -> np.ndarray:
    sound = render(piece)
    if sound is None:
        raise ValueError(f"{piece} has notes that the sound font lacks: songs have none")
    return features(sound[: round(seconds * SAMPLE_RATE)].astype(np.float32) / 32767, SAMPLE_RATE)


def train_listeners(
    train: tuple[np.ndarray, Sequence[Piece]],
    held_out: tuple[np.ndarray, Sequence[Piece]],
    attributes: Sequence[str] = ATTRIBUTES,
) -> dict[str, Listener]:
    """One listener per attribute, its penalty chosen on validation clips."""
    listeners = {}
    for attribute in attributes:
        truth = labels_of(train[1], attribute)
        chosen = labels_of(held_out[1], attribute)
        model = fit(train[0], truth, (held_out[0], chosen))
        counts = np.unique(truth, return_counts=True)[1]
        listeners[attribute] = Listener(attribute, model, float(counts.max() / counts.sum()))
    return listeners


def labels_of(corpus: Sequence[Piece], attribute: str) -> list[str]:
    """A label of each piece."""
    return [str(piece.spec().labels[attribute]) for piece in corpus]
