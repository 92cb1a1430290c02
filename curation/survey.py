"""Make the catalogue of music21's corpus anew: ``python -m curation.survey``, some minutes.

A piece is taken when it keeps one metre and one key signature, and when the key that is written is the
one that music21's analysis of its notes finds (Krumhansl-Schmuckler). It is cut into stretches of eight
seconds that begin at bar lines and share no note, at the tempo that the score gives or at one that is
drawn for each stretch.
"""

from __future__ import annotations

import csv
import logging
import string
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

from curation.corpus import (
    BEATS,
    CATALOGUE,
    COLLECTIONS,
    SECONDS,
    ScoreNote,
    corpus_folder,
    digest_of,
    parsed,
    score_notes,
)
from curation.spec import seed_for
from curation.workers import die_with_parent
from listening.theory import PITCH_CLASSES

log = logging.getLogger(__name__)

SLOWEST, FASTEST = 60, 140
"""Beats a minute that are drawn where the score gives none."""

MOST = 3
"""Stretches of one piece."""

SHARED = 16
"""Intervals in a row that make two melodies one tune."""

Row = tuple[str, str, str, str, str, str, tuple[int, ...], str]


def rows(folder: Path, workers: int = 2) -> list[list[str]]:
    """The catalogue's rows, in the order of the files' names."""
    paths = [
        path for one in COLLECTIONS for path in sorted((folder / one.folder).glob(one.pattern))
    ]
    with ProcessPoolExecutor(workers, initializer=die_with_parent) as pool:
        read = pool.map(survey, paths, [folder] * len(paths), chunksize=8)
        found = [row for row in read if row is not None]
    numbers = tunes([row[6] for row in found])
    return [[*row[:6], str(tune), row[7]] for row, tune in zip(found, numbers, strict=True)]


def survey(path: Path, folder: Path) -> Row | None:
    """What the catalogue says of a file, its melody's intervals in place of the tune; None if nothing."""
    warnings.simplefilter("ignore")  # of music21, on notation that no clip plays
    name = path.relative_to(folder).as_posix()
    score = parsed(path)
    said = _labels(score)
    if said is None:
        return None
    tonic, mode, metre = said
    notes = score_notes(score)
    bars = [float(bar.offset) for bar in _full_bars(score, metre)]
    taken = " ".join(_stretches(name, notes, bars, BEATS[metre], _written(score), (tonic, mode)))
    title = string.capwords(score.metadata.title or "") if score.metadata else ""
    melody = [note.pitch for note in notes if note.part == 0]
    steps = tuple(b - a for a, b in pairwise(melody))
    return (name, digest_of(path), title, tonic, mode, metre, steps, taken) if taken else None


def _labels(score: Any) -> tuple[str, str, str] | None:
    """Tonic, mode and metre, where the score keeps to one of each and its notes agree."""
    parts = list(score.parts)
    if not parts:
        return None
    metres = {one.ratioString for one in score.recurse().getElementsByClass("TimeSignature")}
    signatures = {one.sharps for one in score.recurse().getElementsByClass("KeySignature")}
    keys = {
        (one.tonic.pitchClass, one.mode) for one in parts[0].recurse().getElementsByClass("Key")
    }
    if len(metres) != 1 or len(signatures) != 1 or len(keys) != 1 or not metres <= set(BEATS):
        return None
    (tonic, mode), heard = next(iter(keys)), score.analyze("key")
    if (heard.tonic.pitchClass, heard.mode) != (tonic, mode):
        return None
    return PITCH_CLASSES[tonic], mode, metres.pop()


def _full_bars(score: Any, metre: str) -> Iterator[Any]:
    """Bars that are as long as the metre says: no upbeat, no half of a bar that a repeat divides."""
    beats, unit = map(int, metre.split("/"))
    for bar in score.parts[0].getElementsByClass("Measure"):
        if abs(float(bar.duration.quarterLength) - 4 * beats / unit) < 1e-6:
            yield bar


def _written(score: Any) -> float | None:
    """Quarter notes a minute that the score gives, if it gives one tempo."""
    marks = {one.getQuarterBPM() for one in score.recurse().getElementsByClass("MetronomeMark")}
    marks.discard(None)
    return float(marks.pop()) if len(marks) == 1 else None


def _stretches(
    name: str,
    notes: Sequence[ScoreNote],
    bars: Sequence[float],
    beat: float,
    written: float | None,
    key: tuple[str, str],
) -> Iterator[str]:
    """Up to `MOST` stretches, as ``start:bpm:marks``; marks are w for written and a for agreed."""
    last, free, count = max(note.end for note in notes), 0.0, 0
    for bar in bars:
        drawn = SLOWEST + seed_for("tempo", name, count) % (FASTEST - SLOWEST + 1)
        bpm = drawn if written is None else round(written / beat, 1)
        length = SECONDS * bpm / 60 * beat
        if bar < free or bar + length > last or count == MOST:
            continue
        agreed = _key_of(notes, bar, bar + length) == key
        marks = ("" if written is None else "w") + ("a" if agreed else "")
        yield f"{bar:g}:{bpm:g}:{marks}"
        free, count = bar + length, count + 1


def _key_of(notes: Iterable[ScoreNote], start: float, end: float) -> tuple[str, str]:
    """The key that music21's analysis finds in a stretch of notes."""
    from music21 import note, stream

    part: Any = stream.Stream()
    for one in notes:
        length = min(one.end, end) - max(one.start, start)
        if length > 0:
            part.insert(max(one.start, start) - start, note.Note(one.pitch, quarterLength=length))
    found = part.analyze("key")
    return PITCH_CLASSES[found.tonic.pitchClass], found.mode


def tunes(melodies: Sequence[Sequence[int]]) -> list[int]:
    """One number for melodies that share `SHARED` intervals in a row, from 0.

    >>> scale = [2, 2, 1, 2] * 5
    >>> tunes([scale, [7, *scale], [1] * 20])
    [0, 0, 2]
    """
    parents = list(range(len(melodies)))

    def root(place: int) -> int:
        while parents[place] != place:
            place = parents[place]
        return place

    seen: dict[tuple[int, ...], int] = {}
    for place, steps in enumerate(melodies):
        for start in range(len(steps) - SHARED + 1):
            run = tuple(steps[start : start + SHARED])
            one, other = sorted((root(place), root(seen.setdefault(run, place))))
            parents[other] = one
    return [root(place) for place in range(len(melodies))]


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    made = rows(corpus_folder())
    with CATALOGUE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows(made)
    sizes: dict[str, int] = defaultdict(int)
    for row in made:
        sizes[row[0].split("/")[0]] += 1
    log.info("%s: %s", CATALOGUE.name, ", ".join(f"{n:,} of {name}" for name, n in sizes.items()))


if __name__ == "__main__":
    main()
