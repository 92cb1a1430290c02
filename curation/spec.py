"""What a clip is before it sounds: a `ClipSpec`, the `Label`s it carries, the `Family` it is from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pretty_midi

from curation.errors import BadInput


@dataclass(frozen=True)
class Making:
    """How a family's clips come by their notes and labels: what its card, its datasheet and Croissant say of it.

    Attributes:
        notes: for the card; it ends before the list of sound fonts.
        collected: where the notes are from. labelled: who said what they are.
        people: whether anybody is in them.
    """

    notes: str
    collected: str
    labelled: str
    people: str


RULED = Making(
    "The labels come first: each clip is a cell of the family's grid or a draw of its seed, written as "
    "notes with `pretty_midi` and played by FluidSynth with",
    "Nothing was collected. Labels come first: each clip is a cell of a grid or a draw of a seed, is "
    "written as notes by a program, and is played by FluidSynth on a sound font.",
    "No person annotated anything. A label is what the clip was composed from, so it is right by "
    "construction, as far as the sound font plays what the notes say.",
    "Nobody. No clip is a recording of a person or of a performance, and none tells of a person.",
)
"""Of a family that is composed by rule."""

Listener = Literal["pitch_class", "bpm", "chord_quality", "key"]


@dataclass(frozen=True)
class Label:
    """One label column: what it means and either its classes or its number type.

    ``heard_by`` names the listener in `curation.verdicts` that re-derives the label from the sound.
    """

    description: str
    classes: tuple[str, ...] = ()
    dtype: str = "int32"
    heard_by: Listener | None = None

    def check(self, name: str, value: object) -> None:
        """Refuse a value that the label cannot have.

        Raises:
            BadInput: ``value`` is none of the label's classes, or no number.
        """
        if self.classes and value not in self.classes:
            raise BadInput(
                f"label {name!r} is {value!r}, which is none of its {len(self.classes)} classes: "
                "mend the family's spec() or add the class"
            )
        if not self.classes and not isinstance(value, int | float):
            raise BadInput(f"label {name!r} is {value!r}, not a number: mend the family's spec()")


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """Everything that decides how one clip sounds and what it is called.

    Attributes:
        family: name of the concept family.
        index: the clip's place in the family, from 0.
        labels: value of each label; classes by name.
        seed: seeds whatever the score leaves to chance.
        source_id: clips with one source id are takes of the same material.
        group: what a probe should not lean on; no group stands in two splits.
        stratum: the groups of one stratum are shared out among the splits together.
        caption: the clip in words.
        seconds: length of the clip.
        compose: the pure function from this spec to its score.
        exact: played to the grid, dry, with no human touch in time or velocity.
    """

    family: str
    index: int
    labels: Mapping[str, Any]
    seed: int
    source_id: str
    group: str
    caption: str
    seconds: float
    compose: Callable[[ClipSpec], pretty_midi.PrettyMIDI] = field(repr=False)
    stratum: str = ""
    exact: bool = False

    @property
    def clip_id(self) -> str:
        return f"{self.family}-{self.index:06d}"

    def rng(self) -> np.random.Generator:
        """A fresh generator for whatever the score leaves to chance."""
        return np.random.default_rng(self.seed)

    def score(self) -> pretty_midi.PrettyMIDI:
        """The clip as notes: the same score each time it is asked for."""
        return self.compose(self)


@dataclass(frozen=True)
class Family:
    """A concept family: its labels and one spec per index.

    Attributes:
        name: folder and configuration name, a plural noun.
        title: how the card is headed.
        labels: the label columns by name.
        target: the label that the family is about; samples are stratified by it.
        grouping: in words, what the split group holds apart.
        size: number of clips in the ``full`` preset.
        small: number of clips in the ``small`` preset.
        spec: ``spec(seed, index)``; pure, and cheap enough to call for the whole grid.
        open_ended: whether there are clips past ``size`` (drawn at random, not a grid).
        register_free: whether a clip may move by octaves and keep its labels.
        backdrop: columns that stay the same along a row of the overview picture, if they can.
        limits: sentences for the card on what the labels cannot promise.
        sources: published work that the clips take up, each in words with its reference.
        extras: of pyproject.toml, that its scores need beside what plays them.
        making: how the clips come by their notes and labels.
    """

    name: str
    title: str
    summary: str
    labels: Mapping[str, Label]
    target: str
    grouping: str
    size: int
    spec: Callable[[int, int], ClipSpec]
    small: int = 2400
    open_ended: bool = False
    register_free: bool = False
    backdrop: tuple[str, ...] = ("split_group",)
    limits: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    making: Making = RULED


def seed_for(*parts: object) -> int:
    """A 63-bit seed out of anything that can be written down, the same on every machine.

    >>> seed_for(0, "notes", 1) == seed_for(0, "notes", 1) != seed_for(0, "notes", 2)
    True
    """
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
