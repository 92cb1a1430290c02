"""A family of concepts as its module declares it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from steering.families.prompts import Prompts

if TYPE_CHECKING:
    from sketch.material import Piece
    from steering.activations.reader import Pooling
    from steering.families.labels import ScoreLabel
    from steering.probes.fitted import Task

SONGS = 1_600
"""Clips of songs that directions are trained on."""

CONSTANT: dict[str, Any] = {"shape": "constant"}
PULSES: dict[str, Any] = {"shape": "pulse", "period": 2.0, "width": 1.2}
"""1.2 s of every 2 s: the concept is there, and between its pulses the music moves on."""

LAST = 1_000


@dataclass(frozen=True)
class Training:
    """A family's data: a label of a dataset that curation builds.

    Directions of the same concepts can come from different music: single notes and metronomes are
    clean, songs are what is steered; the evaluation tries both on validation prompts.

    Attributes:
        dataset: family that curation builds. label: its column, or the name of ``score``.
        pooling: ``second`` serves labels of seconds and, averaged, those of whole clips.
        clips: as many as are built; ``None`` is a whole preset of curation.
        score: a label that no dataset has as a column, told by the clips' scores.
        partial: whether concepts that too few clips have are left out: people keep to few keys.
    """

    dataset: str
    label: str
    pooling: Pooling = "mean"
    clips: int | None = None
    task: Task = "classification"
    score: ScoreLabel | None = None
    partial: bool = False

    def folder(self, preset: str = "small") -> str:
        """Name of the build, as ``notes-small`` or ``songs-1600``."""
        return f"{self.dataset}-{self.clips or preset}"


@dataclass(frozen=True)
class Usual:
    """What a family's concepts begin with: where it was evaluated, as validation chose.

    Attributes:
        strength: relative coefficient, a share of the residual stream's typical length.
        method: None where validation chose none: the first in the order of preference.
    """

    strength: float = 0.05
    method: str | None = None
    schedule: dict[str, Any] = field(default_factory=lambda: CONSTANT)


class Listeners(Protocol):
    """Listeners that were fitted on real songs, see `steering.metrics.adherence`."""

    def probabilities(self, attribute: str, heard: np.ndarray) -> dict[str, np.ndarray]:
        """Probability of each class ``[B]`` from features ``[B, F]``."""


Shares = Callable[[Mapping[str, np.ndarray], Listeners], Mapping[str, np.ndarray]]
"""How much each concept is in every clip, ``{concept: [B]}``, by an independent judge.

It gets what was heard in the clips, see `steering.evaluation.heard.hear_clip`.
"""


def no_shares(heard: Mapping[str, np.ndarray], listeners: Listeners) -> dict[str, np.ndarray]:
    """For concepts that are numbers, or that nobody hears: nothing is a share."""
    return {}


@dataclass(frozen=True)
class Trial:
    """Rendered clips on which the family's judge must be right.

    Attributes:
        name: what is judged, as the report says it.
        judge: its name among the `JUDGES` of `steering.evaluation.truth`.
        dataset: family that curation builds; ``seconds`` of its clips are heard.
        label: of a piece, as the judge would say it; None for a piece that is no fair question.
        kept: whether it is measured once, by ``evaluate judges``, and reports say what was found then:
            music by people needs what not everybody has.
    """

    name: str
    judge: str
    dataset: str
    seconds: float
    label: Callable[[Piece], str | None]
    kept: bool = False


@dataclass(frozen=True)
class Experiment:
    """How a family is evaluated by itself: strengths are chosen on validation, figures are the test's.

    Attributes:
        name: what the command calls it.
        sources: other families whose banks stand for the same concepts, tried on validation.
        grid: relative coefficients that are tried, all the time.
        pulsed: those that are tried in pulses; none leaves pulses out.
        monitored: those that are tried with strengths that set themselves.
        ablated: whether ways to spend the push, layers and gates are compared, too.
    """

    name: str
    sources: tuple[str, ...] = ()
    grid: tuple[float, ...] = (0.01, 0.015, 0.02, 0.03, 0.045, 0.07)
    pulsed: tuple[float, ...] = ()
    monitored: tuple[float, ...] = (0.06, 0.09, 0.12)
    ablated: bool = False


@dataclass(frozen=True)
class SteeredFamily:
    """Concepts that can be steered to, and all that others need to know of them.

    Attributes:
        word: what the page calls one of them. place: on the page; the better of two that stand for
            the same comes first.
        prompts: how clips of an evaluation are asked for.
        shares: how much of each concept is heard.
        prominent: what there is most of, where the shares do not say it.
        trials: how far what is heard can be trusted.
        experiment: None where no study is of this family alone.
    """

    name: str
    training: Training
    word: str
    place: int = LAST
    usual: Usual = Usual()
    prompts: Prompts = Prompts()
    shares: Shares = no_shares
    prominent: Shares | None = None
    trials: tuple[Trial, ...] = ()
    experiment: Experiment | None = None


def sources_of(family: SteeredFamily) -> tuple[str, ...]:
    """Families whose banks stand for a family's concepts: itself, and songs last."""
    return (family.name, *(family.experiment.sources if family.experiment else ()))
