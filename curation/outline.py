"""A plan on disk: a task of a big build takes its shards out of it, and need not make the whole plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import accumulate, chain
from pathlib import Path

import numpy as np
import pretty_midi
import pyarrow
import soundfile

from curation import synth
from curation.errors import BadInput
from curation.files import whole
from curation.recipe import BuildRecipe, Shard
from curation.shards import build_shard, read_report
from curation.sound_fonts import find_sound_font

Line = tuple[str, int, int, int, int]
"""A shard's split, its place, the split's count, and where its clips begin and end."""


@dataclass(frozen=True)
class Outline:
    """A build's shards as `Pieces`.

    Attributes:
        folder: of the build. font_paths: by SHA-256, the same on every machine.
        indices: file of all clips' indices, int64 ``[N]``, shard by shard.
        versions: of the libraries that decide the bytes, where the build was begun.
    """

    recipe: BuildRecipe
    folder: Path
    font_paths: Mapping[str, str]
    indices: Path
    lines: tuple[Line, ...]
    versions: Mapping[str, str]

    @property
    def count(self) -> int:
        return len(self.lines)

    def shard(self, number: int) -> Shard:
        split, place, count, start, end = self.lines[number]
        clips = np.load(self.indices, mmap_mode="r")[start:end]
        return Shard(split, place, count, tuple(clips.tolist()))

    def there(self, number: int) -> bool:
        """Whether the shard's file is there, and of this build."""
        name = Shard(*self.lines[number][:3], ()).file_name
        return read_report(self.folder / name, self.recipe, number) is not None

    def make(self, number: int) -> None:
        """Render the shard.

        Raises:
            BadInput: the machine has another sound font, or another version of a library, and would
                make other bytes.
        """
        for name, here in versions().items():
            if (there := self.versions[name]) != here:
                raise BadInput(
                    f"{name} is {here} here and {there} where the build was begun: install the same"
                )
        for sha256, path in self.font_paths.items():
            if find_sound_font(path).sha256 != sha256:
                raise BadInput(
                    f"{path} is another sound font here: install the same on all machines"
                )
        build_shard(self.recipe, number, self.folder, self.font_paths, self.shard(number))


def outlined(
    recipe: BuildRecipe,
    shards: Sequence[Shard],
    folder: Path,
    font_paths: Mapping[str, str],
    indices: Path,
) -> Outline:
    """The outline of a plan, whose clips are written to ``indices``."""
    ends = list(accumulate(len(shard.indices) for shard in shards))
    clips = chain.from_iterable(shard.indices for shard in shards)
    with whole(indices) as part, part.open("wb") as file:
        np.save(file, np.fromiter(clips, np.int64, ends[-1]))
    lines = tuple(
        (shard.split, shard.place, shard.count, end - len(shard.indices), end)
        for shard, end in zip(shards, ends, strict=True)
    )
    paths = {sha256: str(Path(path).resolve()) for sha256, path in font_paths.items()}
    return Outline(recipe, folder.resolve(), paths, indices.resolve(), lines, versions())


def versions() -> dict[str, str]:
    """Of what decides a shard's bytes beside its recipe."""
    return {
        "FluidSynth": synth.version(),
        "libsndfile": soundfile.__libsndfile_version__,
        "pretty_midi": pretty_midi.__version__,
        "pyarrow": pyarrow.__version__,
        "datasets": version("datasets"),
    }
