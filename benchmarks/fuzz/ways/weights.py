"""The files of a sketch, given to what opens it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.fuzz import Target, Wrong
from benchmarks.fuzz.files import file_target
from benchmarks.fuzz.place import Place
from sketch.loading import FILES, SHARDS, load_codec, load_sketch, shard_name


def targets(place: Place) -> Iterator[Target]:
    """Each file of a sketch."""
    home = place.copy("sketch", place.sketch)
    whole = load_sketch(home).model.state_dict()

    def load(folder: Path) -> None:
        load_codec(folder)
        found = load_sketch(folder).model.state_dict()
        if found.keys() != whole.keys():
            raise Wrong("a model of other parts than its weights are for")
        if not all(one.shape == whole[name].shape for name, one in found.items()):
            raise Wrong("weights of another shape")  # another number among them nobody tells

    for name in FILES:
        if name.endswith(".json"):
            yield file_target("sketch", home, name, load, 0.1)
    for number in range(1, SHARDS + 1):
        yield file_target("sketch", home, shard_name(number, SHARDS), load, 0.05)
