"""What a client may ask for: bounds on a recipe, kept before any model sees it.

What a recipe is, `steering.recipes.Recipe` says; here are numbers, and words for which one is broken.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any

from curation.entries import Path, UnknownEntry
from curation.errors import BadInput
from steering.decoding.sampling import Sampling
from steering.interventions.record import UNITS, InterventionRecord
from steering.recipes import FORMAT, Recipe
from steering.teaching.material import FEWEST, MOST
from steering.teaching.sounds import HEARD_SECONDS

LONGEST_SECONDS = 30.0
SHORTEST_SECONDS = 1.0
MOST_CONCEPTS = 6
MOST_POINTS = 128
MOST_LAYERS = 64
MOST_MOVES, MOVES_A_SECOND = 3000, 60.0
"""Of a recipe, and what a session takes of its faders; a fader sends 40 a second at most."""

MOST_LIVE_SECONDS, SHARED_LIVE_SECONDS = 3600.0, 300.0
"""Of a live session, and of one while others wait in line."""

UNHEARD_SECONDS = 60.0
"""A live session ends when its listener has neither moved a fader nor said `still_listening` for so long."""

MOST_LIVE_CONCEPTS = 24
"""Of a live session in all, those that came and went."""

LARGEST_SOUND = 12_000_000
"""Bytes of a clip that a visitor teaches by: a minute of a compact disc."""

LARGEST_LESSON = 4_000_000
"""Characters of all clips of a lesson as codes."""

MOST_SPANS = 32
"""Of a clip, seconds that have a concept."""

LONGEST_PROMPT = 200
LONGEST_WORD = 40
LARGEST_RECIPE = 350_000
"""Characters of a recipe as JSON: more than one that keeps to all other bounds can have."""

STRONGEST = {"relative": 1.0, "raw": 200.0}
GUIDANCE = (1.0, 10.0)
TEMPERATURE = (0.0, 2.0)
TOP_K = (0, 2048)
TOP_P = (0.01, 1.0)
SEEDS = (0, 2**31 - 1)

_LEFT_OUT = {"format": FORMAT, "model": "", "revision": "", "prompt": "", "seconds": 8.0}
"""What a client may leave out, beside what any recipe may."""

Check = Callable[[Any], object]


def bounds() -> dict[str, Any]:
    """The limits that a page shows and its controls keep to."""
    return {
        "seconds": [SHORTEST_SECONDS, LONGEST_SECONDS],
        "concepts": MOST_CONCEPTS,
        "live": {
            "seconds": MOST_LIVE_SECONDS,
            "concepts": MOST_LIVE_CONCEPTS,
            "unheard": UNHEARD_SECONDS,
        },
        "teach": {
            "clips": [FEWEST, MOST],
            "bytes": LARGEST_SOUND,
            "spans": MOST_SPANS,
            "seconds": HEARD_SECONDS,
        },
        "points": MOST_POINTS,
        "prompt": LONGEST_PROMPT,
        "coefficient": STRONGEST["relative"],
        "guidance": list(GUIDANCE),
        "temperature": list(TEMPERATURE),
        "top_k": list(TOP_K),
        "top_p": list(TOP_P),
        "seed": list(SEEDS),
    }


def check_request(raw: object, banks: Collection[str]) -> Recipe:
    """A client's recipe within all bounds.

    Args:
        raw: what came over the wire.
        banks: the names that a concept may be looked up in, as ``notes/ridge``, beside those of banks
            that the recipe carries: anything else, a path above all, is refused.

    Raises:
        BadInput: it breaks one, which the message names, or is no recipe.
    """
    if not isinstance(raw, dict):
        raise BadInput("the recipe is not a JSON object: send what 'Keep' gives as recipe.json")
    _check_size(raw)
    concepts, carried = raw.get("interventions"), raw.get("banks")
    names = {*banks, *(carried if isinstance(carried, dict) else ())}
    checks = _checks(len(concepts) if isinstance(concepts, list) else 0, names)

    def bound(path: Path, value: Any) -> None:
        check = checks.get(".".join("*" if isinstance(one, int) else one for one in path))
        if check is not None:
            check(value)

    try:
        recipe = Recipe.from_record(_LEFT_OUT | raw, bound)
    except UnknownEntry as unknown:
        raise BadInput(_unknown(unknown)) from None
    for one in recipe.interventions:
        _check_parts(one)
    return replace(recipe, prompt=check_prompt(recipe.prompt))


def _checks(concepts: int, banks: Collection[str]) -> dict[str, Check]:
    """What is checked of each entry as it came, in a recipe of so many concepts."""
    strongest = STRONGEST["raw"]
    return {
        "prompt": check_prompt,
        "device": partial(_check_word, name="device"),
        "dtype": partial(_check_word, name="dtype"),
        "seconds": partial(number, name="seconds", limits=(SHORTEST_SECONDS, LONGEST_SECONDS)),
        "seed": partial(_whole, name="seed", limits=SEEDS),
        "sampling": _check_sampling,
        "sampling.guidance": partial(number, name="guidance", limits=GUIDANCE),
        "sampling.temperature": partial(number, name="temperature", limits=TEMPERATURE),
        "sampling.top_k": partial(_whole, name="top-k", limits=TOP_K),
        "sampling.top_p": partial(number, name="top-p", limits=TOP_P),
        "interventions": partial(_listed, name="concepts", most=MOST_CONCEPTS),
        "interventions.*": partial(_check_concept, banks=banks),
        "moves": partial(_check_moves, concepts=concepts),
        "moves.*": partial(_check_object, name="a move"),
        "moves.*.step": partial(_whole, name="a move's step", limits=(0, 5000)),
        "moves.*.concept": partial(_whole, name="a move's concept", limits=(0, concepts - 1)),
        "moves.*.coefficient": partial(
            number, name="a move's strength", limits=(-strongest, strongest)
        ),
    }


def _unknown(entry: UnknownEntry) -> str:
    *owner, name = entry.path
    if not owner:
        return f"the recipe has an unknown field {name!r:.40}: leave it out"
    if owner == ["sampling"]:
        known = ", ".join(one.name for one in fields(Sampling))
        return f"sampling has no {name!r:.40}: it takes {known}"
    return str(entry)


def check_prompt(prompt: object) -> str:
    """A prompt as plain text of bounded length; it is only ever shown as text.

    Raises:
        BadInput: it is no text, or too long.
    """
    if not isinstance(prompt, str):
        raise BadInput("the prompt is not text: describe some music in words")
    if len(prompt) > LONGEST_PROMPT:
        raise BadInput(
            f"the prompt has {len(prompt)} characters, {LONGEST_PROMPT} are read: shorten it"
        )
    return "".join(letter if letter.isprintable() else " " for letter in prompt).strip()


def _check_word(value: object, name: str) -> None:
    if not isinstance(value, str) or len(value) > LONGEST_WORD:
        raise BadInput(f"{name} is not a word of at most {LONGEST_WORD} characters: leave it out")


def number(value: object, name: str, limits: tuple[float, float]) -> float:
    """A finite number within limits.

    Raises:
        BadInput: it is no number, not finite, or beyond the limits.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise BadInput(f"{name} is not a number: give one from {limits[0]:g} to {limits[1]:g}")
    if not limits[0] <= value <= limits[1]:
        raise BadInput(f"{name} is {value:g}: give a number from {limits[0]:g} to {limits[1]:g}")
    return float(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


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


def _check_object(value: object, name: str) -> None:
    if not isinstance(value, dict):
        raise BadInput(f"{name} is not an object: send what 'Keep' gives")


def _check_sampling(value: object) -> None:
    if not isinstance(value, dict):
        raise BadInput("sampling is not an object: give guidance, temperature and top_k")


def _check_moves(value: object, concepts: int) -> None:
    if _listed(value, "moves", MOST_MOVES) and not concepts:
        raise BadInput("there are moves but no concept to move: leave the moves out")


def _check_concept(value: object, banks: Collection[str]) -> None:
    """A concept as it came: where it is from, how strong it is, and that its parts are objects."""
    _check_object(value, "a concept")
    assert isinstance(value, dict)
    bank = value.get("bank")
    if not isinstance(bank, str) or bank not in banks:
        raise BadInput(f"no bank {bank!r:.60}: choose one of {', '.join(sorted(banks))}")
    concept, unit = value.get("concept"), value.get("unit", "relative")
    if not isinstance(concept, str):
        raise BadInput("a concept has no name: choose one of its family")
    if unit not in UNITS:
        raise BadInput(f"unit {unit!r:.40}: choose relative or raw")
    strongest = STRONGEST[unit]
    strength = f"the strength of {concept:.40}"
    number(value.get("coefficient"), strength, (-strongest, strongest))
    for name in ("schedule", "layers", "gate"):
        _check_object(value.get(name, {}), f"the {name} of {concept:.40}")


def _check_parts(one: InterventionRecord) -> None:
    _check_schedule(one.schedule.settings, one.concept)
    for name, value in one.layers.settings.items():
        named = f"layers of {one.concept:.40}"
        for each in _listed(value, named, MOST_LAYERS) if isinstance(value, list) else [value]:
            number(each, f"{name} of the layers of {one.concept:.40}", (0.0, 1000.0))


def _check_schedule(settings: Mapping[str, Any], concept: str) -> None:
    for point in _listed(settings.get("points", []), "points of a schedule", MOST_POINTS):
        number(point[0], "a point's second", (0.0, LONGEST_SECONDS))
        number(point[1], "a point's level", (-2.0, 2.0))
    for name, value in settings.items():
        if name != "points":
            number(value, f"the schedule's {name:.40}", (0.0, 10 * LONGEST_SECONDS))
