"""Everything that can be chosen on the page, as one object: models, families, shapes, presets."""

from __future__ import annotations

from typing import Any

from listening.theory import PITCH_CLASSES
from steering.families import families, usual_methods
from steering.families.family import LAST
from steering.interventions.layers import WEIGHTINGS
from steering.interventions.operators import OPERATORS
from steering.interventions.schedules import SHAPES
from steering.probes import methods, preferred
from studio.limits import bounds
from studio.presets import (
    LAYERS,
    PRESETS,
    PROMPTS,
    SECONDS,
    recipe_of,
    usual,
)
from studio.stage import Stage


def catalogue(stage: Stage, models: tuple[str, ...]) -> dict[str, Any]:
    """All choices for one model, as the page and programs get them."""
    concepts = {name: list(bank) for name, bank in stage.banks.items()}
    made = [(preset, recipe_of(preset, dict(concepts), stage.name)) for preset in PRESETS]
    return {
        "model": stage.name,
        "models": list(models),
        "revision": stage.model.origin.revision,
        "layers": stage.model.origin.layers,
        "sample_rate": stage.model.sample_rate,
        "families": _families(stage),
        "methods": {name: _word(name) for name in _methods(stage)},
        "shapes": [name for name in SHAPES if name != "breakpoints"],
        "weightings": [name for name in WEIGHTINGS if name != "only"],
        "operators": list(OPERATORS),
        "usual_layers": LAYERS,
        "usual_seconds": SECONDS,
        "prompts": list(PROMPTS),
        "presets": [
            {"name": preset.name, "word": preset.word, "recipe": recipe}
            for preset, recipe in made
            if recipe is not None
        ],
        "limits": bounds(),
    }


def _families(stage: Stage) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, bank in stage.banks.items():
        family, method = name.split("/")
        entry = found.setdefault(
            family,
            {
                "name": family,
                "word": families()[family].word if family in families() else family,
                "concepts": ordered(list(bank)),
                "methods": [],
                "strength": usual(family).strength,
                "schedule": usual(family).schedule,
            },
        )
        entry["methods"].append(method)
    for entry in found.values():
        entry["methods"].sort(key=lambda method, family=entry["name"]: _rank(family, method))
    return sorted(found.values(), key=lambda family: _place(family["name"]))


def _place(family: str) -> tuple[int, str]:
    """As the families say themselves, then by name."""
    return families()[family].place if family in families() else LAST, family


def _rank(family: str, method: str) -> tuple[int, str]:
    """The usual method first, then as they are known, then by name."""
    order = usual_methods(family)
    return order.index(method) if method in order else len(order), method


def _methods(stage: Stage) -> list[str]:
    there = {name.split("/")[1] for name in stage.banks}
    known = preferred()
    return [name for name in known if name in there] + sorted(there - set(known))


def _word(method: str) -> str:
    return methods()[method].word if method in methods() else method


def ordered(concepts: list[str]) -> list[str]:
    """Pitch classes from C to B, anything else as it is.

    >>> ordered(["A", "C#", "C"])
    ['C', 'C#', 'A']
    """
    if set(concepts) <= set(PITCH_CLASSES):
        return sorted(concepts, key=PITCH_CLASSES.index)
    return concepts
