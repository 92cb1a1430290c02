"""WebDataset: a tar for each shard; a clip is its files of one name, ending in flac, mid and json."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from curation.checksums import write_sums
from curation.files import whole
from curation.folder import HEAVY, Built


def write(built: Built, out: Path, progress: Callable[[int], None]) -> int:
    """Write the tars and their digests; how many tars there are."""
    names = []
    for shard, report in zip(built.shards, built.reports, strict=True):
        if not report.rows:
            continue
        names.append(f"{Path(shard.file_name).stem}.tar")
        with (
            whole(out / names[-1]) as part,
            tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for row in built.rows_of(shard, heavy=True):
                for ending, content in _parts(row, shard.split):
                    _add(tar, f"{row['clip_id']}.{ending}", content)
                progress(1)
    write_sums(out, names)
    return len(names)


def _parts(row: dict[str, Any], split: str) -> Iterator[tuple[str, bytes]]:
    yield "flac", row["audio"]["bytes"]
    yield "mid", row["midi"]
    told = {name: value for name, value in row.items() if name not in HEAVY}
    yield "json", json.dumps(told | {"split": split}).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """A file of nobody's and of no time, so that the tar is the same each time."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
