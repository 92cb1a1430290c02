"""What a client may ask for. Whatever it sends is bounded here, before any model sees it."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from curation.errors import BadInput

LONGEST_SECONDS = 30.0
SHORTEST_SECONDS = 1.0
MOST_CONCEPTS = 6
MOST_POINTS = 32
MOST_MOVES = 3000
LONGEST_PROMPT = 200
LARGEST_RECIPE = 200_000
"""Characters of a recipe as JSON; the largest allowed one, full of moves, is half of that."""

STRONGEST = {"relative": 1.0, "raw": 200.0}
GUIDANCE = (1.0, 10.0)
TEMPERATURE = (0.0, 2.0)
TOP_K = (0, 2048)
TOP_P = (0.01, 1.0)
SEEDS = (0, 2**31 - 1)

_FIELDS = {
    "format",
    "model",
    "revision",
    "prompt",
    "seconds",
    "seed",
    "sampling",
    "interventions",
    "orthogonalise",
    "moves",
    "decoder",
    "device",
    "dtype",
}


def bounds() -> dict[str, Any]:
    """The limits that a page shows and its controls keep to."""
    return {
        "seconds": [SHORTEST_SECONDS, LONGEST_SECONDS],
        "concepts": MOST_CONCEPTS,
        "points": MOST_POINTS,
        "prompt": LONGEST_PROMPT,
        "coefficient": STRONGEST["relative"],
        "guidance": list(GUIDANCE),
        "temperature": list(TEMPERATURE),
        "top_k": list(TOP_K),
        "seed": list(SEEDS),
    }


def check_request(raw: object, banks: Collection[str]) -> dict[str, Any]:
    """A client's recipe within all bounds, or `BadInput` that says which one it breaks.

    Args:
        raw: what came over the wire.
        banks: the names that a concept may be looked up in, as ``notes/ridge``: anything else,
            a path above all, is refused.
    """
    if not isinstance(raw, dict):
        raise BadInput("the recipe is not a JSON object: send what 'Keep' gives as recipe.json")
    _check_size(raw)
    unknown = sorted(set(raw) - _FIELDS)
    if unknown:
        raise BadInput(f"the recipe has an unknown field {unknown[0]!r:.40}: leave it out")
    checked = {"format": 1, "decoder": "fused"} | raw
    checked["prompt"] = check_prompt(raw.get("prompt", ""))
    checked["seconds"] = number(
        raw.get("seconds", 8.0), "seconds", (SHORTEST_SECONDS, LONGEST_SECONDS)
    )
    checked["seed"] = _whole(raw.get("seed", 0), "seed", SEEDS)
    checked["sampling"] = _sampling(raw.get("sampling", {}))
    concepts = _listed(raw.get("interventions", []), "concepts", MOST_CONCEPTS)
    checked["interventions"] = [_intervention(one, banks) for one in concepts]
    checked["orthogonalise"] = raw.get("orthogonalise", False) is True
    checked["moves"] = [
        _move(move, len(concepts)) for move in _listed(raw.get("moves", []), "moves", MOST_MOVES)
    ]
    return checked


def check_prompt(prompt: object) -> str:
    """A prompt as plain text of bounded length; it is only ever shown as text."""
    if not isinstance(prompt, str):
        raise BadInput("the prompt is not text: describe some music in words")
    if len(prompt) > LONGEST_PROMPT:
        raise BadInput(
            f"the prompt has {len(prompt)} characters, {LONGEST_PROMPT} are read: shorten it"
        )
    return "".join(letter if letter.isprintable() else " " for letter in prompt).strip()


def number(value: object, name: str, limits: tuple[float, float]) -> float:
    """A finite number within limits."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput(f"{name} is not a number: give one from {limits[0]:g} to {limits[1]:g}")
    if not limits[0] <= value <= limits[1]:
        raise BadInput(f"{name} is {value:g}: give a number from {limits[0]:g} to {limits[1]:g}")
    return float(value)


def _whole(value: object, name: str, limits: tuple[int, int]) -> int:
    found = number(value, name, limits)
    if found != int(found):
        raise BadInput(f"{name} is {found:g}: give a whole number")
    return int(found)


def _listed(value: object, name: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise BadInput(f"the recipe's {name} are not a list: send what 'Keep' gives")
    if len(value) > most:
        raise BadInput(f"{len(value)} {name}: {most} at most")
    return value


def _check_size(raw: Mapping[str, Any]) -> None:
    try:
        size = len(json.dumps(raw))
    except (TypeError, ValueError, RecursionError):
        raise BadInput("the recipe is not plain JSON: send what 'Keep' gives") from None
    if size > LARGEST_RECIPE:
        raise BadInput(f"the recipe has {size:,} characters, {LARGEST_RECIPE:,} are read")


def _sampling(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise BadInput("sampling is not an object: give guidance, temperature and top_k")
    unknown = sorted(set(raw) - {"guidance", "temperature", "top_k", "top_p"})
    if unknown:
        raise BadInput(
            f"sampling has no {unknown[0]!r:.40}: it takes guidance, temperature, top_k, top_p"
        )
    return {
        "guidance": number(raw.get("guidance", 3.0), "guidance", GUIDANCE),
        "temperature": number(raw.get("temperature", 1.0), "temperature", TEMPERATURE),
        "top_k": _whole(raw.get("top_k", 250), "top-k", TOP_K),
        "top_p": number(raw.get("top_p", 1.0), "top-p", TOP_P),
    }


def _intervention(raw: object, banks: Collection[str]) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise BadInput("a concept is not an object: send what 'Keep' gives")
    bank, concept, unit = raw.get("bank"), raw.get("concept"), raw.get("unit", "relative")
    if not isinstance(bank, str) or bank not in banks:
        raise BadInput(f"no bank {bank!r:.60}: choose one of {', '.join(sorted(banks))}")
    if not isinstance(concept, str):
        raise BadInput("a concept has no name: choose one of its family")
    if unit not in STRONGEST:
        raise BadInput(f"unit {unit!r:.40}: choose relative or raw")
    strongest = STRONGEST[unit]
    checked = dict(raw)
    checked["coefficient"] = number(
        raw.get("coefficient"), f"the strength of {concept:.40}", (-strongest, strongest)
    )
    for name in ("schedule", "layers", "gate"):
        if not isinstance(raw.get(name, {}), dict):
            raise BadInput(f"the {name} of {concept:.40} is not an object: send what 'Keep' gives")
    _check_schedule(raw.get("schedule", {}), concept)
    return checked


def _check_schedule(schedule: Mapping[str, Any], concept: str) -> None:
    points = _listed(schedule.get("points", []), "points of a schedule", MOST_POINTS)
    for point in points:
        if not isinstance(point, list) or len(point) != 2:
            raise BadInput(f"a point of {concept:.40}'s schedule is no pair of second and level")
        number(point[0], "a point's second", (0.0, LONGEST_SECONDS))
        number(point[1], "a point's level", (-2.0, 2.0))
    for name, value in schedule.items():
        if name not in ("shape", "points"):
            number(value, f"the schedule's {name:.40}", (0.0, 10 * LONGEST_SECONDS))


def _move(raw: object, concepts: int) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise BadInput("a move is not an object: send what 'Keep' gives")
    if not concepts:
        raise BadInput("there are moves but no concept to move: leave the moves out")
    strongest = STRONGEST["raw"]
    return {
        "step": _whole(raw.get("step"), "a move's step", (0, 5000)),
        "concept": _whole(raw.get("concept"), "a move's concept", (0, concepts - 1)),
        "coefficient": number(raw.get("coefficient"), "a move's strength", (-strongest, strongest)),
    }
