"""A build's files and the recipe that it is made from, given to the commands of curation; and audio."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from benchmarks.fuzz import Target, Wrong
from benchmarks.fuzz.files import command, file_target
from benchmarks.fuzz.place import Place
from benchmarks.fuzz.values import damaged, nearly
from curation.build import RECIPE_FILE
from curation.checks import CHECK_FILE
from curation.checksums import SUMS_FILE, changed
from curation.cli import main
from curation.confusion import RESULT_FILE
from curation.errors import BadInput
from curation.folder import open_built
from curation.hub import prepare
from curation.release import RELEASE_FILE, Release
from steering.activations.sources import SourceClip, decode, open_source, resampled

LISTEN = "2"
"""Clips that a check listens to: it is their reading that is tried."""

RATE = 8000
RESULT = {
    "accuracy": 0.5,
    "interval": [0.2, 0.8],
    "clips": 4,
    "classes": ["a"],
    "matrix": [[4]],
    "chance": 1,
}


def targets(place: Place) -> Iterator[Target]:
    """Shards, records, recipes and sound files."""
    built = place.copy("built", place.built)
    (built / RESULT_FILE).write_text(json.dumps(RESULT))
    (built / RELEASE_FILE).write_text(json.dumps(asdict(Release())))
    command(main, "check", str(built), "--listen", LISTEN)
    shard = open_built(built).shards[0].file_name
    content = (built / shard).read_bytes()
    shards = st.one_of(damaged(content), rewritten_shard(content))
    yield file_target("build", built, shard, _read, 0.15, shards)
    yield file_target("build", built, RECIPE_FILE, _read_recipe, 0.5)
    yield file_target("build", built, CHECK_FILE, _publish, 0.5)
    yield file_target("build", built, RESULT_FILE, _write_card, 0.3)
    yield file_target("build", built, RELEASE_FILE, _write_card, 0.3)
    yield file_target("build", built, SUMS_FILE, _compare, 0.3)
    yield _recipe(place)
    yield from _sounds()
    yield from _tables(place)


def _read(folder: Path) -> None:
    """Checked, then read as activations are."""
    try:
        command(main, "check", str(folder), "--listen", LISTEN)
    finally:
        for clip in open_source(str(folder)).read(0):
            _check_clip(clip)


def _read_recipe(folder: Path) -> None:
    built = open_built(folder)
    if not sum(1 for _ in built.rows(["clip_id"])):
        raise Wrong("a build without clips")


def _publish(folder: Path) -> None:
    prepare(open_built(folder), "you/notes")
    _write_card(folder)


def _write_card(folder: Path) -> None:
    """As check and card do, into a folder of cards that only has this one."""
    from curation.card_files import write_card

    write_card(open_built(folder))


def _compare(folder: Path) -> None:
    """As a check does."""
    changed(folder)


def _check_clip(clip: SourceClip) -> None:
    if clip.audio.ndim != 1 or not np.isfinite(clip.audio).all():
        raise Wrong("sound that is not finite")
    if not isinstance(clip.labels["clip_id"], str):
        raise Wrong("a clip without a name")


@st.composite
def rewritten_shard(draw: DrawFn, content: bytes) -> bytes:
    """A whole shard with its report, of which a column is gone, of another type or empty."""
    table = pq.read_table(io.BytesIO(content))
    metadata = pq.read_metadata(io.BytesIO(content)).metadata
    place = draw(st.integers(0, table.num_columns - 1))
    name, rows = table.column_names[place], table.num_rows
    kind = draw(st.sampled_from(("gone", "named", "empty", "numbers", "texts", "high", "rows")))
    if kind == "gone":
        table = table.drop_columns(name)
    elif kind == "named":
        table = table.rename_columns(
            [f"{one}s" if one == name else one for one in table.column_names]
        )
    elif kind == "rows":
        table = table.slice(0, draw(st.integers(0, 2)))
    else:
        values = {"empty": pa.nulls(rows, table.schema.types[place]), "numbers": pa.array([0.5] * rows),
                  "texts": pa.array(["a"] * rows), "high": pa.array([2**40] * rows)}[kind]  # fmt: skip
        table = table.set_column(place, name, values)
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), out)
    return out.getvalue()


def _recipe(place: Place) -> Target:
    """A recipe.toml, built into a folder that is taken, so that nothing is rendered."""
    home = place.folder / "recipe"
    (home / "taken").mkdir(parents=True)
    (home / "taken" / "file").write_text("")
    text = 'family = "notes"\npreset = "tiny"\nclips = 24\nseed = 0\nsample_rate = 32000\n'
    text += 'split = "grouped"\nvary = ["velocity"]\nsound_font = "FluidR3_GM.sf2"\n'
    (home / "recipe.toml").write_text(text)

    def build(folder: Path) -> None:
        try:
            command(main, "build", str(folder / "recipe.toml"), "--out", str(folder / "taken"))
        except BadInput as error:
            if "is not empty and holds no build" not in str(error):
                raise

    said = nearly([tomllib.loads(text)]).map(_toml)
    inputs = st.one_of(said, said, damaged(text.encode()))
    return file_target("recipe", home, "recipe.toml", build, 1, inputs)


def _toml(values: Any) -> bytes:
    """Near enough: TOML and JSON write most values alike."""
    if not isinstance(values, dict):
        return json.dumps(values).encode()
    lines = [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in values.items()]
    return "\n".join(lines).replace("NaN", "nan").replace("Infinity", "inf").encode()


def _tables(place: Place) -> Iterator[Target]:
    """Tables of recorded corpora: any folder's, and MusicBench's."""
    file = io.BytesIO()
    soundfile.write(file, np.sin(np.arange(9 * RATE) / 9) * 0.5, RATE, format="WAV")
    row = {"location": "a.wav", "key": ["Ab", "minor"], "beats": [[0.1], [1.0]], "bpm": 90.0}
    tables = {
        "labels.csv": "file,artist,key,bpm\na.wav,one,C major,90\na.wav,two,,\n",
        "labels.jsonl": json.dumps({"file": "a.wav", "key": "F# minor", "bpm": 120}) + "\n",
        "MusicBench_train.json": json.dumps(row) + "\n",
    }
    for name, text in tables.items():
        folder = place.folder / f"recorded {name}"
        folder.mkdir()
        (folder / "a.wav").write_bytes(file.getvalue())
        (folder / name).write_text(text)
        yield file_target("recordings", folder, name, _read_recorded, 0.3)


def _read_recorded(folder: Path) -> None:
    source = open_source(str(folder))
    for clip in source.read(0):
        _check_clip(clip)
        json.dumps(clip.labels)


def _sounds() -> Iterator[Target]:
    """What steering reads out of a file of each kind."""
    tone = np.sin(np.arange(RATE) / 9).astype(np.float32) * 0.5

    def hear(content: bytes) -> None:
        samples, rate = decode(content, "clip")
        clip = SourceClip(samples, rate, {"clip_id": "clip"})
        _check_clip(clip)
        resampled(clip, 32_000)

    for form, subtype in (("wav", "PCM_16"), ("wav", "FLOAT"), ("flac", "PCM_16"), ("ogg", "VORBIS"),
                          ("mp3", "MPEG_LAYER_III")):  # fmt: skip
        file = io.BytesIO()
        soundfile.write(file, tone, RATE, format=form, subtype=subtype)
        name = f"sound {form} {subtype}".lower()
        yield Target(name, damaged(file.getvalue()), hear)
