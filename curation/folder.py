"""Read a built folder: its recipe, its shards, its rows, without holding the sound in memory."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from curation.build import read_recipe
from curation.concepts import get_family
from curation.errors import BadInput, first_line, plain
from curation.recipe import BuildRecipe, Shard, plan
from curation.shards import ShardReport, read_report
from curation.spec import Family
from curation.splits import SPLITS

HEAVY = ("audio", "midi")
ALWAYS = ("clip_id", "split_group", "random_split")
"""Columns of every family."""
READ_ERRORS = (OSError, pa.ArrowException, soundfile.SoundFileError)


class Damaged(BadInput):
    """A shard that cannot be read, or a clip in it."""


@dataclass(frozen=True)
class Built:
    """A finished build on disk."""

    folder: Path
    recipe: BuildRecipe
    shards: tuple[Shard, ...]
    reports: tuple[ShardReport, ...]

    @property
    def family(self) -> Family:
        return get_family(self.recipe.family)

    @property
    def bytes(self) -> int:
        """Size of all shards on disk."""
        return sum((self.folder / shard.file_name).stat().st_size for shard in self.shards)

    def sha256(self) -> str:
        """Of all shards' bytes, in order: what a check was a check of."""
        digest = hashlib.sha256()
        for shard in self.shards:
            with (self.folder / shard.file_name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    @property
    def dropped(self) -> dict[str, list[str]]:
        """Ids of the clips that were dropped or turned down, by reason."""
        return {
            reason: [clip for report in self.reports for clip in getattr(report, reason)]
            for reason in ("silent", "incomplete", "clipped")
        }

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every row with its split, classes by name; all columns but the heavy ones by default.

        Raises:
            Damaged: a shard cannot be read, or lacks a column or a value.
        """
        for shard in self.shards:
            for row in self.rows_of(shard, columns):
                yield shard.split, row

    def rows_of(
        self, shard: Shard, columns: Sequence[str] | None = None, *, heavy: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Every row of a shard, as `rows` gives them; ``heavy`` is with sound and score.

        Raises:
            Damaged: it cannot be read, or lacks a column or a value.
        """
        path = self.folder / shard.file_name
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                names = file.schema_arrow.names
                wanted = list(columns or [n for n in names if heavy or n not in HEAVY])
                self._check_columns(path, names, columns or (HEAVY if heavy else ()))
                for batch in file.iter_batches(batch_size=64, columns=wanted):
                    for row in batch.to_pylist():
                        yield self._with_names(row)
        except READ_ERRORS as error:
            raise Damaged(_words(path, error)) from error

    def _check_columns(self, path: Path, there: Sequence[str], wanted: Sequence[str]) -> None:
        for name in (*wanted, *self.family.labels, *ALWAYS):
            if name not in there:
                raise Damaged(f"{path} has no column {name}: remove it and build again")

    def _with_names(self, row: dict[str, Any]) -> dict[str, Any]:
        named = {name: label.classes for name, label in self.family.labels.items()}
        for name, value in row.items():
            if value is None:
                raise Damaged(f"{self.folder} has a clip without {name}: build it again")
        for name, classes in (named | {"random_split": SPLITS}).items():
            if name in row and classes:
                if row[name] not in range(len(classes)):
                    raise Damaged(f"{self.folder} has {row[name]!r} for a {name}: build it again")
                row[name] = classes[row[name]]
        return row


def open_built(folder: Path) -> Built:
    """Open a finished build.

    Raises:
        BadInput: there is no build, or shards are missing or damaged; it names them.
    """
    recipe = read_recipe(folder)
    shards = plan(recipe)
    reports = [read_report(folder / s.file_name, recipe, n) for n, s in enumerate(shards)]
    lost = [s.file_name for s, report in zip(shards, reports, strict=True) if report is None]
    if lost:
        raise BadInput(
            f"{folder}: {len(lost)} of {len(shards)} shards are missing or damaged "
            f"({', '.join(lost[:3])}{', ...' if len(lost) > 3 else ''}): "
            f"build {recipe.family} into this folder again, with the same options"
        )
    return Built(folder, recipe, shards, tuple(r for r in reports if r is not None))


def decode(audio: dict[str, Any]) -> tuple[np.ndarray, int]:
    """A row's ``audio`` as int16 ``[N]`` and its sample rate in Hz.

    Raises:
        Damaged: it does not decode.
    """
    try:
        samples, rate = soundfile.read(io.BytesIO(audio["bytes"]), dtype="int16")
    except READ_ERRORS as error:
        raise Damaged(_words(audio["path"], error)) from error
    return samples, rate


def _words(what: object, error: Exception) -> str:
    return f"{plain(str(what)):.200} is damaged ({first_line(error):.100}): remove its shard and build again"
