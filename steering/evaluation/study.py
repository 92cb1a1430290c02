"""A kind of evaluation as its module declares it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from steering.evaluation.asks import SplitName

if TYPE_CHECKING:
    from steering.evaluation.dose import Dosed
    from steering.evaluation.evaluation import Evaluation
    from steering.evaluation.report import Part
    from steering.evaluation.strengths import Chosen
    from steering.models.interface import MusicModel

Parts = Callable[["Evaluation"], "list[Part]"]
Choice = Callable[["Evaluation"], "tuple[list[Part], Chosen]"]
Alone = Callable[[Callable[[], "MusicModel"], Namespace, Callable[[str], None]], str]
"""What loads the model, the command's options, what is told of progress; gives what is printed."""

CLIPS: dict[SplitName, int] = {"validation": 48, "test": 108}
"""Of a cell: every note four times, and nine times."""


@dataclass(frozen=True)
class Study:
    """A kind of evaluation.

    Attributes:
        name: what the command calls it.
        family: whose concepts are steered to.
        parts: plays and judges, and gives the report's parts.
        choice: does so on validation clips, and chooses strengths; None where nothing is chosen.
        strengths: name of the study whose choice the parts are played at; empty where they need none.
        seconds: of a clip. clips: of a cell, by split.
        probed: whether a held-out probe names the concepts, too.
        trials: names of the family's that say how far the judges can be trusted; None for all.
        dosed: what is played at rising strength beside random directions; None for nothing.
        alone: in place of all that, where no steered clips are played.
    """

    name: str
    family: str = ""
    parts: Parts = lambda evaluation: []
    choice: Choice | None = None
    strengths: str = ""
    seconds: float = 4.0
    clips: Mapping[SplitName, int] = field(default_factory=lambda: CLIPS)
    probed: bool = True
    trials: tuple[str, ...] | None = None
    dosed: Dosed | None = None
    alone: Alone | None = None

    @property
    def split(self) -> SplitName:
        """Whose prompts are played where none is asked for."""
        return "test" if self.choice is None else "validation"

    def report(self, evaluation: Evaluation) -> list[Part]:
        """All parts: the study's own, and its dose and response where it declares one."""
        from steering.evaluation.dose import DOSE, dose_part

        parts = list(self.parts(evaluation))
        dosed = None if DOSE in evaluation.without else self.dosed
        return [*parts, dose_part(evaluation, dosed)] if dosed else parts

    def chooser(self, split: SplitName) -> Choice | None:
        """What chooses strengths on the prompts of a split; None where they are read."""
        return self.choice if split == "validation" else None
