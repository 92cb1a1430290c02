"""What a recorded corpus is: recordings with labels, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.errors import BadInput
from listening.theory import PITCH_CLASSES

FLATS = {"Cb": "B", "Db": "C#", "Eb": "D#", "Fb": "E", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
SHARPS = {"E#": "F", "B#": "C"}


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes:
        name: tells it from the others. content: gives the bytes of its audio file.
        labels: None where one is not known. group: whose it is; no group stands in two splits.
    """

    name: str
    content: Callable[[], bytes]
    labels: Mapping[str, Any]
    group: str


@dataclass(frozen=True)
class Corpus:
    """A corpus as its module declares it.

    Attributes:
        known: whether a folder holds it.
        recordings: all of them, in a fixed order.
        grouping: in words, what a group is.
    """

    name: str
    known: Callable[[Path], bool]
    recordings: Callable[[Path], Iterator[Recording]]
    grouping: str


def file_of(folder: Path, places: Sequence[str], name: str) -> Callable[[], bytes]:
    """What reads a recording's file, in the first of some folders that has it.

    Raises:
        BadInput: none has it, or it lies outside.
    """
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise BadInput(f"{name:.200} lies outside {folder}: name files within it")
    for place in places:
        path = folder / place / name
        with suppress(OSError, ValueError):  # a name that no file can have
            if path.is_file():
                return path.read_bytes
    raise BadInput(
        f"{folder} has no {name:.200}: unpack the dataset's archives there, or mend the table of labels"
    )


def column_of(row: Mapping[str, Any], name: str, table: Path | str) -> Any:
    """A row's entry.

    Raises:
        BadInput: the table has no such column.
    """
    if name not in row:
        raise BadInput(f"{table} has no column {name!r}: it has {', '.join(map(str, row))}")
    return row[name]


def tonality(said: object) -> tuple[str | None, str | None]:
    """Tonic and mode of a key in words, sharps only; None for each where they are not said.

    >>> tonality("Ab minor"), tonality("F# Major"), tonality("C"), tonality("none")
    (('G#', 'minor'), ('F#', 'major'), ('C', None), (None, None))
    """
    found = re.fullmatch(r"\s*([A-Ga-g][#b]?)(?:[\s:_]*(maj|min)[a-z]*)?\s*", str(said or ""), re.I)
    if found is None:
        return None, None
    tonic = found[1][0].upper() + found[1][1:]
    tonic = (FLATS | SHARPS).get(tonic, tonic)
    mode = {"maj": "major", "min": "minor"}.get((found[2] or "").lower())
    return (tonic if tonic in PITCH_CLASSES else None), mode
