"""What the sketch is trained on: clips of our own families, rendered when they are needed.

A piece is known by its family, index and length alone, so a corpus of any size is a list of
pieces, and the same list on every machine. Splits are those of the published datasets.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from curation.concepts import get_family
from curation.levels import settle
from curation.sound_fonts import find_sound_font
from curation.spec import ClipSpec, seed_for
from curation.splits import grouped_split, grouped_splits
from curation.synth import Renderer

SAMPLE_RATE = 32_000
DATASET_SEED = 0
"""The seed of the published datasets: what is test there is test here."""


@dataclass(frozen=True)
class Share:
    """A part of the corpus: clips of ``family``, ``seconds`` long, from ``first`` on.

    ``portion`` is its part of the hours.
    """

    family: str
    seconds: float
    portion: float
    first: int = 0


MIX = (
    Share("songs", 12.0, 0.70),
    Share("songs", 30.0, 0.12, first=1_000_000),
    Share("genres", 8.0, 0.08),
    Share("notes", 4.0, 0.04),
    Share("chords", 4.0, 0.06),
)
"""Long songs are other songs than the short ones: no index stands in both."""


@dataclass(frozen=True, order=True)
class Piece:
    """One clip of the corpus, before it sounds."""

    family: str
    index: int
    seconds: float

    def spec(self) -> ClipSpec:
        """The clip's spec at this piece's length."""
        return replace(get_family(self.family).spec(DATASET_SEED, self.index), seconds=self.seconds)


@cache
def _split_table(family: str) -> dict[tuple[str, str], str]:
    return grouped_splits(get_family(family), DATASET_SEED)


def split_of(piece: Piece) -> str:
    """The split that the published dataset has this clip in."""
    return grouped_split(piece.spec(), _split_table(piece.family), DATASET_SEED)


def pieces(split: str, hours: float, mix: Sequence[Share] = MIX) -> list[Piece]:
    """A corpus of about this many hours out of one split, in a shuffled but fixed order.

    It is laid out in blocks of an hour, so that a longer corpus begins with the shorter one. Grids
    are taken at most once through.
    """
    sources = [_of_share(share, split) for share in mix]
    taken = [0] * len(mix)
    corpus: list[Piece] = []
    for end in [*np.arange(1.0, hours), hours]:
        block: list[Piece] = []
        for place, share in enumerate(mix):
            total = round(end * 3600 * share.portion / share.seconds)
            block += itertools.islice(sources[place], total - taken[place])
            taken[place] = total
        corpus += sorted(block, key=lambda piece: seed_for(DATASET_SEED, "corpus", piece))
    return corpus


def _of_share(share: Share, split: str) -> Iterator[Piece]:
    family = get_family(share.family)
    indices: Iterator[int]
    if family.open_ended:
        indices = itertools.count(share.first)
    else:
        indices = iter(
            np.random.default_rng(seed_for(DATASET_SEED, share.family))
            .permutation(family.size)
            .tolist()
        )
    for index in indices:
        piece = Piece(share.family, index, share.seconds)
        if split_of(piece) == split:
            yield piece


@cache
def _renderer(sound_font: str) -> Renderer:
    return Renderer(find_sound_font(sound_font), SAMPLE_RATE)


def render(piece: Piece, sound_font: str = "FluidR3_GM.sf2") -> np.ndarray | None:
    """The piece as int16 ``[N]`` at 32 kHz; None where the font cannot play all of its notes."""
    performance = _renderer(sound_font).render(piece.spec().score(), piece.seconds)
    audio, levels = settle(performance.audio)
    return None if performance.unsounded or levels.silent else audio
