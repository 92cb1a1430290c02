"""A listener of the toy study for tests, and the clock that it goes by."""

from __future__ import annotations

import base64

import numpy as np

from benchmarks.study.toy import SECONDS
from studio.study.simulated import Listener, Truth
from studio.study.sitting import Study


class Clock:
    """Seconds that a test lets pass."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def sounds(step):
    return {
        label: np.frombuffer(base64.b64decode(text), "<i2")
        for label, text in step["sounds"].items()
    }


def heard(step):
    return [[label, n, n + 1] for n, label in enumerate(step["labels"])] if "sounds" in step else []


def step_to(study: Study, listener: str, kind: str, person: Listener, clock: Clock):
    """Answer until a step of a kind; the step."""
    while (step := study.next(listener))["step"] not in (kind, "done", "refused"):
        clock.now += 2 * SECONDS
        asked = study.trials.find(step["trial"]).asked
        study.answer(step["trial"], person.says(asked), heard(step))
    return step


def person(study: Study, kind: str = "honest", seed: int = 0) -> Listener:
    return Listener(study.design, Truth(told={"push": 3.0}), {}, np.random.default_rng(seed), kind)  # type: ignore[arg-type]
