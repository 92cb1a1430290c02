"""What the page offers to begin with: models, presets, prompts, and how strong is strong.

Strengths are shares of the residual stream's typical length, the unit of *relative* coefficients.
They stand in one table, so that measured ones can take their place.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sketch.prompts import EXAMPLES

MODELS = (
    "sketch",
    "facebook/musicgen-small",
    "facebook/musicgen-medium",
    "facebook/musicgen-large",
)
METHODS = ("logistic", "rfm", "ridge", "mean_difference")
"""In the order in which they are taken where nobody chose."""

METHOD_WORDS = {
    "rfm": "recursive feature machine",
    "ridge": "linear (ridge)",
    "logistic": "linear (logistic)",
    "mean_difference": "difference of means",
}
STRENGTHS = {
    "notes": 0.03,
    "notes_in_songs": 0.03,
    "roots": 0.045,
    "chords": 0.05,
    "genres": 0.06,
    "tempos": 0.06,
}
"""Usual strength by family."""

USUAL_STRENGTH = 0.05
LAYERS: dict[str, Any] = {"weighting": "all"}
SECONDS = 8.0

PROMPTS = (
    *EXAMPLES,
    "slow ambient pads, dreamy",
    "funky electro with bass, 112 bpm",
    "happy folk tune with guitar",
)


@dataclass(frozen=True)
class Part:
    """One concept of a preset. ``strength`` is in units of the family's usual one."""

    family: str
    concept: str
    strength: float = 1.0
    schedule: dict[str, Any] = field(default_factory=lambda: {"shape": "constant"})


@dataclass(frozen=True)
class Preset:
    """A prompt, a length, a seed and concepts that sound good together."""

    name: str
    word: str
    prompt: str
    parts: tuple[Part, ...]
    seconds: float = SECONDS
    seed: int = 7


def _line(*points: tuple[float, float]) -> dict[str, Any]:
    return {"shape": "breakpoints", "points": [list(point) for point in points]}


PRESETS = (
    Preset(
        "Hold a C",
        "a C that stays under everything",
        "a calm jazz waltz led by a flute in D minor, 96 bpm",
        (Part("notes", "C"),),
    ),
    Preset(
        "C fades into G",
        "one note hands over to another",
        "slow ambient pads, dreamy",
        (
            Part("notes", "C", 1.0, {"shape": "linear_decay"}),
            Part("notes", "G", 1.0, {"shape": "linear_rise"}),
        ),
    ),
    Preset(
        "Minor to major",
        "the light comes in half-way",
        "sad violin tune in A minor",
        (
            Part("chords", "minor", 1.0, _line((0, 1), (3.2, 1), (4.8, 0))),
            Part("chords", "major", 1.0, _line((3.2, 0), (4.8, 1))),
        ),
    ),
    Preset(
        "Swing it",
        "rock, pulled towards jazz",
        "energetic rock with electric guitar, drums",
        (Part("genres", "jazz swing"),),
    ),
    Preset(
        "Speed up",
        "the pulse gathers pace",
        "funky electro with bass, 112 bpm",
        (Part("tempos", "bpm", 1.0, {"shape": "linear_rise"}),),
    ),
    Preset(
        "E flickers",
        "a note that comes and goes twice a bar",
        "happy folk tune with guitar",
        (Part("notes", "E", 1.1, {"shape": "pulse", "period": 2.0, "width": 1.0}),),
    ),
)


def strength(family: str) -> float:
    """The usual coefficient of a family's concepts."""
    return STRENGTHS.get(family, USUAL_STRENGTH)


def method_for(family: str, banks: Collection[str], wanted: str | None = None) -> str | None:
    """The bank of a family by the wanted method, or by the first there is; None without any."""
    for method in (wanted, *METHODS):
        if method is not None and f"{family}/{method}" in banks:
            return f"{family}/{method}"
    return next((bank for bank in sorted(banks) if bank.split("/")[0] == family), None)


def intervention(
    family: str, concept: str, share: float, schedule: dict[str, Any], bank: str
) -> dict[str, Any]:
    """A concept as recipes keep it. ``share``: of the family's usual strength."""
    return {
        "concept": concept,
        "bank": bank,
        "coefficient": round(share * strength(family), 4),
        "unit": "relative",
        "schedule": schedule,
        "layers": LAYERS,
        "gate": {"probability": 1.0, "per_layer": False, "seed": 0},
        "operator": "add",
        "rows": "both",
    }


def recipe_of(
    preset: Preset, banks: dict[str, Collection[str]], model: str
) -> dict[str, Any] | None:
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
    return {
        "format": 1,
        "model": model,
        "prompt": preset.prompt,
        "seconds": preset.seconds,
        "seed": preset.seed,
        "sampling": {"guidance": 3.0, "temperature": 1.0, "top_k": 250, "top_p": 1.0},
        "interventions": chosen,
        "orthogonalise": False,
        "moves": [],
        "decoder": "fused",
    }
