"""Activations on disk: written as they come, read without being loaded, reused while they fit.

A store is known by what it was made from: the model's revision, the dataset's fingerprint, pooling
and site. A run that was killed goes on at the last batch that reached the disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from curation.errors import BadInput
from curation.files import write_whole

FORMAT = 1
_DATA, _FACTS, _LABELS = "activations.f16", "facts.json", "labels.jsonl"
_SHAPE = "shape.json"


def key_of(facts: Mapping[str, Any]) -> str:
    """Name of the folder for what these facts describe.

    >>> key_of({"model": "a", "pooling": "mean"}) == key_of({"pooling": "mean", "model": "a"})
    True
    """
    text = json.dumps({"format": FORMAT, **facts}, sort_keys=True)
    return blake2b(text.encode(), digest_size=10).hexdigest()


@dataclass(frozen=True)
class Activations:
    """A finished store.

    Attributes:
        values: float16 ``[N, P, L, D]``, on disk.
        labels: one mapping per clip: its split, its labels.
        facts: what it was made from.
    """

    values: np.ndarray
    labels: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any]

    def column(self, name: str) -> np.ndarray:
        """One label of every clip.

        Raises:
            BadInput: the dataset has no such label.
        """
        if not self.labels or name not in self.labels[0]:
            known = ", ".join(self.labels[0]) if self.labels else "nothing"
            raise BadInput(f"the dataset has no label {name!r}: it has {known}")
        return np.array([row[name] for row in self.labels])


class Writer:
    """Appends batches of clips to a store; batches already there are to be skipped.

    Args:
        folder: of all stores.
        facts: what the store is made from.
        clips: how many there will be.
        shape: ``(P, L, D)`` of one clip.
    """

    def __init__(
        self, folder: Path, facts: Mapping[str, Any], clips: int, shape: tuple[int, int, int]
    ) -> None:
        self.home = folder / key_of(facts)
        self.home.mkdir(parents=True, exist_ok=True)
        self.facts, self.clips, self.shape = dict(facts), clips, shape
        self.size = int(np.prod(shape)) * 2
        (self.home / _SHAPE).write_text(json.dumps(shape))
        self._settle()

    @staticmethod
    def reopen(folder: Path, facts: Mapping[str, Any], clips: int) -> Writer | None:
        """The writer of a run that was stopped; None where none had begun."""
        try:
            shape = json.loads((folder / key_of(facts) / _SHAPE).read_text())
        except (OSError, ValueError):
            return None
        return Writer(folder, facts, clips, tuple(shape))

    @property
    def done(self) -> int:
        """Clips on the disk."""
        return _lines(self.home / _LABELS)

    def append(self, values: np.ndarray, labels: Sequence[Mapping[str, Any]]) -> None:
        """Clips ``[B, P, L, D]`` with their labels; the labels are written last and count.

        Raises:
            BadInput: an activation is not finite, or passes the range of float16.
            ValueError: the shape is not the store's, or there are other counts of clips and labels.
        """
        if values.shape[1:] != self.shape or len(values) != len(labels):
            raise ValueError(f"{values.shape} for {len(labels)} labels does not fit {self.shape}")
        if not np.isfinite(values).all():
            raise BadInput(
                "activations are not finite: run the model in float32, or look at the clips "
                f"{[row.get('clip_id') for row in labels][:3]}"
            )
        halves = values.astype(np.float16)
        if not np.isfinite(halves).all():
            raise BadInput("activations pass the range of float16: scale the model's stream")
        with (self.home / _DATA).open("ab") as file:
            file.write(halves.tobytes())
            file.flush()
            os.fsync(file.fileno())
        with (self.home / _LABELS).open("a") as lines:
            lines.write("".join(json.dumps(dict(row)) + "\n" for row in labels))

    def finish(self) -> Activations:
        """Mark the store as whole and open it.

        Raises:
            ValueError: clips are missing.
        """
        if self.done != self.clips:
            raise ValueError(f"{self.done} of {self.clips} clips are there: append the others")
        record = {"facts": self.facts, "clips": self.clips, "shape": self.shape}
        write_whole(self.home / _FACTS, json.dumps(record))
        finished = find(self.home.parent, self.facts)
        assert finished is not None
        return finished

    def _settle(self) -> None:
        """Cut off what a kill left half written."""
        labels, data = self.home / _LABELS, self.home / _DATA
        data.touch()
        labels.touch()
        text = labels.read_text()
        whole = text[: text.rfind("\n") + 1].splitlines(keepends=True)
        clips = min(len(whole), data.stat().st_size // self.size)
        labels.write_text("".join(whole[:clips]))
        os.truncate(data, clips * self.size)


def find(folder: Path, facts: Mapping[str, Any]) -> Activations | None:
    """The finished store of these facts, or None.

    Raises:
        BadInput: the store is damaged.
    """
    home = folder / key_of(facts)
    try:
        record = json.loads((home / _FACTS).read_text())
    except (OSError, ValueError):
        return None
    clips, shape = record["clips"], tuple(record["shape"])
    if (home / _DATA).stat().st_size != clips * int(np.prod(shape)) * 2:
        raise BadInput(f"the activations in {home} are damaged: delete that folder to read anew")
    values = np.memmap(home / _DATA, np.float16, "r", shape=(clips, *shape))
    lines = (home / _LABELS).read_text().splitlines()
    return Activations(values, [json.loads(line) for line in lines], record["facts"])


def _lines(path: Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0
