"""Clips that have a concept and clips that have not: validation songs, altered and played."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache

import numpy as np

from benchmarks.taught.concepts import Concept
from benchmarks.taught.scores import Alteration
from curation.concepts import songs
from curation.sound_fonts import DEFAULT, SECOND, find_sound_font
from curation.synth import Renderer
from listening.levels import settle
from sketch.material import SAMPLE_RATE, Piece, split_of
from steering.teaching.sounds import Sound

FONTS = {"first": DEFAULT, "second": SECOND}
SECONDS = 8.0
TAUGHT, HEARD, ASKED, VOTED = 5_000, 20_000, 40_000, 60_000
"""Numbers from which songs are taken to teach by, to tell the listeners' errors by, to prompt by, and to
prompt those by who vote."""
PROMPT = "{mood} {genre}"


def songs_from(first: int) -> Iterator[Piece]:
    """Validation songs, one after the other."""
    for index in itertools.count(first):
        piece = Piece("songs", index, SECONDS)
        if split_of(piece) == "validation":
            yield piece


def prompts(count: int) -> list[str]:
    """Short prompts that name none of the concepts."""
    return list(itertools.islice(prompts_from(ASKED), count))


def prompts_from(first: int) -> Iterator[str]:
    """One of each song, without end."""
    return (songs.caption(piece.spec().labels, PROMPT) for piece in songs_from(first))


def sounds(concept: Concept, has: bool, count: int, first: int, font: str = "first") -> list[Sound]:
    """Clips that have the concept, or the same pieces without it, of one sound font of `FONTS`."""
    alteration = concept.has if has else concept.lacks
    fitting = (p for p in songs_from(first) if not concept.drummed or has_drums(p))
    made = ((piece, played(piece, alteration, FONTS[font])) for piece in fitting)
    return [
        Sound(f"{concept.name}-{piece.index}.wav", audio, SAMPLE_RATE)
        for piece, audio in itertools.islice(made, count)
    ]


def has_drums(piece: Piece) -> bool:
    """Whether its score has a part for drums with strokes in it."""
    return any(part.is_drum and part.notes for part in piece.spec().score().instruments)


def played(piece: Piece, alteration: Alteration, font: str) -> np.ndarray:
    """The altered piece, float32 ``[N]``; what lies above an instrument's range stays silent."""
    score = piece.spec().score()
    alteration(score)
    audio, _ = settle(_renderer(font).render(score, piece.seconds).audio)
    return audio.astype(np.float32) / 32_767


@cache
def _renderer(font: str) -> Renderer:
    return Renderer(find_sound_font(font), SAMPLE_RATE)
