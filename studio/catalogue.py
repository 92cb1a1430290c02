"""Everything that can be chosen on the page, as one object: models, families, shapes, presets."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from operator import attrgetter
from typing import Any

from curation.theory import PITCH_CLASSES
from steering.directions.bank_name import BankName
from steering.interventions.layers import WEIGHTINGS, LayerWeights
from steering.interventions.operators import OPERATORS
from steering.interventions.record import ROWS, UNITS
from steering.interventions.schedules import SHAPES
from studio.limits import bounds
from studio.loaded_models import LoadedModel
from studio.presets import (
    CONSTANT,
    METHOD_WORDS,
    METHODS,
    PRESETS,
    PROMPTS,
    intervention,
    recipe_of,
    usual,
    usual_recipe,
)

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

WEIGHTING_SETTINGS = {"top": {"k": 4}}
"""What a weighting is offered with, where that is not its own default."""


def catalogue(loaded: LoadedModel, models: tuple[str, ...]) -> dict[str, Any]:
    """All choices for one model, as the page and programs get them.

    ``recipe``, and ``intervention`` of all and of each family, are complete records to begin with.
    """
    concepts = {name: list(bank) for name, bank in loaded.banks.items()}
    made = [(preset, recipe_of(preset, dict(concepts), loaded.name)) for preset in PRESETS]
    return {
        "model": loaded.name,
        "models": list(models),
        "revision": loaded.model.origin.revision,
        "layers": loaded.model.origin.layers,
        "sample_rate": loaded.model.sample_rate,
        "families": _families(loaded),
        "banks": {str(one): asdict(one) for one in _names(loaded)},
        "methods": {name: METHOD_WORDS.get(name, name) for name in _methods(loaded)},
        "shapes": [name for name in SHAPES if name != "breakpoints"],
        "weightings": _weightings(),
        "operators": list(OPERATORS),
        "rows": list(ROWS),
        "units": list(UNITS),
        "recipe": usual_recipe(loaded.name).record(),
        "intervention": intervention("", "", 1.0, CONSTANT, "").record(),
        "prompts": list(PROMPTS),
        "presets": [
            {"name": preset.name, "word": preset.word, "recipe": recipe.record()}
            for preset, recipe in made
            if recipe is not None
        ],
        "limits": bounds(),
    }


def _weightings() -> dict[str, dict[str, Any]]:
    """Ways of weighing layers, as recipes keep them."""
    return {
        name: LayerWeights(name, WEIGHTING_SETTINGS.get(name, {})).record()
        for name in WEIGHTINGS
        if name != "only"
    }


def _families(loaded: LoadedModel) -> list[dict[str, Any]]:
    found = []
    for family, names in groupby(_names(loaded), key=attrgetter("family")):
        banks = {one.method: str(one) for one in sorted(names, key=_rank)}
        best = next(iter(banks.values()))
        concepts = ordered(list(loaded.banks[best]))
        first = intervention(family, concepts[0], 1.0, usual(family).schedule, best)
        found.append(
            {
                "name": family,
                "word": FAMILY_WORDS.get(family, family),
                "concepts": concepts,
                "banks": banks,
                "intervention": first.record(),
            }
        )
    order = list(FAMILY_WORDS)
    return sorted(
        found,
        key=lambda f: (order.index(f["name"]) if f["name"] in order else len(order), f["name"]),
    )


def _names(loaded: LoadedModel) -> list[BankName]:
    return sorted(BankName.parse(name) for name in loaded.banks)


def _rank(name: BankName) -> tuple[bool, int, str]:
    """The usual method first, then as they are known, then by name."""
    place = METHODS.index(name.method) if name.method in METHODS else len(METHODS)
    return name.method != usual(name.family).method, place, name.method


def _methods(loaded: LoadedModel) -> list[str]:
    there = {one.method for one in _names(loaded)}
    return [name for name in METHODS if name in there] + sorted(there - set(METHODS))


def ordered(concepts: list[str]) -> list[str]:
    """Pitch classes from C to B, anything else as it is.

    >>> ordered(["A", "C#", "C"])
    ['C', 'C#', 'A']
    """
    if set(concepts) <= set(PITCH_CLASSES):
        return sorted(concepts, key=PITCH_CLASSES.index)
    return concepts
