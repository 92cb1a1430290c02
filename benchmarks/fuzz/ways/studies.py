"""Designs of listening studies and what is kept of them: refused in one line, or a plan for a listener."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.fuzz import Target, Wrong
from benchmarks.fuzz.files import file_target
from benchmarks.fuzz.place import Place
from benchmarks.fuzz.values import damaged, nearly
from studio.study.design import Design, design_of, read_design
from studio.study.lots import Lots
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


def targets(place: Place) -> Iterator[Target]:
    """A design as a record and as TOML, and a study's manifest."""
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
