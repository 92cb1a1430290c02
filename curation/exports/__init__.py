"""The clips of a build as other libraries want them; the same bytes from the same build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from curation.errors import BadInput
from curation.files import check_writable, read_text, write_whole

if TYPE_CHECKING:
    from curation.folder import Built

EXPORTS = {
    "webdataset": "tars of FLAC, MIDI and JSON, one a shard, with SHA256SUMS",
    "mirdata": "a FLAC and a MIDI file a clip, clips.json, and the index of their digests",
}
OWN_FILE = "export.json"
"""The recipe of the build that a folder is an export of: no other's files are overwritten."""


def export(
    built: Built, kind: str, out: Path, progress: Callable[[int], None] = lambda clips: None
) -> int:
    """Write a build's clips; give it again where it was stopped.

    Args:
        kind: of `EXPORTS`.
        progress: called with the number of clips that were just written.

    Returns:
        how many files there are.

    Raises:
        Damaged: a shard cannot be read.
        BadInput: ``out`` holds something else, or takes no files.
    """
    _claim(built, kind, out)
    if kind == "webdataset":
        from curation.exports.tars import write
    else:
        from curation.exports.clip_files import write
    return write(built, out, progress)


def _claim(built: Built, kind: str, out: Path) -> None:
    mine = out / OWN_FILE
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is a file: choose a folder with --out")
    said = f'{{"as": "{kind}", "of": {built.recipe.to_json()}}}\n'
    if out.exists() and any(out.iterdir()) and not (mine.exists() and read_text(mine) == said):
        raise BadInput(f"{out} holds something else: choose an empty folder with --out")
    check_writable(out)
    write_whole(mine, said)
