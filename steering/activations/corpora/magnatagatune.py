"""MagnaTagATune (confit/magnatagatune and the original): 29 s each, tags by players of a game."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from steering.activations.corpora.corpus import Corpus, Recording, column_of, file_of
from steering.activations.corpora.labelled import rows

TAGS, CLIPS = "annotations_final.csv", "clip_info_final.csv"
NO_TAGS = ("clip_id", "mp3_path")


def recordings(folder: Path) -> Iterator[Recording]:
    """Each tag is a label, ``yes`` or ``no``; clips that the folder lists without a file are refused."""
    artists = {
        column_of(row, "clip_id", CLIPS): column_of(row, "artist", CLIPS)
        for row in rows(folder / CLIPS)
    }
    for row in rows(folder / TAGS):
        name, number = column_of(row, "mp3_path", TAGS), column_of(row, "clip_id", TAGS)
        said = {tag: "yes" if row[tag] == "1" else "no" for tag in row if tag not in NO_TAGS}
        content = file_of(folder, ("", "mp3", "audio"), str(name))
        yield Recording(f"{number}", content, said, artists.get(number) or str(name))


corpus = Corpus(
    "MagnaTagATune",
    lambda folder: (folder / TAGS).is_file() and (folder / CLIPS).is_file(),
    recordings,
    "the artist",
)
