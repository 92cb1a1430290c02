"""Notes found in music by people steer the sketch's prompts, beside notes found in our own songs.

Both are told by what sounds longest in each second of a score: directions of the one corpus push the
prompts of the other. Each is pushed as validation chose for it; the judge knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from torch.nn.functional import cosine_similarity

from steering.directions.bank import Bank
from steering.directions.bank_name import BankName
from steering.evaluation import drawing, sections, strengths
from steering.evaluation.cells import Cell, Result, Steer
from steering.evaluation.evaluation import Evaluation
from steering.evaluation.report import Part
from steering.evaluation.sections import MULTIPLES, SHUFFLED, Section, unsteered
from steering.evaluation.statistics import compare
from steering.evaluation.strengths import Chosen
from steering.evaluation.study import Study
from steering.evaluation.tables import Row
from steering.families.family import Experiment
from steering.finders import finders

CORPORA = {"from music by people": "notes_in_scores", "from our songs": "notes_in_songs"}
"""Families of directions by what they are found in: those that are asked about first."""

PEOPLE, OURS = CORPORA
TRIED = Experiment("people", grid=())
"""Strengths that set themselves, which notes are best pushed at."""


def validation(evaluation: Evaluation) -> tuple[list[Part], Chosen]:
    """Try every probe at every strength, and choose for each corpus by itself."""
    probes = [method for method in evaluation.methods if method not in finders()]
    evaluation = known_to_both(evaluation, probes[0])
    searched = sections.search(tuple(CORPORA.values()), TRIED, probes)
    played = evaluation.play(searched)
    parts, chosen = [], {}
    for source, section in zip(CORPORA.values(), searched, strict=True):
        found = evaluation.table(section, played)
        parts.append(Part(section.title, section.about, found))
        pairs = zip(section.cells, found, strict=True)
        chosen[source] = strengths.choose(
            {cell.label: (cell.steers[0], row) for cell, row in pairs if cell.steers}
        )
    return parts, Chosen(chosen, chosen[CORPORA[PEOPLE]])


def test(evaluation: Evaluation) -> list[Part]:
    """Both at what validation chose, beside controls; and both at rising strength."""
    assert evaluation.chosen is not None
    steers = {name: evaluation.chosen.methods[source] for name, source in CORPORA.items()}
    evaluation = known_to_both(evaluation, BankName.parse(steers[PEOPLE].bank).method)
    beside, rising = _beside(steers), _rising(steers)
    played = evaluation.play([beside, rising])
    evaluation.folder.mkdir(parents=True, exist_ok=True)
    found = evaluation.table(beside, played)
    drawing.draw_accuracies(found, evaluation.folder / "controls.png")
    banks = evaluation.banks.of([Cell("", (steer,)) for steer in steers.values()])
    lines = [f"{len(evaluation.asks)} clips: those whose note both corpora have enough of"]
    lines.append(_difference(evaluation, evaluation.results(beside, played)))
    lines.append(likeness(*(banks[steer.bank] for steer in steers.values())))
    first = Part(beside.title, beside.about, found, lines, pictures=("controls.png",))
    found = evaluation.table(rising, played)
    ladders: dict[str, dict[float, Row]] = {name: {} for name in CORPORA}
    for cell, row in zip(rising.cells[1:], found[1:], strict=True):
        ladders[cell.label.rpartition(",")[0]][cell.steers[0].coefficient] = row
    drawing.draw_rising(ladders, found[0], evaluation.folder / "rising.png")
    return [first, Part(rising.title, rising.about, found, pictures=("rising.png",))]


def known_to_both(evaluation: Evaluation, method: str) -> Evaluation:
    """The same with those clips alone whose note both corpora have enough of."""
    names = [str(BankName(source, method)) for source in CORPORA.values()]
    banks = evaluation.banks.of([Cell("", (Steer(name, 0.0),)) for name in names])
    there = set.intersection(*(set(one) for one in banks.values()))
    asks = tuple(ask for ask in evaluation.asks if ask.targets[0] in there)
    return replace(evaluation, setting=replace(evaluation.setting, asks=asks))


def _beside(steers: Mapping[str, Steer]) -> Section:
    people = steers[PEOPLE]
    cells = (
        unsteered(),
        Cell("prompt alone", wording="named"),
        *(Cell(name, (steer,)) for name, steer in steers.items()),
        Cell("random direction", (replace(people, control="random"),)),
        Cell("orthogonal direction", (replace(people, control="orthogonal"),)),
        Cell("shuffled labels", (replace(people, bank=people.bank + SHUFFLED),)),
    )
    chose = [
        f"{name}: {BankName.parse(one.bank).method}, at most {one.coefficient:g}"
        for name, one in steers.items()
    ]
    about = f"As validation chose, {'; '.join(chose)}. Controls are of the directions {PEOPLE}."
    return Section("Beside our own", about, cells)


def _rising(steers: Mapping[str, Steer]) -> Section:
    cells = [unsteered()]
    for name, steer in steers.items():
        for multiple in MULTIPLES:
            other = replace(steer, coefficient=steer.coefficient * multiple)
            cells.append(Cell(f"{name}, {other.coefficient:g}", (other,)))
    about = "Each at half to one and a half times the strength that validation chose for it."
    return Section("At rising strength", about, tuple(cells))


def _difference(evaluation: Evaluation, results: Mapping[str, Result]) -> str:
    """Clip by clip, what directions of people's music hit less those of our own."""
    scores = evaluation.scores({name: results[name] for name in CORPORA})
    prompts = np.array([ask.prompt for ask in evaluation.asks])
    found = compare(scores[PEOPLE].hit, scores[OURS].hit, prompts)
    return f"{PEOPLE} less {OURS}, clip by clip: {found.difference}, p {found.p:.2g}"


def likeness(one: Bank, other: Bank) -> str:
    """How near the two directions of a concept are, beside those of different concepts."""
    names = [name for name in one if name in other]
    cosines = np.array(
        [
            [
                float(cosine_similarity(one[a].vectors, other[b].vectors, dim=-1).mean())
                for b in names
            ]
            for a in names
        ]
    )
    same, apart = np.diag(cosines), cosines[~np.eye(len(cosines), dtype=bool)]
    return (
        f"cosine of a note's two directions, mean over layers: {same.mean():.2f} ({same.min():.2f} to "
        f"{same.max():.2f} by note); of two different notes' {apart.mean():.2f} ({apart.min():.2f} to "
        f"{apart.max():.2f})"
    )


study = Study(
    "people",
    "notes",
    test,
    validation,
    strengths="people",
    probed=False,
    trials=("pitch class, single notes", "pitch class, songs by their scores"),
)
