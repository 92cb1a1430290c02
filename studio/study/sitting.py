"""What a listener goes through: headphones, training, trials, a code; one step at a time.

A listener is given what comes next and nothing else: no name of a condition, no file, no order. Every
sound is encoded anew each time that it is given, at one length, see `studio.excerpts`; X is on odd
numbers and all else on even ones.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from curation.errors import BadInput
from studio.excerpts import LATE_SECONDS, afresh
from studio.playback import packed
from studio.study.design import Item
from studio.study.headphones import PAUSE_SECONDS, SECONDS, intervals
from studio.study.lots import ATTEMPTS, HEADPHONES, PITCH, TIE, TRAINING, Asked, Lots
from studio.study.stimuli import Stimuli, read_stimuli
from studio.study.trials import ANSWERS, Heard, Said, Trials
from studio.study.version import version

MOST_BEGUN = 20
"""Listeners that may begin for each one that is planned: many a one never ends it."""

MOST_PLAYS = 200
"""Of one trial."""

SECONDS_A_TRIAL = {"abx": 15.0, "preference": 15.0, "strength": 40.0, "quality": 40.0}
"""How long a listener may take, for the word on the first page."""


class Study:
    """A study that is open: its clips, its lots and its trials."""

    def __init__(self, stimuli: Stimuli, trials: Trials) -> None:
        self.stimuli, self.trials = stimuli, trials
        self.design = stimuli.design
        self._lots = Lots(stimuli.design, stimuli.secret)
        self._plan = lru_cache(maxsize=256)(self._lots.plan)

    def about(self) -> dict[str, Any]:
        """What stands on the first page."""
        design = self.design
        counts = design.counts
        seconds = sum(SECONDS_A_TRIAL[kind] * count for kind, count in counts.items())
        return {
            "title": design.title,
            "about": design.about,
            "trials": design.trials,
            "headphones": design.headphones.rounds,
            "minutes": 2 + math.ceil(seconds / 60),
            "link": self.stimuli.link,
        }  # fmt: skip

    def begin(self) -> str:
        """A new listener's id.

        Raises:
            BadInput: the study takes no more.
        """
        return self.trials.begin(MOST_BEGUN * self.design.listeners)

    def next(self, listener: str) -> dict[str, Any]:
        """The step that a listener is at, with its sounds; the same one until it is answered.

        Raises:
            BadInput: nobody here has this id.
        """
        plan = self._plan(self.trials.number(listener))
        said = self.trials.said(listener)
        place = self._place(plan, said)
        if place is None:
            return {"step": "refused"}
        if place == len(plan):
            return {"step": "done", "code": self.code(listener)}
        asked = plan[place]
        trial = self.trials.give(listener, place, asked)
        return {"step": asked.kind, "trial": trial} | self._shown(plan, place)

    def _place(self, plan: list[Asked], said: dict[int, Said]) -> int | None:
        """Where a listener is; None for one who failed at the headphones too often."""
        rounds = self.design.headphones.rounds
        for attempt in range(ATTEMPTS):
            there = range(attempt * rounds, (attempt + 1) * rounds)
            left = next((place for place in there if place not in said), None)
            if left is not None:
                return left
            right = sum(_pitched(plan[place]) == said[place]["interval"] for place in there)
            if right >= self.design.headphones.needed:
                break
        else:
            return None
        after = range(ATTEMPTS * rounds, len(plan))
        return next((place for place in after if place not in said), len(plan))

    def _shown(self, plan: list[Asked], place: int) -> dict[str, Any]:
        """All that a listener may know of a step."""
        asked, rounds = plan[place], self.design.headphones.rounds
        rate = self.stimuli.sample_rate
        if asked.kind == HEADPHONES:
            sound = intervals(tuple(one == PITCH for one in asked.shown), rate)
            return {
                "place": place % rounds + 1, "of": rounds, "attempt": int(asked.item),
                "sample_rate": rate, "labels": list(asked.labels), "both": packed(sound),
                "lasts": SECONDS, "every": SECONDS + PAUSE_SECONDS,
            }  # fmt: skip
        sounds = {
            label: afresh(self.stimuli.sound(asked.item, name), rate, odd=label == "x")
            for label, name in zip(asked.labels, asked.shown, strict=True)
        }
        before = ATTEMPTS * rounds + 1
        return {
            "place": max(place - before + 1, 0), "of": len(plan) - before,
            "concept": self._item(asked).word, "sample_rate": rate, "labels": list(asked.labels),
            "ties": bool(self.design.preference and self.design.preference.ties),
            "answer_after": self.design.seconds - LATE_SECONDS,
            "sounds": {label: packed(sound) for label, sound in sounds.items()},
        }  # fmt: skip

    def _item(self, asked: Asked) -> Item:
        return self.stimuli.of_item(asked.item)

    def answer(self, trial: str, said: Said, heard: list[Any]) -> None:
        """Take down what was said of a trial, and what was played of it.

        Raises:
            BadInput: there is no such trial, it was answered otherwise before, this is no answer to
                it, or something of it was not listened to.
        """
        given = self.trials.find(trial)
        checked = self._checked(given.asked, said)
        spans = _spans(heard, given.asked)
        if given.asked.kind not in (HEADPHONES, TRAINING):
            missing = [
                one for one in given.asked.labels if one not in {label for label, *_ in spans}
            ]
            if missing:
                raise BadInput(f"listen to {', '.join(missing).upper()} first")
        self.trials.answer(trial, checked, spans)

    def _checked(self, asked: Asked, said: Said) -> Said:
        """An answer as it is kept.

        Raises:
            BadInput: it is none.
        """
        if asked.kind == TRAINING:
            return {}
        if asked.kind in ("strength", "quality"):
            return {"scores": _scores(asked, said.get("scores"))}
        name, choices = self._choices(asked)
        if not isinstance(said.get(name), str) or said[name] not in choices:
            raise BadInput(f"an answer here is {name!r}: {', '.join(choices)}")
        return {name: said[name]}

    def _choices(self, asked: Asked) -> tuple[str, tuple[str, ...]]:
        if asked.kind == HEADPHONES:
            return "interval", asked.labels
        if asked.kind == "abx":
            return "x", ("a", "b")
        ties = self.design.preference is not None and self.design.preference.ties
        return "prefer", ("a", "b", TIE) if ties else ("a", "b")

    def code(self, listener: str) -> str:
        """The completion code of a listener who came to the end."""
        digest = hmac.new(self.stimuli.secret, f"done {listener}".encode(), hashlib.sha256)
        return digest.hexdigest()[:10].upper()

    def codes(self) -> dict[str, str]:
        """The listener of each code, of all who came to the end."""
        ends: dict[str, int] = {}
        for one in self.trials.kept():
            ends[one.listener] = max(ends.get(one.listener, 0), one.place)
        last = len(self._plan(0)) - 1
        return {self.code(listener): listener for listener, place in ends.items() if place == last}

    def close(self) -> None:
        """Let the files go."""
        self.trials.close()


def open_study(folder: Path, clock: Callable[[], float] = time.time) -> Study:
    """The study in a folder, ready for listeners.

    Args:
        clock: seconds that go on when the page is started again.

    Raises:
        BadInput: there is none, or its answers cannot be used.
    """
    stimuli = read_stimuli(folder)
    return Study(stimuli, Trials(folder / ANSWERS, version(), clock))


class Studies:
    """The studies that a page is open for, by the ids of their links."""

    def __init__(self, studies: Iterable[Study] = ()) -> None:
        self._studies = {one.stimuli.id: one for one in studies}

    def __getitem__(self, name: str) -> Study:
        """A study by its link's id.

        Raises:
            BadInput: none of this id is open here.
        """
        try:
            return self._studies[name]
        except KeyError:
            raise BadInput(
                "no study of this name is open here: ask who sent you the link"
            ) from None

    def __iter__(self) -> Iterator[Study]:
        return iter(self._studies.values())

    def __len__(self) -> int:
        return len(self._studies)

    def close(self) -> None:
        """Let all files go."""
        for one in self._studies.values():
            one.close()


def _pitched(asked: Asked) -> str:
    return asked.labels[asked.shown.index(PITCH)]


def _scores(asked: Asked, scores: object) -> dict[str, float]:
    if not isinstance(scores, dict) or set(scores) != set(asked.labels):
        raise BadInput(f"rate {', '.join(asked.labels)}, each from 0 to 100")
    for score in scores.values():
        fits = isinstance(score, int | float) and not isinstance(score, bool)
        if not fits or not 0 <= score <= 100:
            raise BadInput("a rating is a number from 0 to 100")
    return {label: float(scores[label]) for label in asked.labels}


def _spans(heard: list[Any], asked: Asked) -> Heard:
    """What was played, checked."""
    if len(heard) > MOST_PLAYS:
        raise BadInput(f"more than {MOST_PLAYS} plays of one trial: load the page again")
    spans: Heard = []
    for one in heard:
        if (
            not isinstance(one, list | tuple)
            or len(one) != 3
            or one[0] not in (*asked.labels, "all")
        ):
            raise BadInput("what was heard is a list of [label, from, to]")
        began, ended = one[1:]
        if not all(_seconds(at) for at in (began, ended)) or ended < began:
            raise BadInput("what was heard has times in seconds, the second not before the first")
        spans.append((one[0], round(float(began), 3), round(float(ended), 3)))
    return spans


def _seconds(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value < 1e6  # type: ignore[operator]
