"""A program that takes a study for a listener: it answers ABX trials by the bytes that it is sent."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attack.blind_bytes import BYTES
from benchmarks.study.toy import toy_study

TEXT = """\
name = "cheated"
title = "A program's"
listeners = {listeners}
training = "training"
seconds = {seconds}
headphones = {{ rounds = 0, needed = 0 }}
abx = {{ trials = 100, catch = 0 }}
"""


def cheated(home: Path, trials: int) -> int:
    """How many of a real study's ABX trials it has right, out of so many hundreds."""
    study = toy_study(home, TEXT)
    right = 0
    for number in range(trials // 100):
        listener = study.begin()
        while (step := study.next(listener))["step"] != "done":
            if step["step"] != "abx":
                study.answer(step["trial"], {}, [])
                continue
            said = _guess(step, number)
            shown = study.trials.find(step["trial"]).asked.shown
            right += shown["ab".index(said)] == shown[2]
            study.answer(step["trial"], {"x": said}, [["a", 0, 1], ["b", 1, 2], ["x", 2, 3]])
    study.close()
    return right


def _guess(step: dict[str, Any], seed: int) -> str:
    """What the first measure says that sees a difference; else a coin."""
    sounds = {
        name: np.frombuffer(base64.b64decode(text), "<i2") for name, text in step["sounds"].items()
    }
    for likeness in BYTES:
        a, b = (likeness(sounds[name], sounds["x"]) for name in "ab")
        if a != b:
            return "a" if a > b else "b"
    return "ab"[int(np.random.default_rng([seed, step["place"]]).integers(2))]
