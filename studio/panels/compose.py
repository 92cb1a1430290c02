"""Compose: prompt, concepts as cards, schedules that are drawn."""

from __future__ import annotations

import gradio as gr
import numpy as np

from steering.interventions.schedules import Schedule
from studio.assets import component
from studio.catalogue import catalogue as choices
from studio.endpoints import endpoint
from studio.limits import LONGEST_SECONDS, SHORTEST_SECONDS, number
from studio.panels import Panel
from studio.services import Services

CURVE_POINTS = 601
"""Of the longest clip 20 a second: the steps of a pulse stay steps."""


def draw(services: Services) -> gr.HTML:
    """The panel, drawn by its script from what there is to choose."""
    models = services.engine.models
    first = models[models.names[0]]
    return component("compose", "own", "schedule", catalogue=choices(first, models.names))


def endpoints(services: Services) -> None:
    """What programs can do here."""

    def catalogue(model: str = "") -> dict:
        """Everything that can be chosen: models, concept families, methods, schedules, presets, limits.

        Args:
            model: which model's banks and presets to list; the first one unless it is named.
        """
        models = services.engine.models
        return choices(models[model or models.names[0]], models.names)

    def presets() -> list[dict]:
        """Presets, each with the recipe that `generate` takes."""
        models = services.engine.models
        return choices(models[models.names[0]], models.names)["presets"]

    def check_recipe(recipe: dict) -> dict:
        """Check a recipe against all limits without playing it; it comes back complete.

        Args:
            recipe: as `generate` takes it; what is left out gets its usual value.
        """
        return services.engine.check(recipe).record()

    def schedule_curve(schedule: dict, seconds: float) -> list[float]:
        """Levels of a schedule over a clip, at 601 evenly spaced times.

        Args:
            schedule: as recipes keep it, for example {"shape": "linear_rise"}.
            seconds: length of the clip.
        """
        length = number(seconds, "seconds", (SHORTEST_SECONDS, LONGEST_SECONDS))
        times = np.linspace(0, length, CURVE_POINTS, endpoint=False)
        levels = Schedule.from_record(schedule).levels(times, length)
        return [round(float(level), 4) for level in levels]

    endpoint(catalogue)
    endpoint(presets)
    endpoint(check_recipe)
    endpoint(schedule_curve, quick=True)


panel = Panel("Studio", 10, draw, endpoints)
