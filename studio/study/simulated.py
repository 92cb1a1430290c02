"""Listeners of known ability, who answer the trials that a study would give them.

By them a report is tried: what it finds is what was put in, as often as its intervals say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.special import expit

from studio.study.design import BROKEN, SCALES, UNSTEERED, Design
from studio.study.lots import HEADPHONES, PITCH, TIE, TRAINING, Asked
from studio.study.report.power import USUAL, Spread
from studio.study.trials import Kept, Said

Kind = Literal["honest", "guesser", "idler"]
"""Who guesses has no headphones on; an idler passes their check, and then does not listen."""

LAPSES = 0.02
"""Share of plain trials that an honest listener has wrong."""

PITCH_HEARD = 0.97


@dataclass(frozen=True)
class Truth:
    """What there is to find.

    Attributes:
        told: log odds of telling X, of a middling listener and item, by condition; 0 is guessing.
        worth: logarithms by condition. scores: mean ratings by scale and condition; where nothing is
            said 0, and 50.
        spread: how far listeners and items differ.
    """

    told: Mapping[str, float] = field(default_factory=dict)
    worth: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    spread: Spread = USUAL


class Listener:
    """One simulated listener.

    Attributes:
        chance: that the last answer to an ABX trial was right.

    Args:
        items: each item's own part of the log odds, the same for all listeners of a study.
    """

    def __init__(
        self,
        design: Design,
        truth: Truth,
        items: Mapping[str, float],
        lot: np.random.Generator,
        kind: Kind = "honest",
    ) -> None:
        spread, names = truth.spread, (*design.compared, UNSTEERED)
        self._truth, self._items, self._lot, self.kind = truth, items, lot, kind
        self._ability = spread.listeners * lot.standard_normal()
        self._worth = {
            name: truth.worth.get(name, 0.0) + spread.taste * lot.standard_normal()
            for name in names
        }
        self.chance = 0.5
        self._opinion = {
            scale: {
                name: truth.scores.get(scale, {}).get(name, 50.0)
                + spread.opinion * lot.standard_normal()
                for name in names
            }
            for scale in SCALES
        }

    def says(self, asked: Asked) -> Said:
        """An answer, as the page sends it."""
        if asked.kind == TRAINING:
            return {}
        if asked.kind in SCALES:
            return {"scores": self._rates(asked)}
        if asked.kind == HEADPHONES:
            right = asked.labels[asked.shown.index(PITCH)]
            heard = self.kind != "guesser" and self._lot.random() < PITCH_HEARD
            return {"interval": right if heard else str(self._lot.choice(asked.labels))}
        if asked.kind == "abx":
            return {"x": self._tells(asked)}
        return {"prefer": self._prefers(asked)}

    def _tells(self, asked: Asked) -> str:
        right = asked.labels[asked.shown.index(asked.shown[2])]
        if self.kind != "honest":
            chance = 0.5
        elif asked.catch:
            chance = 1 - LAPSES
        else:
            pushed = next(name for name in asked.shown if name != UNSTEERED)
            told = self._truth.told.get(pushed, 0.0)
            own = self._ability + self._items.get(asked.item, 0.0)
            chance = float(expit(told + own)) if told else 0.5
        self.chance = chance
        return right if self._lot.random() < chance else {"a": "b", "b": "a"}[right]

    def _prefers(self, asked: Asked) -> str:
        if self.kind != "honest":
            return str(self._lot.choice(["a", "b", TIE]))
        if asked.catch:
            better = asked.labels[asked.shown.index(UNSTEERED)]
            return better if self._lot.random() > LAPSES else TIE
        one, other = (self._worth[name] for name in asked.shown)
        scores = np.exp([one, other, (one + other) / 2 + self._truth.spread.tie])
        drawn = self._lot.random() * scores.sum()
        return ("a", "b", TIE)[int(np.searchsorted(scores.cumsum(), drawn))]

    def _rates(self, asked: Asked) -> dict[str, float]:
        noise = self._truth.spread.noise * self._lot.standard_normal(len(asked.shown))
        drawn = self._lot.uniform(0, 100, len(asked.shown))
        scores = {}
        for place, (label, name) in enumerate(zip(asked.labels, asked.shown, strict=True)):
            if self.kind != "honest":
                score = drawn[place]
            elif name == BROKEN:
                score = drawn[place] / 20
            else:
                score = self._opinion[asked.kind][name] + noise[place]
            scores[label] = float(np.clip(np.round(score), 0, 100))
        return scores


def answers(
    design: Design,
    plans: Sequence[Sequence[Asked]],
    truth: Truth,
    lot: np.random.Generator,
    kinds: Sequence[Kind] = (),
    chances: dict[str, float] | None = None,
) -> Iterator[Kept]:
    """All that listeners say in one study.

    Args:
        plans: of each listener, as `Lots.plan` gives them.
        kinds: of the first listeners; all others are honest.
        chances: gets the chance of a right answer of every ABX trial.
    """
    items = {one.name: truth.spread.items * lot.standard_normal() for one in design.heard}
    for number, plan in enumerate(plans):
        kind = kinds[number] if number < len(kinds) else "honest"
        listener = Listener(design, truth, items, lot, kind)
        for one in _sitting(design, plan, listener, number):
            if chances is not None and one.asked.kind == "abx":
                chances[one.trial] = listener.chance
            yield one


def _sitting(
    design: Design, plan: Sequence[Asked], listener: Listener, number: int
) -> Iterator[Kept]:
    """One listener's way: a second attempt at the headphones for who failed, and no third."""
    rounds, right, passed = design.headphones.rounds, 0, design.headphones.needed == 0
    for place, asked in enumerate(plan):
        if asked.kind == HEADPHONES:
            if place % rounds == 0:
                right = 0
            if passed:
                continue
        elif not passed:
            return
        said = listener.says(asked)
        if asked.kind == HEADPHONES:
            right += asked.shown[asked.labels.index(said["interval"])] == PITCH
            passed = place % rounds == rounds - 1 and right >= design.headphones.needed
        yield Kept(
            f"t{number}-{place}", f"listener-{number}", place, asked, said,
            seconds=2 * design.seconds, at=float(place), givings=1, version="", heard=[],
        )  # fmt: skip
