"""Parquet as the Hub keeps audio: GTZAN (marsyas/gtzan as the Hub converts it, confit/gtzan-parquet) and
the Free Music Archive (benjamin-paine/free-music-archive-*).

A column ``audio`` holds each file's bytes, ``artist`` says whose it is, ``genre`` or the first of
``genres`` what it is. GTZAN names no artists, and has several recordings of one: what is told of it by
recording is too good, as Sturm (arXiv 1306.1461) found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation.errors import BadInput
from steering.activations.corpora.corpus import Corpus, Recording

TAKEN = ("bpm", "key", "mode", "time_signature", "license")


def shards(folder: Path) -> list[Path]:
    """The Parquet files of a snapshot, in the order of their names."""
    return sorted(folder.rglob("*.parquet"))


def known(folder: Path) -> bool:
    """Whether a folder has Parquet with a column ``audio`` and is no build of ours."""
    first = next(iter(shards(folder)), None)
    return first is not None and _has_sound(first)


def recordings(folder: Path) -> Iterator[Recording]:
    for path in shards(folder):
        there = _names(path)
        if not _has_sound(path) or not {"genre", "genres"} & set(there):
            raise BadInput(
                f"{path} has no column audio and genre or genres: it has {', '.join(there)}"
            )
        wanted = [n for n in ("artist", "genre", "genres", *TAKEN) if n in there]
        classes = _classes(path)
        with pq.ParquetFile(path) as file:
            said = file.read([*wanted, "audio.path"]).to_pylist()
        for place, row in enumerate(said):
            name = f"{path.stem}-{place:05d}"
            named = (row.pop("audio", None) or {}).get("path") or name
            artist = row.pop("artist", None) or named
            yield Recording(
                name, partial(_content, path, place), _labels(row, classes), str(artist)
            )


def _labels(row: Mapping[str, Any], classes: Mapping[str, list[str]]) -> dict[str, Any]:
    genre = row.get("genre", row.get("genres"))
    if isinstance(genre, list):
        genre = genre[0] if genre else None
    names = classes.get("genre", classes.get("genres"))
    if names is not None and isinstance(genre, int):
        genre = names[genre] if 0 <= genre < len(names) else None
    return {"genre": genre} | {name: row[name] for name in TAKEN if name in row}


def _names(path: Path) -> list[str]:
    try:
        return list(pq.read_schema(path).names)
    except (OSError, pa.ArrowException):
        raise BadInput(f"{path} does not read as Parquet: download it again") from None


def _has_sound(path: Path) -> bool:
    """Whether a column ``audio`` holds the bytes of files."""
    if "audio" not in _names(path):
        return False
    kind = pq.read_schema(path).field("audio").type
    return bool(pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0)


def _classes(path: Path) -> dict[str, list[str]]:
    """Names of the classes, as the Hub writes them into a file's own description."""
    told = (pq.read_schema(path).metadata or {}).get(b"huggingface", b"{}")
    try:
        features = json.loads(told).get("info", {}).get("features", {})
    except ValueError:
        return {}
    found = {}
    for name, one in features.items():
        inner = one[0] if isinstance(one, list) else one.get("feature", one)
        if isinstance(inner, dict) and "names" in inner:
            found[name] = list(inner["names"])
    return found


def _content(path: Path, place: int) -> bytes:
    """One recording's bytes."""
    start = 0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if place < start + size:
                return _group(path, group)[place - start]
            start += size
    raise BadInput(f"{path} has fewer rows than it says: download it again")


@lru_cache(maxsize=1)
def _group(path: Path, group: int) -> list[bytes]:
    """A row group's recordings, kept for who asks for the next one."""
    with pq.ParquetFile(path) as file:
        column = file.read_row_group(group, columns=["audio.bytes"]).column("audio")
    return [one["bytes"] or b"" for one in column.to_pylist()]


corpus = Corpus("Parquet", known, recordings, "the artist, or the recording where none is named")
