"""What the page offers to begin with: presets, prompts, and how strong is strong.

Strengths are shares of the residual stream's typical length, the unit of *relative* coefficients.
Each family says its own, see `steering.families`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from sketch.prompts import EXAMPLES
from steering.directions.bank_name import BankName
from steering.families import families, usual_methods
from steering.families.family import CONSTANT, PULSES, Usual
from steering.interventions.record import InterventionRecord
from steering.interventions.schedules import Schedule
from steering.recipes import Recipe

SECONDS = 8.0
SEED = 7

PROMPTS = (
    *EXAMPLES,
    "slow ambient pads, dreamy",
    "funky electro with bass, 107 bpm",
    "happy folk tune with guitar",
)


@dataclass(frozen=True)
class PresetConcept:
    """One concept of a preset. ``strength`` is in units of the family's usual one."""

    family: str
    concept: str
    strength: float = 1.0
    schedule: dict[str, Any] = field(default_factory=lambda: CONSTANT)


@dataclass(frozen=True)
class Preset:
    """A prompt, a length, a seed and concepts that sound good together."""

    name: str
    word: str
    prompt: str
    parts: tuple[PresetConcept, ...]
    seconds: float = SECONDS
    seed: int = SEED


def _line(*points: tuple[float, float]) -> dict[str, Any]:
    return {"shape": "breakpoints", "points": [list(point) for point in points]}


def _from(start: float, end: float, ramp: float = 0.3) -> dict[str, Any]:
    """Full strength from ``start`` to ``end`` seconds, with short ramps."""
    rise = () if start <= 0 else ((start - ramp, 0), (start, 1))
    return _line(*rise, (end - ramp, 1), (end, 0))


PRESETS = (
    Preset(
        "C comes and goes",
        "a note that returns, and music between",
        "calm jazz with a flute",
        (PresetConcept("notes_in_songs", "C", 1.0, PULSES),),
        seed=1,
    ),
    Preset(
        "Four chords",
        "C, G, A minor, F: two seconds each",
        "happy pop with organ",
        (
            PresetConcept("triads_in_songs", "C major", 1.25, _from(0, 2.1)),
            PresetConcept("triads_in_songs", "G major", 1.25, _from(2.0, 4.1)),
            PresetConcept("triads_in_songs", "A minor", 1.25, _from(4.0, 6.1)),
            PresetConcept("triads_in_songs", "F major", 1.25, _from(6.0, 8.0)),
        ),
        seed=2,
    ),
    Preset(
        "Minor to major",
        "the light comes in half-way",
        "sad rock with violin, drums",
        (
            PresetConcept("triads_in_songs", "A minor", 1.0, _from(0, 4.1)),
            PresetConcept("triads_in_songs", "A major", 1.0, _from(4.0, 8.0)),
        ),
        seed=0,
    ),
    Preset(
        "C fades into G",
        "one note hands over to another",
        "happy folk with guitar, drums",
        (
            PresetConcept("notes_in_songs", "C", 1.0, {"shape": "linear_decay"}),
            PresetConcept("notes_in_songs", "G", 1.5, {"shape": "linear_rise"}),
        ),
        seed=6,
    ),
    Preset(
        "Hold a C",
        "a drone that leaves nothing else",
        "slow ambient pads, dreamy",
        (PresetConcept("notes_in_songs", "C"),),
        seed=4,
    ),
    Preset(
        "Speed up",
        "the same piano in a hurry",
        "calm classical piece with piano",
        (PresetConcept("tempos", "bpm"),),
        seed=3,
    ),
)
"""Seeds are the ones of a few on which each does best what it says."""


def usual(family: str) -> Usual:
    """What a family's concepts begin with."""
    return families()[family].usual if family in families() else Usual()


def method_for(family: str, banks: Collection[str], wanted: str | None = None) -> str | None:
    """A family's bank by the wanted method, else its usual one, else any there is; None without."""
    for method in (wanted, *usual_methods(family)):
        if method is not None and str(BankName(family, method)) in banks:
            return str(BankName(family, method))
    return next((bank for bank in sorted(banks) if BankName.parse(bank).family == family), None)


def intervention(
    family: str, concept: str, share: float, schedule: dict[str, Any], bank: str
) -> InterventionRecord:
    """A concept as recipes keep it. ``share``: of the family's usual strength."""
    coefficient = round(share * usual(family).strength, 4)
    return InterventionRecord(concept, bank, coefficient, schedule=Schedule.from_record(schedule))


def usual_recipe(model: str) -> Recipe:
    """What the page begins with: no concept yet, and whichever revision of the model is there."""
    return Recipe(model, "", PROMPTS[0], SECONDS, SEED)


def recipe_of(preset: Preset, banks: dict[str, Collection[str]], model: str) -> Recipe | None:
    """A preset as a recipe; None where a concept of it has no direction here.

    Args:
        banks: concepts by bank name.
    """
    chosen = []
    for part in preset.parts:
        bank = method_for(part.family, banks)
        if bank is None or part.concept not in banks[bank]:
            return None
        chosen.append(intervention(part.family, part.concept, part.strength, part.schedule, bank))
    return replace(
        usual_recipe(model),
        prompt=preset.prompt,
        seconds=preset.seconds,
        seed=preset.seed,
        interventions=tuple(chosen),
    )
