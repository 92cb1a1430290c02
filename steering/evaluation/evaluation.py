"""What is played and heard in one evaluation: its cells, their scores, its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from curation.errors import BadInput
from listening.spans import length
from steering.evaluation.asks import Ask
from steering.evaluation.banks import BankShelf, HeldOutProbe
from steering.evaluation.cells import Result, Setting, Steer, Together
from steering.evaluation.fitted_judges import Judges
from steering.evaluation.life import limits_of
from steering.evaluation.runner import Place, Progress, Runner
from steering.evaluation.scoring import PushedScores, Scores, score
from steering.evaluation.sections import Section
from steering.evaluation.spans import Spans, pushed_spans, whole
from steering.evaluation.strengths import Chosen
from steering.evaluation.tables import Row, rows
from steering.families.family import SteeredFamily, sources_of
from steering.finders.ways import suits, ways


@dataclass
class Evaluation:
    """What all sections of one evaluation share.

    Attributes:
        family: whose concepts are steered to.
        folder: of the report and its pictures.
        told: called with every finished cell.
        tried: methods that are compared, as far as they suit the family.
        chosen: what validation chose; None where nothing is played at it.
        within: families of banks that are tried; all that stand for the concepts where it is empty.
        without: titles of sections that are left out.
    """

    family: SteeredFamily
    setting: Setting
    runner: Runner
    banks: BankShelf
    judges: Judges
    held_out: HeldOutProbe | None
    folder: Path
    told: Callable[[Progress], None] = lambda progress: None
    tried: Sequence[str] = field(default_factory=ways)
    chosen: Chosen | None = None
    within: Sequence[str] = ()
    without: Sequence[str] = ()

    @property
    def asks(self) -> Sequence[Ask]:
        return self.setting.asks

    @property
    def methods(self) -> list[str]:
        """That find directions of the family, or of another that stands for the same concepts."""
        return [
            method for method in self.tried if any(suits(source, method) for source in self.sources)
        ]

    @property
    def sources(self) -> tuple[str, ...]:
        """Families whose banks stand for the family's concepts: those that are tried of them.

        Raises:
            BadInput: none of them does.
        """
        known = sources_of(self.family)
        if unknown := set(self.within) - set(known):
            raise BadInput(
                f"no bank of {min(unknown)} stands for {self.family.name}: choose among "
                f"{', '.join(known)}"
            )
        return tuple(source for source in known if source in (self.within or known))

    @property
    def best(self) -> Steer:
        """The steering that validation chose."""
        assert self.chosen is not None, "a study that says whose strengths it reads has them"
        return self.chosen.best

    @property
    def together(self) -> Together:
        """How validation gives the best two concepts at once."""
        assert self.chosen is not None, "a study that says whose strengths it reads has them"
        return self.chosen.together

    def play(self, sections: Sequence[Section]) -> dict[str, Result]:
        """All results by section title and label; a cell that two sections have is played once.

        Raises:
            BadInput: a cell is pushed for so short that it could not be judged there.
        """
        cells = {
            self._name(section, cell.label): replace(cell, label=self._name(section, cell.label))
            for section in sections
            for cell in section.cells
        }
        for cell in cells.values():
            pushed_spans(cell, self.setting.seconds)
        banks = self.banks.of(list(cells.values()))
        return self.runner.run(self.setting, list(cells.values()), banks, self.told)

    @staticmethod
    def _name(section: Section, label: str) -> str:
        return f"{section.title}: {label}"

    def named(self, section: Section, results: Mapping[str, Result]) -> dict[str, Result]:
        """A section's results, by their labels, as `play` names them."""
        return {self._name(section, label): result for label, result in results.items()}

    def results(self, section: Section, played: Mapping[str, Result]) -> dict[str, Result]:
        """A section's results by label."""
        return {cell.label: played[self._name(section, cell.label)] for cell in section.cells}

    def shares(self, result: Result) -> Mapping[str, np.ndarray]:
        """How much of each concept is in each clip of a cell, ``{concept: [B]}``."""
        return self.family.shares(result, self.judges.listeners)

    def prominent(self, result: Result) -> Mapping[str, np.ndarray]:
        """What each clip of a cell has most of, ``{concept: [B]}``."""
        return (self.family.prominent or self.family.shares)(result, self.judges.listeners)

    def scores(self, results: Mapping[str, Result], target: int = 0) -> dict[str, Scores]:
        """Every cell's numbers."""
        return {
            label: self._score(result, self.held_out, target) for label, result in results.items()
        }

    def table(self, section: Section, played: Mapping[str, Result]) -> list[Row]:
        """A section's rows."""
        results = self.results(section, played)
        pushed = self._pushed(section, results)
        limits = limits_of(self.family.name)
        return rows(section, self.scores(results), self.asks, pushed, limits)

    def heard_in(self, wanted: Mapping[Place, tuple[Result, Spans]]) -> dict[Place, Result]:
        """Cells as they are heard in some spans alone; a whole clip is known already."""
        clip = whole(self.setting.seconds)
        parts = {place: one for place, one in wanted.items() if one[1] != clip}
        known = {place: result for place, (result, _) in wanted.items()}
        return known | self.runner.hear(self.setting, parts)

    def _pushed(self, section: Section, results: Mapping[str, Result]) -> dict[str, PushedScores]:
        """The pushed seconds of the cells that have any, and the same ones of their twins."""
        spans = {cell.label: pushed_spans(cell, self.setting.seconds) for cell in section.cells}
        sides = {label: (label, section.twin_of(label)) for label, one in spans.items() if one}
        wanted = {
            (side, spans[label]): (results[side], spans[label])
            for label, pair in sides.items()
            for side in pair
        }
        there = {
            place: self._score(result, None, 0) for place, result in self.heard_in(wanted).items()
        }
        return {
            label: PushedScores(length(spans[label]), *(there[side, spans[label]] for side in pair))
            for label, pair in sides.items()
        }

    def _score(self, result: Result, held_out: HeldOutProbe | None, target: int) -> Scores:
        return score(
            result,
            self.asks,
            self.judges,
            self.shares(result),
            self.prominent(result),
            held_out,
            target,
        )
