"""What the prompts of an evaluation say of a family, and what they leave out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

PHRASINGS = (
    "{mood} {genre}",
    "{genre} with {a_lead}",
    "{mood} {genre} {shape} led by {a_lead}",
    "{mood} {genre} {shape} with {lead}, {drums}",
)
"""Captions of songs that name no key, no note and no tempo."""


def listed(prompt: str, concept: str) -> str:
    """For concepts that captions have no words for.

    >>> listed("calm jazz", "diminished")
    'calm jazz, diminished'
    """
    return f"{prompt}, {concept}"


def in_major(prompt: str, concept: str) -> str:
    """A pitch class as a key.

    >>> in_major("calm jazz", "C")
    'calm jazz in C major'
    """
    return f"{prompt} in {concept} major"


def in_c(prompt: str, concept: str) -> str:
    """A mode as a key.

    >>> in_c("calm jazz", "minor")
    'calm jazz in C minor'
    """
    return f"{prompt} in C {concept}"


@dataclass(frozen=True)
class Prompts:
    """How clips are asked for.

    Attributes:
        asking: a prompt and a concept to the prompt that asks for it in words.
        phrasings: of songs' captions: what is to be heard must not be asked for.
        ends: words for more and for less of a number, to be asked for in place of concepts.
    """

    asking: Callable[[str, str], str] = listed
    phrasings: tuple[str, ...] = PHRASINGS
    ends: tuple[str, str] | None = None
