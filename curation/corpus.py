"""Scores that the package music21 carries and that are free to publish: a catalogue, and their notes.

The catalogue, `corpus.tsv`, is made by `python -m curation.survey` from the files themselves. It says
all that a clip's labels need; the notes are read from the package when a clip is played.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from curation.errors import BadInput
from curation.extras import need

CATALOGUE = Path(__file__).with_name("corpus.tsv")
SECONDS = 8.0
BEATS = {"2/4": 1.0, "3/4": 1.0, "4/4": 1.0, "6/8": 1.5}
"""Quarter notes in a beat of each metre that is taken; in 6/8 the beat is a dotted quarter."""


@dataclass(frozen=True)
class Collection:
    """A folder of music21's corpus.

    Attributes:
        folder: its name there. pattern: of the files that are taken.
        word: what one piece is called. terms: what may be done with it, and who says so.
    """

    folder: str
    pattern: str
    word: str
    terms: str


COLLECTIONS = (
    Collection(
        "bach",
        "bwv*.mxl",
        "chorale by J. S. Bach",
        "Bach died in 1750: public domain; encoded by Margaret Greentree, used by permission",
    ),
    Collection(
        "ryansMammoth",
        "*.abc",
        "fiddle tune",
        "Ryan's Mammoth Collection, Boston 1883: public domain; encoded by Ray Davies and others, "
        "who state no terms",
    ),
)
"""Folders whose works are in the public domain and whose files keep no right to themselves. Essen's
folk songs (non-commercial), Palestrina's masses and the CCARH's files (rights reserved), Josquin's (GPL)
and those with a publisher's claim are left out."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of the corpus and what it says.

    Attributes:
        path: in music21's corpus. digest: of the file, 8 digits.
        title: empty where the file gives none. tonic: a pitch class; mode: major or minor.
        tune: pieces that share a stretch of melody have one number.
    """

    path: str
    digest: str
    title: str
    tonic: str
    mode: str
    metre: str
    tune: int

    @property
    def collection(self) -> Collection:
        return next(one for one in COLLECTIONS if one.folder == self.path.split("/")[0])


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a piece that begins at a bar line.

    Attributes:
        start: quarter notes from the piece's beginning. bpm: beats a minute.
        written: whether the tempo stands in the score; else it was drawn.
        agreed: whether the key is found in the stretch's own notes, too.
    """

    piece: Piece
    start: float
    bpm: float
    written: bool
    agreed: bool


@dataclass(frozen=True, slots=True)
class ScoreNote:
    """A note of a part, counted from 0; ``start`` and ``end`` in quarter notes."""

    part: int
    pitch: int
    start: float
    end: float


@cache
def excerpts() -> tuple[Excerpt, ...]:
    """The catalogue."""
    found = []
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file, delimiter="\t"):
            path, digest, title, tonic, mode, metre, tune, taken = row
            piece = Piece(path, digest, title, tonic, mode, metre, int(tune))
            for one in taken.split():
                start, bpm, marks = one.split(":")
                found.append(Excerpt(piece, float(start), float(bpm), "w" in marks, "a" in marks))
    return tuple(found)


def notes_of(piece: Piece) -> tuple[ScoreNote, ...]:
    """A piece's notes as they are written, repeats once, in sounding pitch.

    Raises:
        BadInput: the extra ``scores`` is not installed, or its file is another than the catalogue's.
    """
    path = corpus_folder() / piece.path
    if not path.is_file() or digest_of(path) != piece.digest:
        raise BadInput(
            f"music21's {piece.path} is not the file that the catalogue tells of: install the "
            "music21 of the lock, or make the catalogue anew with python -m curation.survey"
        )
    return _notes(path)


def corpus_folder() -> Path:
    """Where the installed music21 has its corpus."""
    need("scores")
    import music21

    return Path(music21.__file__).parent / "corpus"


def digest_of(path: Path) -> str:
    """Eight digits that tell a file from others."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def parsed(path: Path) -> Any:
    """A score as music21 reads it, in sounding pitch; nothing is kept on the disk."""
    from music21 import converter

    score = converter.parse(path, forceSource=True, storePickle=False)
    return score.toSoundingPitch()


def score_notes(score: Any) -> tuple[ScoreNote, ...]:
    """What sounds in a parsed score, ties joined, ornaments without a length left out."""
    found = []
    for place, part in enumerate(score.parts):
        for one in part.stripTies().flatten().notes:
            start, length = float(one.offset), float(one.quarterLength)
            if length > 0:
                found += [ScoreNote(place, p.midi, start, start + length) for p in one.pitches]
    return tuple(found)


@lru_cache(maxsize=64)
def _notes(path: Path) -> tuple[ScoreNote, ...]:
    return score_notes(parsed(path))
