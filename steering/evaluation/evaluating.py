"""An evaluation from end to end: play the cells of its sections, score them, write the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from steering.directions.bank_name import BankName
from steering.evaluation import drawing, experiments, strengths
from steering.evaluation.asks import Ask
from steering.evaluation.banks import BankShelf, HeldOutProbe
from steering.evaluation.cells import Result, Setting
from steering.evaluation.experiments import METHODS, SHUFFLED, Experiment, Section
from steering.evaluation.judges import Judges
from steering.evaluation.report import Part
from steering.evaluation.running import Progress, Runner
from steering.evaluation.scoring import Scores, score, share_of
from steering.evaluation.strengths import Chosen
from steering.evaluation.tables import Row, rows
from steering.training.workshop import suits


@dataclass
class Evaluation:
    """What all sections of one evaluation share.

    Attributes:
        told: called with every finished cell.
        tried: methods that are compared, as far as they suit the family.
    """

    name: str
    experiment: Experiment
    setting: Setting
    runner: Runner
    banks: BankShelf
    judges: Judges
    held_out: HeldOutProbe | None
    folder: Path
    told: Callable[[Progress], None] = lambda progress: None
    tried: Sequence[str] = METHODS

    @property
    def asks(self) -> Sequence[Ask]:
        return self.setting.asks

    @property
    def methods(self) -> list[str]:
        return [method for method in self.tried if suits(self.experiment.family, method)]

    def play(self, sections: Sequence[Section]) -> dict[str, Result]:
        """All results by section title and label; a cell that two sections have is played once."""
        cells = {
            self._name(section, cell.label): replace(cell, label=self._name(section, cell.label))
            for section in sections
            for cell in section.cells
        }
        banks = self.banks.of(list(cells.values()))
        return self.runner.run(self.setting, list(cells.values()), banks, self.told)

    @staticmethod
    def _name(section: Section, label: str) -> str:
        return f"{section.title}: {label}"

    def results(self, section: Section, played: Mapping[str, Result]) -> dict[str, Result]:
        """A section's results by label."""
        return {cell.label: played[self._name(section, cell.label)] for cell in section.cells}

    def scores(self, results: Mapping[str, Result], target: int = 0) -> dict[str, Scores]:
        """Every cell's numbers."""
        one = self.experiment
        return {
            label: score(
                result, self.asks, self.judges, one.shares, one.prominent, self.held_out, target
            )
            for label, result in results.items()
        }

    def table(self, section: Section, played: Mapping[str, Result]) -> list[Row]:
        """A section's rows."""
        return rows(section, self.scores(self.results(section, played)), self.asks)


def validation(evaluation: Evaluation) -> tuple[list[Part], Chosen]:
    """Try every method, family of banks and strength, then other ways to spend the best; choose."""
    one = evaluation.experiment
    sections = experiments.search(one, evaluation.methods)
    played = evaluation.play(sections)
    parts, candidates = [], {}
    for section in sections:
        found = evaluation.table(section, played)
        parts.append(Part(section.title, section.about, found))
        for cell, row in zip(section.cells, found, strict=True):
            if cell.steers:
                candidates[f"{section.title}: {cell.label}"] = (cell.steers[0], row)
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
        section = experiments.levers(best, evaluation.setting.origin.layers)
        found = evaluation.table(section, evaluation.play([section]))
        parts.append(Part(section.title, section.about, found))
        candidates |= {
            cell.label: (cell.steers[0], row)
            for cell, row in zip(section.cells, found, strict=True)
            if cell.steers
        }
    return parts, Chosen(methods, strengths.choose(candidates))


def test(evaluation: Evaluation, chosen: Chosen) -> list[Part]:
    """Controls, methods, ablations and fusion at what validation chose."""
    best, layers = chosen.best, evaluation.setting.origin.layers
    sections = [
        experiments.controls(best, best.bank + SHUFFLED),
        experiments.methods_side_by_side(chosen.methods),
    ]
    if evaluation.experiment.ablated:
        sections += [
            experiments.rising_controls(best, best.bank + SHUFFLED),
            experiments.steady_or_pulsed(best),
            experiments.layer_ablation(best, layers),
            experiments.gate_ablation(best),
        ]
    fused = experiments.fusion(best)
    played = evaluation.play([*sections, fused])
    parts = []
    for section in sections:
        part = Part(section.title, section.about, evaluation.table(section, played))
        if section.title in PICTURES:
            part = _with_picture(evaluation, part, section)
        parts.append(part)
    return [*parts, fusion_part(evaluation, fused, played)]


PICTURES = {
    "Controls": "controls.png",
    "Controls at rising strength": "rising.png",
    "Methods": "trade-off.png",
    "Steady or in pulses": "pulses.png",
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
                curves.setdefault(experiments.curve_of(cell.steers[0]), []).append(row)
        drawing.draw_trade_off(curves, path)
    return replace(part, pictures=(path.name,))


def fusion_part(evaluation: Evaluation, section: Section, played: Mapping[str, Result]) -> Part:
    """The table counts the first target; the lines say what became of both."""
    results = evaluation.results(section, played)
    one, judges = evaluation.experiment, evaluation.judges
    targets = [[ask.targets[place] for ask in evaluation.asks] for place in (0, 1)]
    lines, numbers = [], {}
    for label, result in results.items():
        shares = one.shares(result, judges)
        first, second = (float(share_of(shares, names).mean()) for names in targets)
        both = float(np.mean(_both_lead(one.prominent(result, judges), *targets)))
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
