"""Everything that can be chosen on the page, as one object: models, families, shapes, presets."""

from __future__ import annotations

from typing import Any

from curation.theory import PITCH_CLASSES
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

FAMILY_WORDS = {
    "notes_in_songs": "note",
    "triads_in_songs": "chord",
    "tempos": "tempo",
    "genres_in_songs": "genre",
    "keys": "key",
    "modes": "mode",
    "notes": "note, from single notes",
    "triads": "chord, from bare chords",
    "chords": "chord quality",
    "roots": "chord root",
    "tempos_in_genres": "tempo, from bands",
    "genres": "genre, from bands",
}
"""In the order of the page: the better of two that stand for the same comes first."""


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
                "word": FAMILY_WORDS.get(family, family),
                "concepts": ordered(list(bank)),
                "methods": [],
                "strength": usual(family).strength,
                "schedule": usual(family).schedule,
            },
        )
        entry["methods"].append(method)
    for entry in found.values():
        entry["methods"].sort(key=lambda method, family=entry["name"]: _rank(family, method))
    order = list(FAMILY_WORDS)
    return sorted(
        found.values(),
        key=lambda f: (order.index(f["name"]) if f["name"] in order else len(order), f["name"]),
    )


def _rank(family: str, method: str) -> tuple[bool, int, str]:
    """The usual method first, then as they are known, then by name."""
    order = preferred()
    place = order.index(method) if method in order else len(order)
    return method != usual(family).method, place, method


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
