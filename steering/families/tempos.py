"""Tempo, a number with one direction: from metronomes and from bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steering.families.family import SteeredFamily, Training, Trial, Usual
from steering.families.prompts import Prompts

if TYPE_CHECKING:
    from sketch.material import Piece

IN_WORDS = {"slow": 70, "fast": 150}
"""What captions call them, in beats a minute; prompts for tempos name no other."""


def at_tempo(prompt: str, word: str) -> str:
    """Slow or fast music, in words and numbers.

    >>> at_tempo("calm jazz", "fast")
    'fast calm jazz, 150 bpm'
    """
    return f"{word} {prompt}, {IN_WORDS[word]} bpm"


def bpm(piece: Piece) -> str:
    """A clip's beats a minute."""
    return str(piece.spec().labels["bpm"])


_PROMPTS = Prompts(at_tempo, ends=("fast", "slow"))

families = (
    SteeredFamily(
        "tempos",
        Training("tempos", "bpm", task="regression"),
        "tempo",
        place=30,
        usual=Usual(0.05, "ridge"),
        prompts=_PROMPTS,
        trials=(
            Trial("tempo, metronome", "tempo", "tempos", 4.0, bpm),
            Trial("tempo, songs", "tempo", "songs", 12.0, bpm),
            Trial("tempo, music by people", "tempo", "scores", 8.0, bpm, True),
        ),
    ),
    SteeredFamily(
        "tempos_in_genres",
        Training("genres", "bpm", task="regression"),
        "tempo, from bands",
        place=110,
        usual=Usual(0.04, "ridge"),
        prompts=_PROMPTS,
    ),
)
