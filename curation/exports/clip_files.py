"""A file a clip, and the index that mirdata checks them by; `loaders/mirdata` holds what reads them.

``audio/`` and ``midi/`` hold a FLAC and a MIDI file for each clip, ``clips.json`` what is told of it, and
``steering_music_index_<family>.json`` the MD5 of each file, as mirdata's indexes are written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from curation.files import write_whole
from curation.folder import HEAVY, Built
from curation.release import read_release

CLIPS_FILE = "clips.json"


def write(built: Built, out: Path, progress: Callable[[int], None]) -> int:
    """Write the files and the index; how many files there are."""
    for name in HEAVY:
        (out / name).mkdir(exist_ok=True)
    clips: dict[str, Any] = {}
    tracks: dict[str, Any] = {}
    for shard in built.shards:
        for row in built.rows_of(shard, heavy=True):
            sound, score, clip = row.pop("audio")["bytes"], row.pop("midi"), row.pop("clip_id")
            tracks[clip] = {
                "audio": _write(out, f"audio/{clip}.flac", sound),
                "midi": _write(out, f"midi/{clip}.mid", score),
            }
            labels = {name: row.pop(name) for name in built.family.labels}
            clips[clip] = row | {"split": shard.split, "labels": labels}
            progress(1)
    told = _write(out, CLIPS_FILE, (json.dumps(clips, indent=0) + "\n").encode())
    version = read_release(built.folder).version
    index = {"version": version, "tracks": tracks, "metadata": {"clips": told}}
    write_whole(out / index_file(built.family.name), json.dumps(index, indent=0) + "\n")
    return 2 * len(tracks) + 2


def index_file(family: str) -> str:
    """The name of a family's index, as mirdata has it."""
    return f"steering_music_index_{family}.json"


def _write(out: Path, name: str, content: bytes) -> list[str]:
    (out / name).write_bytes(content)
    return [name, hashlib.md5(content, usedforsecurity=False).hexdigest()]
