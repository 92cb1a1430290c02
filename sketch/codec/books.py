"""The stems' codebooks: each is a stem, or what of a stem sounds, or how; learned on that stem alone.

Codes of a mixture are codes of combinations: every drum stroke with every chord and every note of
the melody is another one. Here a stem's codes stay what they are whatever else sounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor

from curation.errors import BadInput, first_line
from curation.files import whole
from sketch.codec.analysis import Description, cepstra
from sketch.codec.rhythm import likeness, rhythm_of
from sketch.codec.stems import CODEBOOK_STEMS, ENTRIES, SILENCE, STEMS

BATCH, ROUNDS = 8192, 12
_LEVEL_WEIGHT = 3.0
_RESTORE = "restore it with 'git checkout -- sketch/weights', or learn the codebooks anew"


def _how(described: Description) -> np.ndarray:
    level = described.level[:, None] / 20 * _LEVEL_WEIGHT
    return np.concatenate([level, cepstra(described.sound)], axis=1)


_FEATURES: dict[str, Callable[[Description], np.ndarray]] = {
    "pitch": lambda described: described.pitch,
    "sound": _how,
    "noise": lambda described: described.sound,
}

ASPECTS = (("noise",), ("pitch", "sound"), ("pitch",), ("sound",), ("pitch",), ("sound",))
"""What each stem's codebook tells apart: pitch, sound, both; of drums the spectrum as it is."""


def book_features(book: int, described: Description) -> np.ndarray:
    """What a codebook tells apart in its stem's frames, float32 ``[T, F]``."""
    parts = [_FEATURES[aspect](described) for aspect in ASPECTS[book]]
    return np.concatenate(parts, axis=1).astype(np.float32)


class Codebooks:
    """Centres ``[1024, F]`` of every book; that of silence is not used."""

    def __init__(self, centres: Sequence[np.ndarray]) -> None:
        self.centres = list(centres)

    def encode(self, described: Sequence[Description]) -> np.ndarray:
        """Descriptions of the four stems to codes, int64 ``[K, T]``: the rhythm, then the stems."""
        rhythm = rhythm_of([stem.onsets for stem in described], len(described[0].level))
        stems = [
            self._codes(book, described[STEMS.index(stem)])
            for book, stem in enumerate(CODEBOOK_STEMS)
        ]
        return np.stack([rhythm, *stems])

    def _codes(self, book: int, described: Description) -> np.ndarray:
        codes = np.full(len(described.level), SILENCE)
        heard = np.flatnonzero(~described.silent)
        if len(heard):
            centres = self.centres[book][1:]
            points = book_features(book, described)[heard]
            distance = 0.5 * np.square(centres).sum(1) - points @ centres.T
            codes[heard] = 1 + distance.argmin(1)
        return codes

    @property
    def places(self) -> list[Tensor]:
        """Where the entries of all codebooks lie, the rhythm first, ``[E, F]`` each: near is alike."""
        return [
            torch.from_numpy(table) for table in (likeness(len(self.centres[0])), *self.centres)
        ]

    def save(self, path: Path) -> None:
        with whole(path) as part:
            save_file({str(k): centres for k, centres in enumerate(self.centres)}, part)

    @classmethod
    def load(cls, path: Path) -> Codebooks:
        """The codebooks in a file.

        Raises:
            BadInput: it is missing or damaged.
        """
        try:
            tables = load_file(path)
            centres = [tables[str(k)] for k in range(len(tables))]
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise BadInput(f"{path} cannot be read ({first_line(error)}): {_RESTORE}") from None
        if not all(one.ndim == 2 and np.isfinite(one).all() for one in centres):
            raise BadInput(f"{path} holds no codebooks: {_RESTORE}")
        return cls(centres)


def learn_book(points: np.ndarray, seed: int = 0) -> tuple[np.ndarray, float]:
    """A book's centres ``[1024, F]`` by k-means, and the share of variance that they leave over."""
    means = MiniBatchKMeans(
        ENTRIES - 1, batch_size=BATCH, max_iter=ROUNDS, n_init=1, random_state=seed
    ).fit(points)
    left = float(-means.score(points) / np.square(points - points.mean(0)).sum())
    centres: np.ndarray = means.cluster_centers_.astype(np.float32)
    return np.concatenate([np.zeros_like(centres[:1]), centres]), left
