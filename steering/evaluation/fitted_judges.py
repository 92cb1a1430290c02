"""Judges that must be fitted first, on real clips only: listeners to prompts, axes of sound.

Features of the real clips are kept on disk; what is fitted on them takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from curation.files import whole
from sketch.material import Piece, Share, pieces
from sketch.measures.adherence import Listener, labels_of, real_features, train_listeners
from steering.metrics.adherence import PromptListeners
from steering.metrics.embeddings import Embedding, fit

SONGS = (Share("songs", 12.0, 1.0),)
BATCH = 60


@dataclass(frozen=True)
class Amounts:
    """Hours of real songs that judges are fitted on, chosen by, and measured with."""

    train: float = 3.0
    validation: float = 0.6
    test: float = 0.6


@dataclass(frozen=True)
class Judges:
    """What was fitted on real songs, and how good it is on those of the test split.

    Attributes:
        errors: in words, by what is judged.
    """

    listeners: PromptListeners
    embedding: Embedding
    errors: dict[str, str]


def make_judges(
    folder: Path,
    seconds: float,
    amounts: Amounts,
    workers: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Judges:
    """Fit all of them on songs as long as the clips that they will hear.

    Args:
        folder: where features are kept.
        progress: told how many real clips of how many are there.
    """
    corpora = {
        "train": pieces("train", amounts.train, SONGS),
        "validation": pieces("validation", amounts.validation, SONGS),
        "test": pieces("test", amounts.test, SONGS),
    }
    total = sum(map(len, corpora.values()))
    heard, done = {}, 0
    for split, corpus in corpora.items():
        heard[split] = _features(folder, corpus, seconds, workers, done, total, progress)
        done += len(corpus)
    listeners = train_listeners(
        (heard["train"], corpora["train"]), (heard["validation"], corpora["validation"])
    )
    return Judges(
        PromptListeners(listeners),
        fit(heard["train"]),
        {name: _error(one, heard["test"], corpora["test"]) for name, one in listeners.items()},
    )


def _error(listener: Listener, heard: np.ndarray, corpus: Sequence[Piece]) -> str:
    hits = listener.hits(heard, labels_of(corpus, listener.attribute))
    return (
        f"{hits.mean():.1%} right on {len(hits)} rendered test songs (chance {listener.chance:.1%})"
    )


def _features(
    folder: Path,
    corpus: Sequence[Piece],
    seconds: float,
    workers: int,
    before: int,
    total: int,
    progress: Callable[[int, int], None],
) -> np.ndarray:
    """Features ``[N, F]`` of real clips, rendered in batches that a kill cannot undo."""
    parts = []
    for start in range(0, len(corpus), BATCH):
        batch = corpus[start : start + BATCH]
        parts.append(_kept(folder, batch, seconds, workers))
        progress(before + start + len(batch), total)
    return np.concatenate(parts)


def _kept(folder: Path, batch: Sequence[Piece], seconds: float, workers: int) -> np.ndarray:
    text = json.dumps([[p.family, p.index, p.seconds] for p in batch] + [seconds])
    path = folder / f"{blake2b(text.encode(), digest_size=10).hexdigest()}.npy"
    try:
        kept: np.ndarray = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        kept = real_features(batch, seconds, workers)
        with whole(path) as part, part.open("wb") as file:
            np.save(file, kept)
    return kept
