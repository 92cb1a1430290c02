"""One family by itself: strengths are chosen on validation prompts, figures are the test's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from curation.errors import BadInput
from steering.directions.bank_name import BankName
from steering.evaluation import best_of, drawing, sections, strengths
from steering.evaluation.cells import Result, Steer, Together
from steering.evaluation.dose import DOSE, Dosed
from steering.evaluation.evaluation import Evaluation
from steering.evaluation.life import limits_of
from steering.evaluation.report import Part
from steering.evaluation.scoring import share_of
from steering.evaluation.sections import SHUFFLED, Section
from steering.evaluation.strengths import Chosen
from steering.evaluation.study import Study
from steering.evaluation.tables import Row
from steering.families import families
from steering.families.family import Experiment
from steering.rivals import rivals


def validation(evaluation: Evaluation) -> tuple[list[Part], Chosen]:
    """Try every method, family of banks and strength, then other ways to spend the best; choose."""
    one = _experiment(evaluation)
    searched = sections.search(evaluation.sources, one, evaluation.methods)
    played = evaluation.play(searched)
    parts, candidates = [], {}
    for section in searched:
        found = evaluation.table(section, played)
        parts.append(Part(section.title, section.about, found))
        for cell, row in zip(section.cells, found, strict=True):
            if cell.steers:
                candidates[f"{section.title}: {cell.label}"] = (cell.steers[0], row)
    beside = sections.beside_pushes({name: one.amounts for name, one in rivals().items()})
    found = evaluation.table(beside, evaluation.play([beside]))
    parts.append(Part(beside.title, beside.about, found))
    amounts = {
        name: strengths.choose(
            {
                cell.label: (cell.amount, row)
                for cell, row in zip(beside.cells, found, strict=True)
                if cell.rival == name
            }
        )
        for name in rivals()
    }
    methods = {
        method: strengths.choose(
            {
                label: pair
                for label, pair in candidates.items()
                if BankName.parse(pair[0].bank).method == method
            }
        )
        for method in evaluation.methods
    }
    if one.ablated:
        best = strengths.choose(candidates)
        section = sections.levers(best, evaluation.setting.origin.layers)
        found = evaluation.table(section, evaluation.play([section]))
        parts.append(Part(section.title, section.about, found))
        candidates |= {
            cell.label: (cell.steers[0], row)
            for cell, row in zip(section.cells, found, strict=True)
            if cell.steers
        }
    best = strengths.choose(candidates)
    part, together = _searched_together(evaluation, best)
    return [*parts, part], Chosen(methods, best, amounts, together)


def _searched_together(evaluation: Evaluation, best: Steer) -> tuple[Part, Together]:
    """Two at once, of which the way is chosen in which both lead most often."""
    section = sections.search_together(best)
    part = fusion_part(evaluation, section, evaluation.play([section]))
    rows = {row.label: row for row in part.rows}
    ways = {sections.both(best, one).label: one for one in sections.togethers()}
    lead = {label: part.numbers["shares"][label]["both lead"] for label in ways}
    return part, strengths.choose({label: (ways[label], rows[label]) for label in ways}, lead)


def _experiment(evaluation: Evaluation) -> Experiment:
    assert evaluation.family.experiment is not None, "a family without one has no study"
    return evaluation.family.experiment


def test(evaluation: Evaluation) -> list[Part]:
    """Controls, methods, ablations and fusion at what validation chose."""
    assert evaluation.chosen is not None
    best, layers = evaluation.best, evaluation.setting.origin.layers
    tables = [
        sections.controls(best, best.bank + SHUFFLED),
        sections.methods_side_by_side(evaluation.chosen.methods),
        sections.beside_pushes(
            {
                name: [amount * multiple for multiple in sections.MULTIPLES]
                for name, amount in evaluation.chosen.rivals.items()
            }
        ),
    ]
    if _experiment(evaluation).ablated:
        tables += [
            sections.rising_controls(best, best.bank + SHUFFLED),
            sections.ways_in_time(best),
            sections.layer_ablation(best, layers),
            sections.gate_ablation(best),
        ]
    fused = sections.fusion(best, evaluation.together)
    words = best_of.section()
    check_titles(evaluation.without, [*(one.title for one in (*tables, fused, words)), DOSE])
    tables, last = _kept(tables, evaluation), _kept([fused], evaluation)
    spoken = bool(_kept([words], evaluation))
    played = evaluation.play([*tables, *last, *([sections.takes()] if spoken else [])])
    if spoken:
        played = {**played, **best_of.compose(evaluation, played)}
        tables.append(words)
    parts = []
    for section in tables:
        part = Part(section.title, section.about, evaluation.table(section, played))
        if section.title in PICTURES:
            part = _with_picture(evaluation, part, section)
        parts.append(part)
    found = [(section, part.rows) for section, part in zip(tables, parts, strict=True)]
    ends = [fusion_part(evaluation, section, played) for section in last]
    return [*parts, frontier_part(evaluation, found), *ends]


def check_titles(given: Sequence[str], known: Sequence[str]) -> None:
    """Check that sections which are to be left out are there.

    Raises:
        BadInput: one of them is not.
    """
    if unknown := set(given) - set(known):
        raise BadInput(
            f"there is no section '{min(unknown)}' to leave out: choose among {', '.join(known)}"
        )


def _kept(found: Sequence[Section], evaluation: Evaluation) -> list[Section]:
    return [section for section in found if section.title not in evaluation.without]


PICTURES = {
    "Controls": "controls.png",
    "Controls at rising strength": "rising.png",
    "Methods": "trade-off.png",
    "Steady, in pulses, by itself": "pulses.png",
}
"""Sections that are drawn, and into what: controls as bars and over the strength, the others' cells
lie on curves."""


def _with_picture(evaluation: Evaluation, part: Part, section: Section) -> Part:
    evaluation.folder.mkdir(parents=True, exist_ok=True)
    path = evaluation.folder / PICTURES[section.title]
    if section.title == "Controls":
        drawing.draw_accuracies(part.rows, path)
    elif section.title == "Controls at rising strength":
        ladders: dict[str, dict[float, Row]] = {}
        for cell, row in zip(section.cells, part.rows, strict=True):
            if cell.steers:
                kind = cell.label.rpartition(",")[0]
                ladders.setdefault(kind, {})[abs(cell.steers[0].coefficient)] = row
        drawing.draw_rising(ladders, part.rows[0], path)
    else:
        curves: dict[str, list[Row]] = {}
        for cell, row in zip(section.cells, part.rows, strict=True):
            if cell.steers:
                curves.setdefault(sections.curve_of(cell), []).append(row)
        drawing.draw_trade_off(curves, path)
    return replace(part, pictures=(path.name,))


EQUAL_HITS = (0.25, 0.5, 0.75, 0.85)
"""Hit rates at which the entropy that methods leave is compared."""


def frontier_part(evaluation: Evaluation, found: Sequence[tuple[Section, Sequence[Row]]]) -> Part:
    """What every method of some tables leaves of the variety where it pushes, for what it hits."""
    curves = sections.curves(found)
    evaluation.folder.mkdir(parents=True, exist_ok=True)
    least = limits_of(evaluation.family.name).entropy
    drawing.draw_frontier(curves, least, evaluation.folder / "frontier.png")
    left = {
        curve: {f"{hits:g}": entropy_at(rows, hits) for hits in EQUAL_HITS}
        for curve, rows in curves.items()
    }
    lines = [
        f"{curve}: {said}"
        for curve, at in left.items()
        if (said := ", ".join(f"{one:.2f} at {h}" for h, one in at.items() if not np.isnan(one)))
    ]
    about = (
        "Accuracy, and entropy in the pushed seconds, times the twin's in the same seconds: a curve for "
        "each method, a point for each strength, with 95 % intervals. Below, what entropy each leaves "
        "at equal accuracy, on straight lines between its points; what it does not reach is left out."
    )
    return Part("Frontier", about, (), lines, {"entropy at equal hits": left}, ("frontier.png",))


def entropy_at(rows: Sequence[Row], hits: float) -> float:
    """Entropy in the pushed seconds where a curve has this hit rate; nan where it never does."""
    points = sorted((r.accuracy.mean, r.pushed.life.entropy.mean) for r in rows if r.pushed)
    rates, left = zip(*points, strict=True)
    return float(np.interp(hits, rates, left, np.nan, np.nan))


def fusion_part(evaluation: Evaluation, section: Section, played: Mapping[str, Result]) -> Part:
    """The table counts the first target; the lines say what became of both."""
    results = evaluation.results(section, played)
    targets = [[ask.targets[place] for ask in evaluation.asks] for place in (0, 1)]
    lines, numbers = [], {}
    for label, result in results.items():
        shares = evaluation.shares(result)
        first, second = (float(share_of(shares, names).mean()) for names in targets)
        both = float(np.mean(_both_lead(evaluation.prominent(result), *targets)))
        lines.append(
            f"{label}: the first {first:.2f} of the clip, the second {second:.2f}; the two lead "
            f"all others in {both:.0%} of the clips"
        )
        numbers[label] = {"first": first, "second": second, "both lead": both}
    about = f"{section.about} Accuracy and adherence count the first target."
    return Part(section.title, about, evaluation.table(section, played), lines, {"shares": numbers})


def _both_lead(
    shares: Mapping[str, np.ndarray], first: Sequence[str], second: Sequence[str]
) -> np.ndarray:
    """Whether the two largest shares of each clip are its two targets, bool ``[B]``."""
    names = list(shares)
    table = np.stack([shares[name] for name in names])
    leaders = np.argsort(-table, axis=0)[:2].T
    return np.array(
        [
            {names[a], names[b]} == {x, y}
            for (a, b), x, y in zip(leaders, first, second, strict=True)
        ]
    )


def studies() -> list[Study]:
    """One for each family that has an experiment."""
    return [
        Study(
            one.experiment.name,
            one.name,
            test,
            validation,
            one.experiment.name,
            dosed=Dosed(lambda evaluation: evaluation.best),
        )
        for one in families().values()
        if one.experiment is not None
    ]
