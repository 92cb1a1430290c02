"""GTZAN's own archive, unpacked (marsyas/gtzan, ``data/genres.tar.gz``): 30 s each, a folder a genre.

It names no artists, and has several recordings of one: what is told of it by recording is too good, as
Sturm (arXiv 1306.1461) found. A table ``artists.csv`` with columns ``file`` and ``artist`` mends that.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from steering.activations.corpora.corpus import Corpus, Recording, column_of
from steering.activations.corpora.labelled import rows

FOLDERS = ("genres", "genres_original")
FAULTY = ("jazz.00054.wav",)
"""Of the archive, that do not decode."""


def recordings(folder: Path) -> Iterator[Recording]:
    table = folder / "artists.csv"
    told = rows(table) if table.is_file() else []
    artists = {column_of(row, "file", table): column_of(row, "artist", table) for row in told}
    for path in sorted(_home(folder).rglob("*.wav")):
        if path.name not in FAULTY:
            genre = path.parent.name
            artist = artists.get(path.name) or path.name
            yield Recording(path.name, path.read_bytes, {"genre": genre}, artist)


def _home(folder: Path) -> Path:
    return next((folder / one for one in FOLDERS if (folder / one).is_dir()), folder)


corpus = Corpus(
    "GTZAN",
    lambda folder: any((folder / one / "blues").is_dir() for one in FOLDERS),
    recordings,
    "the artist where artists.csv names one, else the recording: GTZAN names none",
)
