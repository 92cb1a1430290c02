"""Dose and response: how steeply what was asked for rises with the strength, beside random directions.

A control at one strength can be lucky, and so can a random direction. So the concept's direction is
played at half and all of its strength, and twenty random ones of the same length, too, each the same
for all clips. They are what a slope is by chance: their clips are fewer, all of them are the first of
the evaluation's, and steering's own slope on those very clips is told beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from steering.evaluation import drawing
from steering.evaluation.cells import Cell, Result, Steer
from steering.evaluation.report import Part
from steering.evaluation.scoring import hits
from steering.evaluation.sections import Section, unsteered
from steering.evaluation.spans import pushed_spans, whole
from steering.evaluation.statistics import Estimate, estimate, slopes

if TYPE_CHECKING:
    from steering.evaluation.evaluation import Evaluation

DOSE = "Dose and response"
DIRECTIONS = 20
CLIPS = 24
"""Of each random direction at each strength."""

DOSES = (0.0, 0.5, 1.0)
"""Times the strength; at 0 stands the unsteered twin."""

PICTURE = "dose.png"


@dataclass(frozen=True)
class Response:
    """What is to rise with the dose.

    Attributes:
        name: with its unit. of: each clip's, ``[B]``, out of what was heard in its pushed seconds;
            nan where nothing is.
    """

    name: str
    of: Callable[[Evaluation, Result], np.ndarray]


def _hit(evaluation: Evaluation, heard: Result) -> np.ndarray:
    return hits(evaluation.prominent(heard), [ask.targets[0] for ask in evaluation.asks])


HITS = Response("hit rate", _hit)


@dataclass(frozen=True)
class Dosed:
    """What a study declares to have its dose and response in the report.

    Attributes:
        steer: all of the strength. responses: that are looked at.
    """

    steer: Callable[[Evaluation], Steer]
    responses: tuple[Response, ...] = (HITS,)


@dataclass(frozen=True)
class Rise:
    """A response over `DOSES`.

    Attributes:
        means: steered, at each dose. slope: from nothing to all of the strength, with its interval.
        same_clips: the slope on the clips that random directions were played on.
        random: slope of each random direction. random_means: by direction and dose.
        clips, few: steered, and of each random direction.
    """

    means: tuple[Estimate, ...]
    slope: Estimate
    same_clips: float
    random: tuple[float, ...]
    random_means: tuple[tuple[float, ...], ...]
    clips: int
    few: int

    @property
    def known(self) -> list[float]:
        """Slopes of the random directions that have one."""
        return [one for one in self.random if np.isfinite(one)]

    @property
    def steeper(self) -> int:
        """How many of the random directions rise as steeply as steering on the same clips."""
        return sum(one >= self.same_clips for one in self.known)

    @property
    def p(self) -> float:
        """Chance of a random direction that rises so steeply, no smaller than their number can tell."""
        if not np.isfinite(self.same_clips):
            return float("nan")
        return (1 + self.steeper) / (1 + len(self.known))

    def __str__(self) -> str:
        if not np.isfinite(self.same_clips) or not self.known:
            return "not heard in enough clips"
        low, high, count = min(self.known), max(self.known), len(self.known)
        return (
            f"from nothing to all of the strength {self.slope.mean:+.2f} ({self.slope.low:+.2f} to "
            f"{self.slope.high:+.2f}), {self.clips} clips; on the first {self.few} of them "
            f"{self.same_clips:+.2f}, where {count} random directions rise by {low:+.2f} to {high:+.2f}, "
            f"{np.mean(self.known):+.2f} in the mean; as steeply as steering: {self.steeper} of "
            f"{count} (p {self.p:.2g})"
        )


def rise(steered: np.ndarray, random: np.ndarray, prompts: np.ndarray) -> Rise:
    """Slopes of steering and of random directions.

    Args:
        steered: each clip's response ``[B, S]`` at `DOSES`. random: ``[D, N, S]``, of the first ``N``
            clips under each direction. prompts: ``[B]``, which clips are resampled together.
    """
    doses, few = np.array(DOSES), random.shape[1]
    own = slopes(doses, steered)
    return Rise(
        tuple(estimate(column, prompts) for column in steered.T),
        estimate(own, prompts),
        _mean(own[:few]),
        tuple(_mean(slopes(doses, one)) for one in random),
        tuple(tuple(_mean(column) for column in one.T) for one in random),
        len(steered),
        few,
    )


def _mean(values: np.ndarray) -> float:
    """Of what is not nan; nan of nothing."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def dose_part(evaluation: Evaluation, dosed: Dosed) -> Part:
    """Play both, and put their slopes side by side."""
    steer = dosed.steer(evaluation)
    asks = evaluation.setting.asks[:CLIPS]
    first = replace(evaluation, setting=replace(evaluation.setting, asks=asks))
    steered = _heard(evaluation, _ladder(steer), steer)
    random = _heard(first, _random(steer), steer)
    prompts = np.array([ask.prompt for ask in evaluation.asks])
    found = {}
    for response in dosed.responses:
        twin, *pushed = (response.of(evaluation, one) for one in steered.values())
        by_cell = {label: response.of(first, one) for label, one in random.items()}
        table = [
            [twin[: len(asks)], *(by_cell[_label(draw, dose)] for dose in DOSES[1:])]
            for draw in range(DIRECTIONS)
        ]
        found[response.name] = rise(
            np.stack([twin, *pushed], axis=1), np.array(table).swapaxes(1, 2), prompts
        )
    evaluation.folder.mkdir(parents=True, exist_ok=True)
    drawing.draw_dose(DOSES, found, evaluation.folder / PICTURE)
    about = (
        f"{steer.bank} at {', '.join(f'{dose:g}' for dose in DOSES)} times {steer.coefficient:g}, and "
        f"{DIRECTIONS} random directions of the same length at the same strengths, each the same one "
        "for all of its clips. What is counted is heard in the pushed seconds; slopes are least "
        "squares over the clips, their intervals are of prompts and seeds drawn anew."
    )
    lines = [f"{name}: {one}" for name, one in found.items()]
    numbers = {
        "doses": {
            name: asdict(one) | {"steeper": one.steeper, "p": one.p} for name, one in found.items()
        }
    }
    return Part(DOSE, about, (), lines, numbers, (PICTURE,))


def _ladder(steer: Steer) -> Section:
    """Steering at every dose, the twin first."""
    cells = [Cell(f"{d:g}", (_at(steer, d),)) for d in DOSES[1:]]
    return Section("Dose", "", (unsteered(), *cells))


def _random(steer: Steer) -> Section:
    """Each random direction at every dose; all of few clips, so that they are played side by side."""
    cells = [
        Cell(_label(draw, dose), (replace(_at(steer, dose), control="random", draw=draw),))
        for draw in range(DIRECTIONS)
        for dose in DOSES[1:]
    ]
    return Section("Dose of random directions", "", tuple(cells))


def _at(steer: Steer, dose: float) -> Steer:
    return replace(steer, coefficient=dose * steer.coefficient)


def _label(draw: int, dose: float) -> str:
    return f"random direction {draw}, {dose:g}"


def _heard(evaluation: Evaluation, section: Section, steer: Steer) -> Mapping[str, Result]:
    """What is heard of each cell in the seconds that are pushed."""
    results = evaluation.results(section, evaluation.play([section]))
    seconds = evaluation.setting.seconds
    spans = pushed_spans(Cell(section.title, (steer,)), seconds) or whole(seconds)
    return evaluation.heard_in({label: (one, spans) for label, one in results.items()})
