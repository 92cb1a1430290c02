"""Everything that can be chosen on the page, as one object: models, families, shapes, presets."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import groupby
from operator import attrgetter
from typing import Any

from listening.theory import PITCH_CLASSES
from steering.directions.bank_name import BankName
from steering.families import families, usual_methods
from steering.families.family import CONSTANT, LAST
from steering.finders import Finder, finders
from steering.interventions.layers import WEIGHTINGS, LayerWeights
from steering.interventions.monitor import Monitor
from steering.interventions.operators import OPERATORS
from steering.interventions.record import ROWS, UNITS, InterventionRecord
from steering.interventions.schedules import SHAPES, Schedule
from steering.probes import Method, methods, preferred
from studio.limits import bounds
from studio.loaded_models import LoadedModel
from studio.measured import Measured, measured
from studio.presets import (
    PRESETS,
    PROMPTS,
    intervention,
    recipe_of,
    usual,
    usual_recipe,
)

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
        "banks": _banks(loaded),
        "methods": {name: _word(name) for name in _methods(loaded)},
        "shapes": [name for name in SHAPES if name != "breakpoints"],
        "weightings": _weightings(),
        "operators": list(OPERATORS),
        "monitor": asdict(Monitor()),
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


def _banks(loaded: LoadedModel) -> dict[str, dict[str, Any]]:
    """Family, method, whether strengths can follow what is heard of it, and what it was found to do."""
    findings = measured(loaded.model.origin)
    return {
        str(one): asdict(one)
        | {"heard": all(d.calibration is not None for d in loaded.banks[str(one)].values())}
        | {"measured": findings[str(one)].record() if str(one) in findings else None}
        for one in _names(loaded)
    }


def _families(loaded: LoadedModel) -> list[dict[str, Any]]:
    found, findings = [], measured(loaded.model.origin)
    for family, names in groupby(_names(loaded), key=attrgetter("family")):
        banks = {one.method: str(one) for one in sorted(names, key=_rank)}
        first = _first(family, banks, findings)
        concepts = ordered(list(loaded.banks[first.bank]))
        found.append(
            {
                "name": family,
                "word": families()[family].word if family in families() else family,
                "concepts": concepts,
                "banks": banks,
                "intervention": replace(first, concept=concepts[0]).record(),
            }
        )
    return sorted(found, key=lambda one: _place(one["name"]))


def _first(family: str, banks: dict[str, str], findings: dict[str, Measured]) -> InterventionRecord:
    """What a concept of a family begins with: as it was tested, where validation preferred one of its banks."""
    for bank in banks.values():
        finding = findings.get(bank)
        if finding is not None and finding.best:
            schedule = Schedule.from_record(finding.schedule)
            return InterventionRecord(
                "", bank, finding.strength, schedule=schedule, monitor=finding.monitor
            )
    return intervention(family, "", 1.0, usual(family).schedule, next(iter(banks.values())))


def _place(family: str) -> tuple[int, str]:
    """As the families say themselves, then by name."""
    return families()[family].place if family in families() else LAST, family


def _names(loaded: LoadedModel) -> list[BankName]:
    return sorted(BankName.parse(name) for name in loaded.banks)


def _rank(name: BankName) -> tuple[int, str]:
    """The usual method first, then as they are known, then by name."""
    order = usual_methods(name.family)
    return order.index(name.method) if name.method in order else len(order), name.method


def _methods(loaded: LoadedModel) -> list[str]:
    there = {one.method for one in _names(loaded)}
    known = preferred()
    return [name for name in known if name in there] + sorted(there - set(known))


def _word(method: str) -> str:
    known: dict[str, Method | Finder] = {**methods(), **finders()}
    return known[method].word if method in known else method


def ordered(concepts: list[str]) -> list[str]:
    """Pitch classes from C to B, anything else as it is.

    >>> ordered(["A", "C#", "C"])
    ['C', 'C#', 'A']
    """
    if set(concepts) <= set(PITCH_CLASSES):
        return sorted(concepts, key=PITCH_CLASSES.index)
    return concepts
