"""What every panel is given: the engine, the answers, the listeners, the studies, and the lessons."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from steering.metrics.kept_listeners import KeptListeners
from studio.answers import Answers
from studio.engine_apart import AnyEngine
from studio.lessons import Lessons
from studio.loaded_models import LoadedModel
from studio.study.sitting import Studies


@dataclass(frozen=True)
class Services:
    """Behind every panel.

    Attributes:
        listeners: hear whether a clip is what its prompt asks for, where they are there.
        studies: those that are open for people.
    """

    engine: AnyEngine
    answers: Answers
    listeners: KeptListeners | None = None
    studies: Studies = field(default_factory=Studies)

    @cached_property
    def lessons(self) -> Lessons:
        """Those that visitors teach by."""
        return Lessons(self.engine)

    def model_of(self, recipe: dict[str, Any]) -> LoadedModel:
        """The model that a kept clip was played by."""
        return self.engine.models[recipe["model"]]
