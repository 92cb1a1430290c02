"""Variants of a clip, so that three clips do not teach a key: transposed, louder or softer, faster or slower.

What belongs to the concept is left alone: somebody who teaches a high register does not want it moved.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from librosa import effects  # type: ignore[attr-defined]

from curation.errors import BadInput

SEMITONES, DECIBELS, FASTER = 5, 6.0, 0.12
"""The most that a variant is moved, either way."""
PARTS = ("pitch", "level", "tempo")
"""What may belong to a concept."""
MOST_VARIANTS, WANTED = 4, 60
"""Of a clip, its own self included; and of all clips together, as far as that allows."""


def check_parts(belongs: Collection[str]) -> None:
    """Check what is said to belong to a concept.

    Raises:
        BadInput: it is nothing that variants could leave alone.
    """
    unknown = sorted(set(belongs) - set(PARTS))
    if unknown:
        raise BadInput(f"{unknown[0]!r:.30} is no part of a concept: name {', '.join(PARTS)}")


def how_many(clips: int) -> int:
    """Variants of each of so many clips.

    >>> how_many(3), how_many(20), how_many(50)
    (4, 3, 1)
    """
    return int(np.clip(WANTED // max(clips, 1), 1, MOST_VARIANTS))


def variant(
    audio: np.ndarray, sample_rate: int, moves: Mapping[str, float], belongs: Collection[str] = ()
) -> np.ndarray:
    """A clip ``[N]``, moved.

    Args:
        moves: from -1 to 1 for each of `PARTS`. belongs: those that stay as they are.
    """
    by = {part: 0.0 if part in belongs else moves.get(part, 0.0) for part in PARTS}
    made = audio
    if by["tempo"]:
        made = effects.time_stretch(made, rate=1 + FASTER * by["tempo"])
    if steps := round(SEMITONES * by["pitch"]):
        made = effects.pitch_shift(made, sr=sample_rate, n_steps=steps)
    return (made * 10 ** (DECIBELS * by["level"] / 20)).astype(np.float32)


def drawn(rng: np.random.Generator) -> dict[str, float]:
    """Moves by chance."""
    return {part: float(rng.uniform(-1, 1)) for part in PARTS}
