"""MusicBench (arXiv 2311.08355, amaai-lab/MusicBench): ten seconds each, key, tempo and beats estimated.

Labels are estimates of other programs, not of people: agreement with them is no accuracy. A recording
that was shifted in pitch or time has the same eleven letters of YouTube, and the same group. Whose it is
is not told, so that a group is one video.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from curation.errors import BadInput
from steering.activations.corpora.corpus import Corpus, Recording, column_of, file_of, tonality
from steering.activations.corpora.labelled import rows

TABLES = ("MusicBench_train.json", "MusicBench_test_A.json")
ID = 11
"""Letters of a video's name."""


def recordings(folder: Path) -> Iterator[Recording]:
    for table in (folder / name for name in TABLES if (folder / name).is_file()):
        for row in rows(table):
            name = str(column_of(row, "location", table))
            content = file_of(folder, ("", "datashare", "MusicBench"), name)
            try:
                said = labels(row, table)
            except BadInput:
                raise
            except (TypeError, ValueError, LookupError):
                raise BadInput(
                    f"{table} tells of {name} otherwise than MusicBench does: download it again"
                ) from None
            yield Recording(name, content, said, Path(name).stem[:ID])


def labels(row: Mapping[str, Any], table: Path) -> dict[str, Any]:
    """Tonic, mode, tempo and metre: the greatest count of a beat is the number of beats in a bar.

    Raises:
        BadInput: the table lacks a column.
        TypeError, ValueError, LookupError: an entry is of another kind.
    """
    key = column_of(row, "key", table) or []
    tonic, mode = tonality(" ".join(map(str, key)))
    beats = column_of(row, "beats", table) or [[], []]
    most = max(beats[1], default=0) if len(beats) > 1 else 0
    bpm = column_of(row, "bpm", table)
    metre = f"{most:.0f}/4" if most in (2, 3, 4) else None
    return {
        "key": tonic,
        "mode": mode,
        "bpm": None if bpm is None else float(bpm),
        "time_signature": metre,
    }


corpus = Corpus(
    "MusicBench",
    lambda folder: any((folder / name).is_file() for name in TABLES),
    recordings,
    "the video that a recording and its shifted copies are from; artists are not told",
)
