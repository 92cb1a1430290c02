"""Activations that many machines read: each part of a build is a store of its own, then they are joined.

A part begins where a batch would begin if one process read the whole, so the joined store has the
bytes of one that was read so, wherever the model computes the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from curation.errors import BadInput
from curation.executors import make_pieces
from curation.machines import Machines
from steering.activations.reader import Pooling, facts_of, finished, read_source
from steering.activations.sources import BuiltSource, Excerpt
from steering.activations.store import Activations, Writer, key_of, writing
from steering.models.interface import MusicModel
from steering.models.loading import NamedModel
from steering.models.origin import Origin

PART_CLIPS = 1024
"""Of one part, or the batches that fit into so many."""


@dataclass(frozen=True)
class Parts:
    """A build's parts as `Pieces`.

    Attributes:
        model: each process loads it once. origin: what it is.
        build: folder of the clips. clips: in it.
        folder: of the parts' stores.
        size: clips of a part, some whole batches.
        threads: that a task computes with.
    """

    model: NamedModel
    origin: Origin
    build: Path
    clips: int
    folder: Path
    pooling: Pooling
    batch: int
    size: int
    threads: int = 1

    @property
    def count(self) -> int:
        return -(-self.clips // self.size)

    def excerpt(self, number: int) -> Excerpt:
        start = number * self.size
        return Excerpt(_source(self.build), start, min(self.size, self.clips - start))

    def store(self, number: int) -> Activations | None:
        facts = facts_of(self.origin, self.excerpt(number), self.pooling)
        return finished(self.folder, facts)

    def there(self, number: int) -> bool:
        return self.store(number) is not None

    def make(self, number: int) -> None:
        """Read a part, or go on reading it.

        Raises:
            BadInput: the model of that name is another one here.
        """
        torch.set_num_threads(self.threads)
        model = self.model.load()
        if model.origin != self.origin:
            raise BadInput(f"{self.model.name} is another model here: give every machine the same")
        read_source(model, self.excerpt(number), self.folder, self.pooling, self.batch)


@cache
def _source(build: Path) -> BuiltSource:
    return BuiltSource(build)


def read_parts(
    model: MusicModel,
    named: NamedModel,
    source: BuiltSource,
    folder: Path,
    machines: Machines,
    pooling: Pooling = "mean",
    batch: int = 16,
    progress: Callable[[int], None] = lambda clips: None,
) -> Activations:
    """`read_source`, on many machines; parts that an earlier run left are not read again.

    Args:
        model: what ``named`` loads.
        folder: of all stores, which every machine sees.
        progress: told how many more clips are there.
    """
    facts = facts_of(model.origin, source, pooling)
    place = folder.resolve() / f"{key_of(facts)}.parts"
    build = source.built.folder.resolve()
    size = max(1, PART_CLIPS // batch) * batch
    how = pooling, batch, size, machines.cpus
    parts = Parts(named, model.origin, build, source.clips, place, *how)

    def told(number: int) -> None:
        progress(parts.excerpt(number).clips)

    with writing(folder, facts):
        there = finished(folder, facts)
        if there is None:
            name = f"steering-activations-{key_of(facts)[:8]}"
            make_pieces(parts, machines, place / ".tasks", name, told)
            there = _joined(parts, Writer(folder, facts, source.clips))
        shutil.rmtree(place, ignore_errors=True)
    return there


def _joined(parts: Parts, writer: Writer) -> Activations:
    """One store of all parts, in the batches in which one process would have read them."""
    for number in range(writer.done // parts.size, parts.count):
        store = parts.store(number)
        assert store is not None, "a part that was just made is there"
        known = writer.done - number * parts.size
        for start in range(known, len(store.labels), parts.batch):
            batch = slice(start, start + parts.batch)
            writer.append(store.values[batch], store.labels[batch])
    return writer.finish()
