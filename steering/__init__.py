"""Musical concepts as directions in MusicGen's residual stream: find them, steer with them.

>>> import steering  # doctest: +SKIP
>>> model = steering.load_model()  # doctest: +SKIP
>>> note = steering.load_bank("notes", model)["C"]  # doctest: +SKIP
>>> push = steering.Intervention(note, 0.045)  # doctest: +SKIP
>>> audio = steering.generate(model, "calm jazz", [push], seconds=8)  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steering.activations.reader import read_activations, read_source
    from steering.activations.sources import open_source
    from steering.api import generate, load_bank, play, twins
    from steering.decoding.clip import Clip
    from steering.decoding.decoder import Decoder
    from steering.decoding.sampling import Sampling
    from steering.decoding.session import Session
    from steering.directions.bank import Bank
    from steering.directions.direction import Direction
    from steering.interventions.gate import Gate
    from steering.interventions.intervention import Intervention
    from steering.interventions.layers import LayerWeights
    from steering.interventions.monitor import Monitor
    from steering.interventions.plan import Plan, compile_plan
    from steering.interventions.schedules import Schedule
    from steering.models.interface import MusicModel
    from steering.models.loading import load_model
    from steering.recipes import Recipe
    from steering.teaching.labelled import labelled
    from steering.teaching.lesson import teach
    from steering.training.banks import table, train_bank

_HOMES = {
    "models.loading": ("load_model",),
    "models.interface": ("MusicModel",),
    "activations.sources": ("open_source",),
    "activations.reader": ("read_activations", "read_source"),
    "training.banks": ("table", "train_bank"),
    "directions.direction": ("Direction",),
    "directions.bank": ("Bank",),
    "interventions.gate": ("Gate",),
    "interventions.intervention": ("Intervention",),
    "interventions.layers": ("LayerWeights",),
    "interventions.monitor": ("Monitor",),
    "interventions.plan": ("Plan", "compile_plan"),
    "interventions.schedules": ("Schedule",),
    "decoding.clip": ("Clip",),
    "decoding.decoder": ("Decoder",),
    "decoding.sampling": ("Sampling",),
    "decoding.session": ("Session",),
    "recipes": ("Recipe",),
    "teaching.labelled": ("labelled",),
    "teaching.lesson": ("teach",),
    "api": ("generate", "load_bank", "play", "twins"),
}
"""Public names by their module: imported when asked for, so that the package is quick to import."""

__all__ = [
    "Bank",
    "Clip",
    "Decoder",
    "Direction",
    "Gate",
    "Intervention",
    "LayerWeights",
    "Monitor",
    "MusicModel",
    "Plan",
    "Recipe",
    "Sampling",
    "Schedule",
    "Session",
    "compile_plan",
    "generate",
    "labelled",
    "load_bank",
    "load_model",
    "open_source",
    "play",
    "read_activations",
    "read_source",
    "table",
    "teach",
    "train_bank",
    "twins",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"steering.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
