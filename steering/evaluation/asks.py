"""What is played in every cell: prompts, seeds and targets, apart for validation and test.

Prompts are captions of the songs family that name no key and no tempo in numbers: of its validation
split for choosing strengths, of its test split for the figures. Seeds of the two start a million
apart, so that not one clip of the test was heard before.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from curation.concepts import songs
from curation.errors import BadInput
from sketch import material
from sketch.material import Piece
from steering.families import get_family
from steering.families.prompts import Prompts

SplitName = Literal["validation", "test"]
Wording = Literal["plain", "named", "contradicting"]
FIRST_SEED: dict[SplitName, int] = {"validation": 1_000_000, "test": 2_000_000}
SEEDS = 2
"""Clips of one prompt, each with noise and a target of its own."""

ATTRIBUTES = ("genre", "lead_family", "drums")


@dataclass(frozen=True)
class Ask:
    """One clip to be played in every cell.

    Attributes:
        prompt: number of the prompt among the cell's; clips of one prompt are resampled together.
        text: the prompt in each wording.
        asked: attribute to class: what the plain prompt names.
        targets: concepts to steer to, the first one first.
    """

    prompt: int
    seed: int
    text: Mapping[Wording, str]
    asked: Mapping[str, str]
    targets: tuple[str, ...]
    labels: Mapping[str, object] = field(default_factory=dict)


def asks(
    split: SplitName, count: int, concepts: Sequence[str], family: str, first: int = 0
) -> list[Ask]:
    """Prompts, seeds and targets of ``count`` clips; targets take turns through the concepts.

    Args:
        family: what is steered; it says what its prompts are.
        first: number of the first seed among the split's own.

    Raises:
        BadInput: there are no concepts, or fewer clips than `SEEDS`.
    """
    if count < SEEDS or not concepts:
        raise BadInput(f"{count} clips of {len(concepts)} concepts: ask for {SEEDS} clips or more")
    prompts, chosen = get_family(family).prompts, []
    for prompt, piece in enumerate(itertools.islice(_pieces(split), -(-count // SEEDS))):
        labels = piece.spec().labels
        phrasing = prompts.phrasings[prompt % len(prompts.phrasings)]
        for take in range(SEEDS):
            number = SEEDS * prompt + take
            targets = _targets(number, prompt, take, concepts)
            chosen.append(
                Ask(
                    prompt,
                    FIRST_SEED[split] + first + number,
                    _texts(labels, phrasing, prompts, targets),
                    _asked(labels, phrasing),
                    targets,
                    dict(labels),
                )
            )
    return chosen[:count]


def split_of(seed: int) -> SplitName:
    """Whose clips have this seed.

    >>> split_of(1_000_003)
    'validation'
    """
    begun = [split for split, first in FIRST_SEED.items() if first <= seed]
    return max(begun, key=FIRST_SEED.__getitem__)


def _pieces(split: SplitName) -> Iterator[Piece]:
    for index in itertools.count():
        piece = Piece("songs", index, songs.SECONDS)
        if material.split_of(piece) == split:
            yield piece


def _targets(number: int, prompt: int, take: int, concepts: Sequence[str]) -> tuple[str, ...]:
    """Each concept as often as the others, and a second one that differs from it."""
    place = (prompt + take * (len(concepts) // 2)) % len(concepts)
    other = (place + 1 + number % max(1, len(concepts) - 1)) % len(concepts)
    return (concepts[place], concepts[other]) if len(concepts) > 1 else (concepts[0],)


def _texts(
    labels: Mapping[str, object], phrasing: str, prompts: Prompts, targets: Sequence[str]
) -> dict[Wording, str]:
    plain = songs.caption(labels, phrasing)
    name, rival = prompts.ends or (targets[0], targets[-1])
    return {
        "plain": plain,
        "named": prompts.asking(plain, name),
        "contradicting": prompts.asking(plain, rival),
    }


def _asked(labels: Mapping[str, object], phrasing: str) -> dict[str, str]:
    """What the phrasing names, of the attributes that are listened for."""
    fields = {"genre": ("genre",), "lead_family": ("lead", "a_lead"), "drums": ("drums",)}
    return {
        name: str(labels[name])
        for name in ATTRIBUTES
        if any("{" + part + "}" in phrasing for part in fields[name])
    }


def check_disjoint(one: Sequence[Ask], other: Sequence[Ask]) -> None:
    """Check that two sets of clips share no seed.

    Raises:
        BadInput: they share one.
    """
    if shared := {ask.seed for ask in one} & {ask.seed for ask in other}:
        raise BadInput(f"validation and test share the seed {min(shared)}: take other seeds")
