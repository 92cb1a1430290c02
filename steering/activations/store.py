"""Activations on disk: written as they come, read without being loaded, reused while they fit.

A store is known by what it was made from: the model's revision, the dataset's fingerprint, pooling
and site. One process at a time writes to it. Every batch ends with a sum over all that stands before
it, so that a run that was killed goes on at the last batch that reached the disk, and whatever else
became of the files, what no longer fits is told and read anew.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from curation.errors import BadInput
from curation.files import refusal_told, write_whole
from curation.locks import locked

log = logging.getLogger(__name__)

FORMAT = 1
_DATA, _FACTS, _LABELS = "activations.f16", "facts.json", "labels.jsonl"
_SHAPE, _LOCK = "shape.json", ".lock"
Shape = tuple[int, int, int]


class Damaged(BadInput):
    """A store whose files do not fit together; a `Writer` keeps what does."""


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


@contextmanager
def writing(folder: Path, facts: Mapping[str, Any]) -> Iterator[None]:
    """Be the only one that writes to the store of these facts; another one is waited for."""

    def tell(holder: str) -> None:
        log.warning("%s is reading %s: waiting for it", holder, facts["dataset"])

    with locked(folder / key_of(facts) / _LOCK, tell):
        yield


class Writer:
    """Appends batches of clips to a store, for whoever is `writing` to it.

    Args:
        folder: of all stores.
        facts: what the store is made from.
        clips: how many there will be.

    Attributes:
        done: clips that are there already and are not to be appended again.
        shape: ``(P, L, D)`` of one clip; None until there is one.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], clips: int) -> None:
        self.home = folder / key_of(facts)
        self.home.mkdir(parents=True, exist_ok=True)
        self.facts, self.clips = dict(facts), clips
        shape = _shape(self.home / _SHAPE)
        kept = _keep(self.home, shape, clips)
        self.done, self.sum = len(kept.labels), kept.sum
        self.shape = shape if self.done else None
        if kept.said > self.done or (self.home / _FACTS).exists():
            said = (self.home, self.done, clips)
            log.warning("%s was damaged: %d of %d clips fit, the others are read anew", *said)
        self._cut(kept)

    def append(self, values: np.ndarray, labels: Sequence[Mapping[str, Any]]) -> None:
        """Clips ``[B, P, L, D]`` with their labels; the labels are written last and count.

        Raises:
            BadInput: an activation is not finite, or passes the range of float16, or clips are not
                as long as those before and have other counts of seconds.
            ValueError: there are other counts of clips and labels.
        """
        shape = values.shape[1:]
        if len(values) != len(labels):
            raise ValueError(f"{len(values)} clips have {len(labels)} labels")
        if self.shape not in (None, shape):
            raise BadInput(
                f"a clip has activations {shape} and those before it {self.shape}: use the pooling "
                "mean or last, or clips that are equally long"
            )
        if not np.isfinite(values).all():
            raise BadInput(
                "activations are not finite: run the model in float32, or look at the clips "
                f"{[row.get('clip_id') for row in labels][:3]}"
            )
        halves = values.astype(np.float16)
        if not np.isfinite(halves).all():
            raise BadInput("activations pass the range of float16: scale the model's stream")
        if self.shape is None:
            write_whole(self.home / _SHAPE, json.dumps(shape))
            self.shape, self.sum = shape, _start(shape)
        lines = [json.dumps(dict(row)).encode() for row in labels]
        total = self.sum
        for one, line in zip(halves, lines, strict=True):
            total = _added(total, one.tobytes(), line)
        self._write(_DATA, halves.tobytes())
        self._write(_LABELS, b"\n".join(lines) + b"\t" + _written(total) + b"\n")
        self.done, self.sum = self.done + len(labels), total

    def finish(self) -> Activations:
        """Mark the store as whole and open it.

        Raises:
            BadInput: there are not as many clips as there should be.
        """
        if self.done != self.clips:
            raise BadInput(
                f"{self.done} of {self.clips} clips are there: look whether the dataset is whole, "
                "then read it again"
            )
        record = {"facts": self.facts, "clips": self.clips, "shape": self.shape}
        write_whole(self.home / _FACTS, json.dumps(record))
        finished = find(self.home.parent, self.facts)
        assert finished is not None
        return finished

    def _write(self, name: str, data: bytes) -> None:
        path = self.home / name
        with refusal_told(path), path.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _cut(self, kept: _Kept) -> None:
        """Cut off what does not fit: what a kill left half written, or worse."""
        (self.home / _FACTS).unlink(missing_ok=True)
        for name, size in kept.sizes.items():
            path = self.home / name
            path.touch()
            os.truncate(path, size)


def find(folder: Path, facts: Mapping[str, Any]) -> Activations | None:
    """The finished store of these facts, or None.

    Raises:
        Damaged: its files do not fit together.
    """
    home = folder / key_of(facts)
    try:
        record = json.loads((home / _FACTS).read_text())
        clips, shape = int(record["clips"]), _as_shape(record["shape"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    kept = _keep(home, shape, clips, finished=True)
    sizes = {name: _size(home / name) for name in (_LABELS, _DATA)}
    if len(kept.labels) != clips or sizes != kept.sizes:
        raise Damaged(
            f"the activations in {home} are damaged, {len(kept.labels)} of {clips} clips fit: read "
            "the dataset again, with 'python -m steering activations', which keeps those"
        )
    values = np.memmap(home / _DATA, np.float16, "r", shape=(clips, *shape))
    return Activations(values, kept.labels, dict(facts))


@dataclass(frozen=True)
class _Kept:
    """What of a store's files fits together: whole batches from the first on.

    Attributes:
        labels: of the clips that do.
        sizes: bytes that these clips take, by file.
        sum: over all of them.
        said: clips of the last batch that was finished, and of all before it.
    """

    labels: list[dict[str, Any]]
    sizes: dict[str, int]
    sum: int
    said: int


def _keep(home: Path, shape: Shape | None, clips: int, finished: bool = False) -> _Kept:
    """What fits, as far as the sums are right.

    Stores of before there were sums have none: such a one is taken at its word if it is ``finished``.
    """
    lines = _bytes(home / _LABELS).split(b"\n")[:-1]
    ends = [place for place, line in enumerate(lines, start=1) if b"\t" in line]
    rows: list[dict[str, Any]] = []
    fit, read, total = 0, 0, 0
    if shape is not None and (home / _DATA).exists():
        for row, place, so_far, ended in _fitting(lines[:clips], home / _DATA, shape):
            rows.append(row)
            if ended or (finished and not ends):
                fit, read, total = len(rows), place, so_far
    sizes = {_LABELS: read, _DATA: fit * _bytes_of(shape) if shape else 0}
    return _Kept(rows[:fit], sizes, total, ends[-1] if ends else len(lines))


def _fitting(
    lines: Sequence[bytes], data: Path, shape: Shape
) -> Iterator[tuple[dict[str, Any], int, int, bool]]:
    """Clip by clip until one does not fit: labels, bytes of labels, sum, whether a batch ends here."""
    total, place = _start(shape), 0
    with data.open("rb") as file:
        for line in lines:
            text, _, end = line.partition(b"\t")
            row, values = _row(text), file.read(_bytes_of(shape))
            total, place = _added(total, values, text), place + len(line) + 1
            if row is None or len(values) < _bytes_of(shape) or end not in (b"", _written(total)):
                return
            yield row, place, total, bool(end)


def _bytes_of(shape: Shape) -> int:
    return int(np.prod(shape)) * np.dtype(np.float16).itemsize


def _start(shape: Shape) -> int:
    return crc32(repr(tuple(shape)).encode())


def _added(total: int, values: bytes, label: bytes) -> int:
    """The sum with one clip more."""
    return crc32(label, crc32(values, total))


def _written(total: int) -> bytes:
    return f"{total:08x}".encode()


def _row(text: bytes) -> dict[str, Any] | None:
    """A clip's labels; None where these are none."""
    try:
        row = json.loads(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _shape(path: Path) -> Shape | None:
    """What is written there; None where nothing is, or no shape."""
    try:
        return _as_shape(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _as_shape(given: Any) -> Shape:
    parts, layers, size = (int(one) for one in given)
    if min(parts, layers, size) < 1:
        raise ValueError(given)
    return parts, layers, size


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
