"""What readers of a dataset must be told, in words: written here once, for the datasheet and Croissant.

Questions about what it may be used for and what was done to the sound have one answer for all families:
all are played by a synthesiser. Where the notes are from each family says (`spec.Making`), and the rest
is counted in the facts.
"""

from __future__ import annotations

from typing import Any

from curation.recipe import usual_options
from curation.sound_fonts import LICENCES
from curation.spec import Family

LICENCE_ADDRESS = "https://creativecommons.org/licenses/by/4.0/"

PURPOSE = (
    "To find out where a music model keeps a musical concept, and to steer it there. Probes are only as "
    "good as the clips that they are trained on: these have labels that come from their notes, and splits "
    "that keep apart what a probe should not lean on."
)
PREPROCESSING = (
    "Clips that came out silent, and clips with notes that the sound font cannot play, are dropped and "
    "listed. Clips that would have clipped are turned down; by how much stands beside each. Nothing else "
    "is done to the sound. Every clip keeps the score that it was played from, as MIDI."
)
USES = (
    "Training and comparing probes of music models, and directions that steer them",
    "testing what hears music: pitch, chord, key, tempo and metre with exact ground truth",
    "teaching, where short examples of a concept are wanted",
)
NOT_USES = (
    "As a picture of music as it is made and heard, or as the only material of a model that people "
    "listen to. A probe that works here must be tried on recordings before anything is said of them."
)
BIASES = (
    "Western tonal music in twelve equal steps alone, with the instruments of General MIDI: other "
    "tunings, traditions and voices are missing.",
    "Every instrument is a sampled one, in most presets from one sound font: a player's expression, a "
    "room and a recording's noise are missing.",
    "A grid has each of its cells equally often. Music does not.",
    "Names and captions are English.",
)
SYNTHETIC = (
    "Synthetic sound from sampled instruments: a probe that works here need not work on recordings."
)
IMPACT = (
    "Small. The clips let people look into models and steer them without anybody's recordings. What was "
    "made of other people's music in a model that is probed stays that model's affair."
)
UPKEEP = (
    "The maintainers keep the datasets and the program that makes them, and correct both. The version's "
    "first number rises where the same recipe gives other bytes; tags keep every published version. "
    "Faults are told where the dataset or the program is published, and anybody may add a family."
)


def limits(family: Family) -> tuple[str, ...]:
    """What the labels cannot promise, one sentence or two each."""
    return (*family.limits, SYNTHETIC)


def fonts(facts: dict[str, Any]) -> list[str]:
    """The sound fonts of a build, each with its licence."""
    return [
        f"{name}: {LICENCES.get(name, 'see its own page')}"
        for name, _ in facts["recipe"]["sound_fonts"]
    ]


def missing(facts: dict[str, Any]) -> str:
    """What of the grid is not there, and why."""
    dropped = facts["dropped"]
    return (
        f"{dropped['silent']:,} clips were silent and {dropped['incomplete']:,} had notes that the sound "
        "font cannot play; `dropped.json` lists both. No clip lacks a label."
    )


def command(facts: dict[str, Any]) -> str:
    """What makes the same bytes again: the preset, and whatever was asked for beside it."""
    recipe = facts["recipe"]
    usual = usual_options(recipe["family"], recipe["preset"])
    asked = {"preset": recipe["preset"], "seed": recipe["seed"]}
    asked |= {name: recipe[name] for name in usual if _plain(recipe[name]) != _plain(usual[name])}
    options = "".join(
        f" --{name.replace('_', '-')} {_plain(value)}" for name, value in asked.items()
    )
    return f"python -m curation build {recipe['family']}{options}"


def _plain(value: Any) -> str:
    return ",".join(value) if isinstance(value, list | tuple) else str(value)
