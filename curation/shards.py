"""One shard: specs in, one Parquet file out. A pure function of the recipe and the shard's number."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pretty_midi
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from curation import nuisance
from curation.concepts import get_family
from curation.entries import read_fields
from curation.files import whole
from curation.midi_file import midi_bytes
from curation.recipe import BuildRecipe, Shard, plan
from curation.sound_fonts import SoundFont
from curation.spec import ClipSpec
from curation.splits import SPLITS, random_split
from curation.synth import Renderer
from listening.levels import Levels, settle

ROW_GROUP = 64
"""Clips that are held in memory and written at a time."""

METADATA_KEY = b"curation"
_PLAIN_COLUMNS = ("audio.bytes", "audio.path", "midi")


@dataclass(frozen=True)
class ShardReport:
    """What became of a shard's clips.

    Attributes:
        silent: clips without a sound, dropped.
        incomplete: clips with notes that the sound font cannot play, dropped: their labels lie.
        clipped: clips that were turned down so as not to clip, kept.
    """

    number: int
    fingerprint: str
    rows: int
    silent: tuple[str, ...]
    incomplete: tuple[str, ...]
    clipped: tuple[str, ...]


def build_shard(
    recipe: BuildRecipe,
    number: int,
    folder: Path,
    font_paths: Mapping[str, str],
    shard: Shard | None = None,
) -> ShardReport:
    """Render a shard's clips and put its file into ``folder``, whole or not at all.

    Args:
        font_paths: path of each of the recipe's sound fonts by SHA-256, on this machine.
        shard: the one of this number in the recipe's plan, where that is at hand.
    """
    shard = shard or plan(recipe)[number]
    target = folder / shard.file_name
    with whole(target) as part:
        return _write(recipe, number, shard, part, font_paths)


def read_report(path: Path, recipe: BuildRecipe, number: int) -> ShardReport | None:
    """The report in a finished shard; None where the file is missing, damaged or of another build.

    The footer and the length of the file are read, not every page: `check` reads those.
    """
    if not path.is_file():
        return None
    try:
        with pq.ParquetFile(path) as file:
            metadata = file.metadata.metadata or {}
            told = json.loads(metadata[METADATA_KEY])
            rows = file.metadata.num_rows
        report = read_fields(ShardReport, {**told, "rows": rows})
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError):
        return None
    return report if (report.number, report.fingerprint) == (number, recipe.fingerprint) else None


@cache
def schema(family_name: str, sample_rate: int) -> pa.Schema:
    """The Arrow schema of a family's shards, with the features that `datasets` reads back."""
    import datasets

    columns: dict[str, Any] = {"audio": datasets.Audio(sampling_rate=sample_rate)}
    columns["midi"] = datasets.Value("binary")
    columns["caption"] = datasets.Value("string")
    for name, label in get_family(family_name).labels.items():
        columns[name] = (
            datasets.ClassLabel(names=list(label.classes))
            if label.classes
            else datasets.Value(label.dtype)
        )
    columns |= {
        "clip_id": datasets.Value("string"),
        "source_id": datasets.Value("string"),
        "split_group": datasets.Value("string"),
        "random_split": datasets.ClassLabel(names=list(SPLITS)),
        "seed": datasets.Value("int64"),
        "sound_font": datasets.Value("string"),
        "peak_dbfs": datasets.Value("float32"),
        "rms_dbfs": datasets.Value("float32"),
        "gain_db": datasets.Value("float32"),
    }
    return datasets.Features(columns).arrow_schema


def flac_bytes(audio: np.ndarray, sample_rate: int) -> bytes:
    """int16 ``[N]`` as a FLAC file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, audio, sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


@cache
def _renderer(name: str, sha256: str, path: str, sample_rate: int) -> Renderer:
    return Renderer(SoundFont(name, sha256, path), sample_rate)


@dataclass(frozen=True)
class Take:
    """One clip as it was played: ``audio`` is int16 ``[N]``."""

    score: pretty_midi.PrettyMIDI
    audio: np.ndarray
    levels: Levels
    sound_font: str
    unsounded: int


def perform(spec: ClipSpec, recipe: BuildRecipe, font_paths: Mapping[str, str]) -> Take:
    """Play one clip of a recipe."""
    score = nuisance.vary(spec, recipe.vary) if recipe.vary else spec.score()
    fonts = recipe.sound_fonts
    name, sha256 = fonts[nuisance.sound_font_choice(spec, len(fonts)) if len(fonts) > 1 else 0]
    renderer = _renderer(name, sha256, font_paths[sha256], recipe.sample_rate)
    performance = renderer.render(score, spec.seconds)
    audio, levels = settle(performance.audio)
    return Take(score, audio, levels, name, performance.unsounded)


def make_row(spec: ClipSpec, take: Take, recipe: BuildRecipe) -> dict[str, Any]:
    """A clip as a row of the dataset; `ValueError` for a label value that is no class."""
    row: dict[str, Any] = {
        "audio": {
            "bytes": flac_bytes(take.audio, recipe.sample_rate),
            "path": f"{spec.clip_id}.flac",
        },
        "midi": midi_bytes(take.score),
        "caption": spec.caption,
        "clip_id": spec.clip_id,
        "source_id": spec.source_id,
        "split_group": spec.group,
        "random_split": SPLITS.index(random_split(spec.clip_id, recipe.seed)),
        "seed": spec.seed,
        "sound_font": take.sound_font,
        **asdict(take.levels),
    }
    for name, label in get_family(recipe.family).labels.items():
        value = spec.labels[name]
        label.check(name, value)
        row[name] = label.classes.index(value) if label.classes else value
    return row


def _write(
    recipe: BuildRecipe, number: int, shard: Shard, part: Path, font_paths: Mapping[str, str]
) -> ShardReport:
    family = get_family(recipe.family)
    columns = schema(recipe.family, recipe.sample_rate)
    dropped: dict[str, list[str]] = {"silent": [], "incomplete": []}
    clipped: list[str] = []
    kept = 0
    with pq.ParquetWriter(part, columns, **_writer_options(columns)) as writer:
        for start in range(0, len(shard.indices), ROW_GROUP):
            rows = []
            for index in shard.indices[start : start + ROW_GROUP]:
                spec = family.spec(recipe.seed, index)
                take = perform(spec, recipe, font_paths)
                if take.levels.silent:
                    dropped["silent"].append(spec.clip_id)
                elif take.unsounded:
                    dropped["incomplete"].append(spec.clip_id)
                else:
                    rows.append(make_row(spec, take, recipe))
                    if take.levels.clipped:
                        clipped.append(spec.clip_id)
            kept += len(rows)
            if rows:
                writer.write_table(pa.Table.from_pylist(rows, schema=columns))
        report = ShardReport(
            number=number,
            fingerprint=recipe.fingerprint,
            rows=kept,
            silent=tuple(dropped["silent"]),
            incomplete=tuple(dropped["incomplete"]),
            clipped=tuple(clipped),
        )
        writer.add_key_value_metadata({METADATA_KEY.decode(): json.dumps(asdict(report))})
    return report


def _writer_options(columns: pa.Schema) -> dict[str, Any]:
    leaves = ["audio.bytes", "audio.path", *(name for name in columns.names if name != "audio")]
    return {
        "compression": {name: "none" if name in _PLAIN_COLUMNS else "zstd" for name in leaves},
        "use_dictionary": [name for name in leaves if name not in _PLAIN_COLUMNS],
        "write_page_checksum": True,
        "write_page_index": True,
        "use_content_defined_chunking": True,
    }
