"""Two concepts at once: two notes, and a note with a genre; with and without orthogonalising."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from steering.evaluation import sections
from steering.evaluation.cells import Cell, Steer
from steering.evaluation.evaluation import Evaluation
from steering.evaluation.report import Part
from steering.evaluation.scoring import hits
from steering.evaluation.sections import Section, unsteered
from steering.evaluation.studies.single import fusion_part
from steering.evaluation.study import Study
from steering.families import concepts_of, get_family

OTHER = "genres"
SECOND = Steer("genres/ridge", 0.06, target=2)
"""The genre that is steered to beside the note: a clip's third target."""


def pair_parts(evaluation: Evaluation) -> list[Part]:
    """Two notes of one bank, then a note and a genre of two banks."""
    section = sections.fusion(evaluation.best, evaluation.together)
    played = evaluation.play([section])
    return [fusion_part(evaluation, section, played), _note_and_genre(evaluation)]


def _note_and_genre(evaluation: Evaluation) -> Part:
    best = evaluation.best
    asks = tuple(
        replace(ask, targets=(*ask.targets[:2], genre))
        for ask, genre in zip(evaluation.asks, _genres(len(evaluation.asks)), strict=True)
    )
    evaluation = replace(evaluation, setting=replace(evaluation.setting, asks=asks))
    both = (best, SECOND)
    cells = (
        unsteered(),
        Cell("the note alone", (best,)),
        Cell("the genre alone", (SECOND,)),
        Cell("both", both),
        Cell("both, orthogonalised", both, orthogonalise=True),
    )
    section = Section("A note and a genre", "", cells)
    played = evaluation.play([section])
    results = evaluation.results(section, played)
    lines, numbers = [], {}
    for label, result in results.items():
        genres = get_family(OTHER).shares(result, evaluation.judges.listeners)
        notes = evaluation.prominent(result)
        note = hits(notes, [ask.targets[0] for ask in asks])
        genre = hits(genres, [ask.targets[2] for ask in asks])
        numbers[label] = {
            "note": float(note.mean()),
            "genre": float(genre.mean()),
            "both": float(np.mean(note * genre)),
        }
        lines.append(
            f"{label}: the note is hit in {note.mean():.0%}, the genre in {genre.mean():.0%}, "
            f"both in {np.mean(note * genre):.0%} of the clips"
        )
    about = "Two banks together, each at its own strength. Accuracy counts the note."
    return Part(section.title, about, evaluation.table(section, played), lines, {"hits": numbers})


def _genres(count: int) -> list[str]:
    names = concepts_of(OTHER)
    return [names[(5 * place) % len(names)] for place in range(count)]


study = Study(
    "pairs",
    "notes",
    pair_parts,
    strengths="notes",
    probed=False,
    trials=("pitch class, single notes",),
)
