"""The answers of a study as arrays, one table a kind of trial, and who of its listeners counts."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from studio.study.design import BROKEN, SCALES, UNSTEERED, Design
from studio.study.lots import ATTEMPTS, HEADPHONES, PITCH, TIE
from studio.study.stimuli import Stimuli
from studio.study.trials import Kept

LEAST_HEARD = 0.95
"""Of a clip's length, before which nobody can have heard it: what is sent is 20 ms shorter than its file."""

MOST_QUICK = 0.1
"""Share of trials answered sooner than one clip lasts, from which on a listener is a machine."""


@dataclass(frozen=True)
class Person:
    """One listener's way through a study.

    Attributes:
        name: a salted hash of the id.
        ended: whether every trial was answered. headphones: whether the check was passed.
        missed: catch trials that were wrong, of ``caught``.
        quick: share of trials that were answered sooner than a clip lasts.
    """

    name: str
    ended: bool
    headphones: bool
    missed: int
    caught: int
    quick: float

    def left_out(self, most_missed: int) -> str:
        """Why this listener does not count; empty for one who does."""
        if not self.headphones:
            return "no headphones"
        if not self.ended:
            return "not ended"
        if self.missed > most_missed:
            return "missed catch trials"
        return "too quick" if self.quick > MOST_QUICK else ""


@dataclass(frozen=True)
class Identified:
    """ABX trials ``[N]``: numbers of listener, item and condition, and whether X was told."""

    listener: np.ndarray
    item: np.ndarray
    condition: np.ndarray
    right: np.ndarray


@dataclass(frozen=True)
class Preferred:
    """Preference trials ``[N]``: numbers of listener, item, and of both conditions.

    Attributes:
        outcome: 1 where the first was preferred, -1 where the second, 0 for no difference.
    """

    listener: np.ndarray
    item: np.ndarray
    first: np.ndarray
    second: np.ndarray
    outcome: np.ndarray


@dataclass(frozen=True)
class Rated:
    """Ratings ``[N]`` on one scale, 0 to 100: numbers of listener, item and condition."""

    listener: np.ndarray
    item: np.ndarray
    condition: np.ndarray
    score: np.ndarray


@dataclass(frozen=True)
class Tables:
    """A study's answers, of those who count.

    Attributes:
        conditions, items: names, in the order of their numbers.
        people: everybody who began, in the order in which they did.
        counted: names of those who count: the first to come to the end, as many as were planned, so
            that whoever ends later changes nothing.
    """

    design: Design
    conditions: tuple[str, ...]
    items: tuple[str, ...]
    people: tuple[Person, ...]
    counted: tuple[str, ...]
    abx: Identified
    preference: Preferred
    ratings: dict[str, Rated] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether all listeners that were planned are there."""
        return len(self.counted) >= self.design.listeners

    @property
    def left_out(self) -> Counter[str]:
        """How many do not count, by why."""
        why = (one.left_out(self.design.most_missed) for one in self.people)
        return Counter(one for one in why if one)

    def standing(self, name: str) -> str:
        """Whether this listener counts, in a few words."""
        if name in self.counted:
            return "counts"
        person = next(one for one in self.people if one.name == name)
        why = person.left_out(self.design.most_missed)
        return f"is left out ({why})" if why else "came when all who were planned had come"


def hashed(stimuli: Stimuli, listener: str) -> str:
    """A listener as exports call them: by it nothing can be answered."""
    return hmac.new(stimuli.secret, f"who {listener}".encode(), hashlib.sha256).hexdigest()[:16]


def tables(stimuli: Stimuli, kept: Iterable[Kept]) -> Tables:
    """Arrays out of the answers that a study has kept.

    Args:
        kept: listener by listener, as `Trials.kept` gives them.
    """
    design = stimuli.design
    people, trials = [], {}
    for listener, group in groupby(kept, key=lambda one: one.listener):
        heard = list(group)
        person = _person(hashed(stimuli, listener), heard, design)
        people.append(person)
        trials[person.name] = heard
    sound = [one.name for one in people if not one.left_out(design.most_missed)]
    first = sorted(sound, key=lambda name: trials[name][-1].at)[: design.listeners]
    counted = [name for name in sound if name in first]
    rows = [(n, one) for n, name in enumerate(counted) for one in trials[name]]
    return _tables(design, tuple(people), tuple(counted), rows)


def _person(name: str, heard: Sequence[Kept], design: Design) -> Person:
    trials = [one for one in heard if one.asked.kind in design.counts]
    caught = [one for one in trials if one.asked.catch]
    quick = [one.seconds < LEAST_HEARD * design.seconds for one in trials]
    return Person(
        name,
        ended=len(trials) == design.trials,
        headphones=_with_headphones(heard, design),
        missed=sum(not _saw(one) for one in caught),
        caught=len(caught),
        quick=float(np.mean(quick)) if quick else 0.0,
    )


def _with_headphones(heard: Sequence[Kept], design: Design) -> bool:
    for attempt in range(ATTEMPTS):
        rounds = [
            one
            for one in heard
            if one.asked.kind == HEADPHONES and one.asked.item == str(attempt + 1)
        ]
        right = sum(
            one.asked.labels[one.asked.shown.index(PITCH)] == one.said["interval"] for one in rounds
        )
        if len(rounds) == design.headphones.rounds and right >= design.headphones.needed:
            return True
    return False


def _saw(one: Kept) -> bool:
    """Whether a catch trial was right."""
    shown = dict(zip(one.asked.labels, one.asked.shown, strict=True))
    if one.asked.kind == "abx":
        return shown[one.said["x"]] == shown["x"]
    if one.asked.kind == "preference":
        return shown.get(one.said["prefer"]) == UNSTEERED
    scores = {shown[label]: score for label, score in one.said["scores"].items()}
    return bool(scores[BROKEN] < scores[UNSTEERED])


def _tables(
    design: Design,
    people: tuple[Person, ...],
    counted: tuple[str, ...],
    rows: Sequence[tuple[int, Kept]],
) -> Tables:
    conditions = tuple(dict.fromkeys((*design.compared, UNSTEERED)))
    items = tuple(one.name for one in design.heard)
    place = {name: n for n, name in enumerate(conditions)}
    there = {name: n for n, name in enumerate(items)}
    abx: list[tuple[float, ...]] = []
    preference: list[tuple[float, ...]] = []
    rated: dict[str, list[tuple[float, ...]]] = {scale: [] for scale in SCALES}
    for listener, one in rows:
        asked, said = one.asked, one.said
        shown = dict(zip(asked.labels, asked.shown, strict=True))
        if asked.kind in rated:
            for label, score in said["scores"].items():
                if shown[label] != BROKEN:
                    rated[asked.kind].append(
                        (listener, there[asked.item], place[shown[label]], score)
                    )
        elif asked.kind not in design.counts or asked.catch:
            continue
        elif asked.kind == "abx":
            pushed = next(name for name in asked.shown if name != UNSTEERED)
            right = shown[said["x"]] == shown["x"]
            abx.append((listener, there[asked.item], place[pushed], right))
        else:
            outcome = {"a": 1, "b": -1, TIE: 0}[said["prefer"]]
            sides = place[shown["a"]], place[shown["b"]]
            preference.append((listener, there[asked.item], *sides, outcome))
    return Tables(
        design, conditions, items, people, counted,
        Identified(*_columns(abx, 4)),
        Preferred(*_columns(preference, 5)),
        {scale: Rated(*_columns(rated[scale], 4)) for scale in rated if rated[scale]},
    )  # fmt: skip


def _columns(rows: Sequence[tuple[float, ...]], count: int) -> list[np.ndarray]:
    """Columns of rows; all but ratings' last are whole numbers."""
    table = np.array(rows, dtype=float).reshape(-1, count)
    whole = [column.astype(int) for column in table.T[:-1]]
    return [*whole, table[:, -1]]
