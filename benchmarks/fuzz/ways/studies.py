"""Listening studies: a design is refused in one line or is a plan, an answer is refused or is kept."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz import Target, Wrong
from benchmarks.fuzz.files import file_target
from benchmarks.fuzz.place import Place
from benchmarks.fuzz.values import damaged, nearly
from benchmarks.fuzz.ways.endpoints import answer
from curation.errors import BadInput
from studio.study.design import Design, design_of, read_design
from studio.study.lots import TIE, Asked, Lots
from studio.study.simulated import Listener, Truth
from studio.study.stimuli import STUDY, read_stimuli

TEXT = """\
name = "fuzz"
title = "A study"
listeners = 4
training = "one"
seed = 1
headphones = { rounds = 3, needed = 2 }
items = [{ name = "one", prompt = "jazz", concept = "C" }, { name = "two", prompt = "folk", concept = "G" }]
conditions = [{ name = "push", bank = "notes/ridge", strength = 0.05 }, { name = "words", prompt = "{prompt}, C" }]
abx = { trials = 2, catch = 1 }
preference = { trials = 2, catch = 1 }
ratings = { trials = 1, catch = 1 }
"""

ANSWER: dict[str, Any] = {
    "said": {
        "interval": "1",
        "x": "a",
        "prefer": "b",
        "scores": {"1": 0, "2": 50, "3": 70.5, "4": 100},
    },
    "heard": [[place, 0, 1] for place in range(5)],
}
"""Fits every kind of trial: labels are told by their numbers, and what is not asked is not read."""

MOST_REFUSED = 5


def targets(place: Place) -> Iterator[Target]:
    """A design as a record and as TOML, a study's manifest, and what is said of a trial."""
    record = tomllib.loads(TEXT)
    yield Target("design", nearly([record]), lambda said: _plan(design_of(said)))
    home = place.folder / "design"
    home.mkdir()
    (home / "design.toml").write_text(TEXT)
    yield file_target("design file", home, "design.toml", _read, 1, damaged(TEXT.encode()))
    kept = place.folder / "kept-study"
    kept.mkdir()
    manifest = _manifest(record)
    (kept / STUDY).write_text(json.dumps(manifest))
    inputs = nearly([manifest]).map(lambda said: json.dumps(said).encode())
    yield file_target(
        "study file", kept, STUDY, lambda folder: _plan(read_stimuli(folder).design), 1, inputs
    )

    yield Target("study answer", nearly([ANSWER]), Sitting(place).answer)


class Sitting:
    """Somebody who sits through a study again and again, and says what comes in of each trial."""

    def __init__(self, place: Place) -> None:
        self._place, self._listener, self._refused = place, "", 0

    def answer(self, given: Any) -> None:
        """Say it of the trial at hand; what is taken must be kept, and be what may be said."""
        study, step = self._place.study, self._step()
        before = study.trials.find(step["trial"])
        said, heard = (
            (given.get(name) for name in ANSWER) if isinstance(given, dict) else (given, given)
        )
        try:
            self._ask("study_answer", step["trial"], said, _labelled(heard, step["labels"]))
        except BadInput:
            self._refused += 1
            if study.trials.find(step["trial"]) != before:
                raise Wrong("an answer that was refused, and is kept") from None
            if self._refused > MOST_REFUSED:
                self._move_on(before.asked, step)
            raise
        self._refused = 0
        kept = study.trials.find(step["trial"]).said
        if kept is None or self._step()["trial"] == step["trial"]:
            raise Wrong("an answer that was taken, and is not kept")
        if unlike := _unlike(kept, before.asked.labels):
            raise Wrong(f"an answer that nobody can have given: {unlike}")

    def _step(self) -> dict[str, Any]:
        """The trial at hand: another listener's where one came to the end."""
        step = self._ask("study_next", self._listener) if self._listener else {}
        while "trial" not in step:
            self._listener = str(self._ask("study_begin"))
            step = self._ask("study_next", self._listener)
        return step

    def _ask(self, name: str, *arguments: Any) -> Any:
        return answer(self._place, self._place.page, name, self._place.study.stimuli.id, *arguments)

    def _move_on(self, asked: Asked, step: dict[str, Any]) -> None:
        """Answer as an honest listener would: behind each trial are others."""
        one = Listener(self._place.study.design, Truth(), {}, np.random.default_rng(0))
        self._ask("study_answer", step["trial"], one.says(asked), _labelled(ANSWER["heard"], step["labels"]))  # fmt: skip
        self._refused = 0


def _labelled(heard: Any, labels: Sequence[str]) -> Any:
    """What was heard with the labels of a trial in the place of their numbers."""
    if not isinstance(heard, list):
        return heard
    names = dict(enumerate(labels))
    return [
        [names[one[0]], *one[1:]]
        if isinstance(one, list) and one and type(one[0]) is int and one[0] in names
        else one
        for one in heard
        if one not in [[place, 0, 1] for place in range(len(labels), len(ANSWER["heard"]))]
    ]


def _unlike(kept: dict[str, Any], labels: Sequence[str]) -> str:
    """What of a kept answer is none; empty where all is well."""
    scores = kept.get("scores", {})
    right = set(scores) in (set(), set(labels)) and all(0 <= one <= 100 for one in scores.values())
    words = [one for name, one in kept.items() if name != "scores"]
    return "" if right and all(one in (*labels, TIE) for one in words) else repr(kept)


def _read(folder: Path) -> None:
    _plan(read_design(folder / "design.toml"))


def _manifest(record: dict[str, Any]) -> dict[str, Any]:
    names = ("push", "words", "unsteered", "random", "broken")
    files = {item["name"]: {name: f"{name}.flac" for name in names} for item in record["items"]}
    return {"format": 1, "id": "fuzz", "secret": "00" * 32, "version": "", "design": record,
            "sample_rate": 32_000, "lufs": -23.0, "files": files}  # fmt: skip


def _plan(design: Design) -> None:
    """What was accepted has a plan with the trials that it says."""
    plan = Lots(design, bytes(32)).plan(3)
    counts = Counter(one.kind for one in plan if one.kind in design.counts)
    if counts != {kind: count for kind, count in design.counts.items() if count}:
        raise Wrong(f"{dict(counts)} trials of {design.counts}")
