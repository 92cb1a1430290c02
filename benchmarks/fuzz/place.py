"""What targets are given: a model to play, files to read, and an empty folder."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import gradio as gr

from benchmarks.attack.target import Page
from benchmarks.study.toy import toy_study
from steering.directions.bank import Bank
from steering.directions.bank_name import TAUGHT
from steering.directions.carried import carried, named
from steering.directions.packed import rounded
from studio.answers import Answers
from studio.engine import Engine
from studio.loaded_models import LoadedModel, LoadedModels
from studio.page import make_page
from studio.playback import ENDS, Event
from studio.presets import intervention, usual_recipe
from studio.study.design import MOST_LISTENERS
from studio.study.sitting import Studies, Study


@dataclass(frozen=True)
class Place:
    """Where inputs are given.

    Attributes:
        models: of the page; the first plays.
        built: a tiny build of notes.
        sketch: a sketch's folder.
        folder: an empty one, for files.
        served: a page in a process of its own, where inputs come in over the wire too.
    """

    models: LoadedModels
    built: Path
    sketch: Path
    folder: Path
    served: Page | None = None

    @cached_property
    def loaded(self) -> LoadedModel:
        """The first model."""
        return self.models[self.models.names[0]]

    @cached_property
    def engine(self) -> Engine:
        """Plays for the page."""
        return Engine(self.models)

    @cached_property
    def answers(self) -> Answers:
        """Of nobody yet."""
        return Answers()

    @cached_property
    def page(self) -> gr.Blocks:
        """With every endpoint."""
        return make_page(self.engine, self.answers, studies=Studies([self.study]))

    @cached_property
    def study(self) -> Study:
        """Of plain tones, open on the page."""
        (self.folder / "open-study").mkdir()
        return toy_study(self.folder / "open-study", listeners=MOST_LISTENERS)

    @cached_property
    def runner(self) -> asyncio.Runner:
        """Runs endpoints; its loop stays open, since sessions speak to it from their own thread."""
        return asyncio.Runner()

    @cached_property
    def clip(self) -> str:
        """The id of a short clip that the page keeps."""
        events: SimpleQueue[Event] = SimpleQueue()
        self.engine.open(self.recipes[1], events.put)
        while (event := events.get(timeout=300))["event"] not in ENDS:
            pass
        return str(event["clip"])

    @cached_property
    def recipes(self) -> list[dict[str, Any]]:
        """Whole recipes of a second, of all kinds, as the page sends them."""
        bank = (
            "notes/ridge" if "notes/ridge" in self.loaded.banks else next(iter(self.loaded.banks))
        )
        names = list(self.loaded.banks[bank])
        family, made = bank.split("/")[0], []
        for number, schedule in enumerate(SCHEDULES):
            parts = [
                intervention(family, names[place % len(names)], 1.0, schedule, bank).record()
                for place in range(number % 3)
            ]
            for part in parts:
                part |= {"layers": LAYERS[number % len(LAYERS)], "operator": OPERATORS[number % 3]}
                part["gate"] = {"probability": 0.7, "per_layer": bool(number % 2), "seed": None}
                calibrated = self.loaded.banks[bank][part["concept"]].calibration is not None
                part["monitor"] = MONITOR if calibrated and number % 2 else None
            record = usual_recipe(self.loaded.name).record()
            record |= {"seconds": 1.0, "interventions": parts, "orthogonalise": number % 2 == 0}
            record["moves"] = MOVES if parts else []
            if number % 3 == 2:
                parts[0] |= {"concept": names[0], "bank": self.taught.source}
                record["banks"] = carried([self.taught])
            made.append(record)
        return made

    @cached_property
    def taught(self) -> Bank:
        """A bank of one concept, as teaching makes them."""
        bank = next(iter(self.loaded.banks.values()))
        name, one = next(iter(bank.items()))
        kept = replace(one, vectors=rounded(one.vectors))
        return named(replace(bank, family=TAUGHT, directions={name: kept}))

    def copy(self, name: str, folder: Path) -> Path:
        """A copy of a folder, of this name, to change files in."""
        return Path(shutil.copytree(folder, self.folder / name))

    def close(self) -> None:
        """Stop what plays."""
        self.engine.close()
        self.answers.close()
        self.study.close()
        self.runner.close()


SCHEDULES: tuple[dict[str, Any], ...] = (
    {"shape": "constant", "start": 0.2, "end": 0.8},
    {"shape": "breakpoints", "points": [[0, 0], [0.5, 1], [1, 0]]},
    {"shape": "pulse", "period": 0.5, "width": 0.2, "start": 0.1},
    {"shape": "linear_rise", "start": 0.1, "end": 0.9},
    {"shape": "logistic_decay", "middle": 0.5, "width": 0.1},
    {"shape": "exponential_decay", "half_life": 0.3, "start": 0.1},
    {"shape": "sine", "period": 0.5},
)
LAYERS: tuple[dict[str, Any], ...] = (
    {"weighting": "all"},
    {"weighting": "top", "k": 2},
    {"weighting": "exponential", "kappa": 0.95},
    {"weighting": "only", "layers": [0, 1]},
)
MONITOR = {"target": 0.3, "rate": 2.0, "memory": 0.5}
OPERATORS = ("add", "ablate", "add")
MOVES = [{"step": 10, "concept": 0, "coefficient": 0.05}]
