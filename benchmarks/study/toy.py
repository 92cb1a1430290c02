"""A small study: plain tones in the place of a model's clips, so that it is made in a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from studio.study.design import Design, read_design
from studio.study.sitting import Study, open_study
from studio.study.stimuli import make_stimuli

RATE, SECONDS = 32_000, 2.0
ITEMS = ("training", "flute", "organ", "piano")
TONES = {"push": 523.25, "words": 466.16, "unsteered": 440.0, "random": 415.3}
"""Hz of each condition's tone: they are told apart by ear, and by nothing else."""

TEXT = """\
name = "toy"
title = "A small study"
about = "Tones."
listeners = {listeners}
training = "training"
seed = 1
seconds = {seconds}
headphones = {{ rounds = 3, needed = 2 }}
abx = {{ trials = 3, compare = ["push", "words"], catch = 1 }}
preference = {{ trials = 3, catch = 1 }}
ratings = {{ trials = 1, catch = 1 }}
"""


def write_design(home: Path, text: str = TEXT, listeners: int = 4) -> Path:
    """A design.toml, and the sounds that it brings along."""
    lines = [text.format(listeners=listeners, seconds=SECONDS)]
    for item in ITEMS:
        lines.append(f'[[items]]\nname = "{item}"\nprompt = "{item}"\nconcept = "C"\n')
    for name in TONES:
        lines.append(f'[[conditions]]\nname = "{name}"\nfolder = "{name}"\n')
    for place, item in enumerate(ITEMS):
        for name, pitch in TONES.items():
            _write(home / name / f"{item}.wav", pitch * 2 ** (place / 12), place)
    path = home / "design.toml"
    path.write_text("\n".join(lines))
    return path


def _write(path: Path, pitch: float, seed: int) -> None:
    at = np.arange(round((SECONDS + 0.1) * RATE)) / RATE
    lot = np.random.default_rng(seed)
    beats = 1 + 0.5 * np.sin(2 * np.pi * 3 * at)
    sound = 0.2 * beats * sum(np.sin(2 * np.pi * n * pitch * at) / n for n in range(1, 6))
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, sound + 0.002 * lot.standard_normal(len(at)), RATE)


def toy_design(home: Path, text: str = TEXT, listeners: int = 4) -> Design:
    return read_design(write_design(home, text, listeners))


def toy_study(
    home: Path, text: str = TEXT, clock: Callable[[], float] = time.time, listeners: int = 4
) -> Study:
    """The study, made and open."""
    make_stimuli(toy_design(home, text, listeners), home, home / "study", lambda line: None)
    return open_study(home / "study", clock)
