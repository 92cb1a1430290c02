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

from curation.arrangement.styles import GENRES
from curation.concepts import songs
from curation.errors import BadInput
from listening.theory import PITCH_CLASSES
from sketch.material import Piece, split_of
from steering.training.labels import TRIAD_NAMES

SplitName = Literal["validation", "test"]
Wording = Literal["plain", "named", "contradicting"]
FIRST_SEED: dict[SplitName, int] = {"validation": 1_000_000, "test": 2_000_000}
SEEDS = 2
"""Clips of one prompt, each with noise and a target of its own."""

ATTRIBUTES = ("genre", "lead_family", "drums")
_NEUTRAL = (
    "{mood} {genre}",
    "{genre} with {a_lead}",
    "{mood} {genre} {shape} led by {a_lead}",
    "{mood} {genre} {shape} with {lead}, {drums}",
)
_WITHOUT_GENRE = ("{mood} {shape} led by {a_lead}", "{lead}, {mood}", "{mood} {shape}, {drums}")
"""Phrasings for genres: what is to be heard must not be asked for."""

TEMPOS_IN_WORDS = {"slow": 70, "fast": 150}
"""What captions call them, in beats a minute; prompts for tempos name no other."""


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
        family: what is steered; prompts for genres name none.
        first: number of the first seed among the split's own.
    """
    if count < SEEDS or not concepts:
        raise BadInput(f"{count} clips of {len(concepts)} concepts: ask for {SEEDS} clips or more")
    chosen = []
    for prompt, piece in enumerate(itertools.islice(_pieces(split), -(-count // SEEDS))):
        labels = piece.spec().labels
        phrasings = _WITHOUT_GENRE if family == "genres" else _NEUTRAL
        phrasing = phrasings[prompt % len(phrasings)]
        for take in range(SEEDS):
            number = SEEDS * prompt + take
            targets = _targets(number, prompt, take, concepts)
            chosen.append(
                Ask(
                    prompt,
                    FIRST_SEED[split] + first + number,
                    _texts(labels, phrasing, family, targets),
                    _asked(labels, phrasing),
                    targets,
                    dict(labels),
                )
            )
    return chosen[:count]


def _pieces(split: SplitName) -> Iterator[Piece]:
    for index in itertools.count():
        piece = Piece("songs", index, songs.SECONDS)
        if split_of(piece) == split:
            yield piece


def _targets(number: int, prompt: int, take: int, concepts: Sequence[str]) -> tuple[str, ...]:
    """Each concept as often as the others, and a second one that differs from it."""
    place = (prompt + take * (len(concepts) // 2)) % len(concepts)
    other = (place + 1 + number % max(1, len(concepts) - 1)) % len(concepts)
    return (concepts[place], concepts[other]) if len(concepts) > 1 else (concepts[0],)


def _texts(
    labels: Mapping[str, object], phrasing: str, family: str, targets: Sequence[str]
) -> dict[Wording, str]:
    plain = songs.caption(labels, phrasing)
    name, rival = ("fast", "slow") if family == "tempos" else (targets[0], targets[-1])
    return {
        "plain": plain,
        "named": in_words(family, plain, name),
        "contradicting": in_words(family, plain, rival),
    }


def in_words(family: str, prompt: str, concept: str) -> str:
    """The prompt with a concept asked for in words, as far as captions have words for it.

    >>> in_words("notes", "calm jazz", "C"), in_words("genres", "oboe", "jazz swing")
    ('calm jazz in C major', 'jazz oboe')
    >>> in_words("tempos", "calm jazz", "fast")
    'fast calm jazz, 150 bpm'
    """
    if family == "tempos":
        return f"{concept} {prompt}, {TEMPOS_IN_WORDS[concept]} bpm"
    if concept in TRIAD_NAMES:
        return f"{prompt} in {concept}"
    if concept in PITCH_CLASSES:
        return f"{prompt} in {concept} major"
    if concept in songs.MODES:
        return f"{prompt} in C {concept}"
    if family == "genres" or concept in GENRES:
        return f"{'jazz' if concept == 'jazz swing' else concept} {prompt}"
    return f"{prompt}, {concept}"


def _asked(labels: Mapping[str, object], phrasing: str) -> dict[str, str]:
    """What the phrasing names, of the attributes that are listened for."""
    fields = {"genre": ("genre",), "lead_family": ("lead", "a_lead"), "drums": ("drums",)}
    return {
        name: str(labels[name])
        for name in ATTRIBUTES
        if any("{" + part + "}" in phrasing for part in fields[name])
    }


def check_disjoint(one: Sequence[Ask], other: Sequence[Ask]) -> None:
    """Refuse two sets of clips that share a seed."""
    if shared := {ask.seed for ask in one} & {ask.seed for ask in other}:
        raise BadInput(f"validation and test share the seed {min(shared)}: take other seeds")
