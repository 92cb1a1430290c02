"""A model of the page for tests: the toy MusicGen with random directions, and what it plays."""

from __future__ import annotations

import time
from queue import SimpleQueue
from typing import Any

import numpy as np
import torch

from steering.decoding.decoder import Decoder
from steering.directions.bank import Bank
from steering.directions.direction import Direction
from steering.models.transformers_backend import TransformersModel
from studio.clips import SIDES
from studio.encodings import unpacked
from studio.engine import Engine
from studio.loaded_models import LoadedModel, LoadedModels
from studio.presets import intervention

NORM = 600.0
"""So long a stream that the usual strengths are heard on the toy, too."""


def toy_loaded(model: TransformersModel) -> LoadedModel:
    banks = {}
    notes = ("C", "E", "G")
    for family, names in (
        ("notes", notes), ("notes_in_songs", notes), ("chords", ("major", "minor")),
    ):  # fmt: skip
        generator = torch.Generator().manual_seed(len(names))
        shape = (model.origin.layers, model.origin.size)
        directions = {
            name: Direction(
                name,
                torch.randn(shape, generator=generator),
                torch.linspace(0.6, 0.9, shape[0]),
                model.origin,
            ).unit()
            for name in names
        }
        norms = torch.full((shape[0],), NORM)
        banks[f"{family}/ridge"] = Bank(family, "ridge", model.origin, directions, norms)
    return LoadedModel("toy", model, Decoder(model), banks)


def toy_models(model: TransformersModel) -> LoadedModels:
    loaded = toy_loaded(model)
    return LoadedModels(lambda name: loaded, ("toy",))


def toy_recipe(seed: int = 0, concept: str = "C", **change: Any) -> dict[str, Any]:
    part = intervention("notes", concept, 1.0, {"shape": "constant"}, "notes/ridge")
    return {
        "format": 1,
        "model": "toy",
        "prompt": "calm jazz",
        "seconds": 1.0,
        "seed": seed,
        "interventions": [part.record()],
    } | change


class Listener:
    """Collects a session's events."""

    def __init__(self, engine: Engine, recipe: dict[str, Any], live: bool = False) -> None:
        self.queue: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.events: list[dict[str, Any]] = []
        self.engine = engine
        self.session = engine.open(recipe, self.queue.put, live)

    def until(self, *kinds: str) -> dict[str, Any]:
        """The next event of these kinds; `Empty` where two minutes bring none."""
        last = time.monotonic() + 120.0
        while True:
            event = self.queue.get(timeout=max(last - time.monotonic(), 0.0))
            self.events.append(event)
            if event["event"] in kinds:
                return event

    def end(self) -> dict[str, Any]:
        """The last event."""
        return self.until("done", "stopped", "error")

    def stopped_after(self, seconds: float) -> dict[str, Any]:
        """The last event of a session that is stopped when so much of it was heard."""
        while sum(event["event"] == "audio" for event in self.events) == 0 or (
            self.events[-1].get("done", 0) < seconds * 50
        ):
            self.until("audio")
        self.engine.stop(self.session)
        return self.end()

    @property
    def sound(self) -> dict[str, np.ndarray]:
        """What was heard, int16 ``[N]`` by side."""
        return heard(self.events)


def heard(events: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """The samples of all audio events, by side."""
    chunks = [unpacked(event) for event in events if event["event"] == "audio"]
    return {side: np.concatenate([chunk[side] for chunk in chunks]) for side in SIDES}
