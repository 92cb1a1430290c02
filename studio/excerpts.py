"""What a round of a blind test plays: a few seconds of a pair, encoded anew for each of A, B and X.

Each has a beginning, a level and a dither of its own by lot, and all are equally long, so that X is a
copy of neither and comparing sample by sample or byte by byte tells little. X is on odd numbers where A
and B are on even ones: not one sample of X equals one of theirs. It still is the same music, and
`studio.abx` says what follows from that.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import numpy as np

from listening.loudness import match_db
from studio.clips import SIDES, Pair

SECONDS = 4.0
LATE_SECONDS = 0.02
LEVEL_DB = 0.1
"""How far beginnings and levels differ by lot at most: no ear tells by it."""

_FADE_SECONDS = 0.01
_FULL_SCALE = 32768
_STEP = 2


def excerpt(pair: Pair) -> np.ndarray:
    """Some seconds of both sides, float ``[2, N]`` with full scale 1, at the loudness both can have.

    Where it begins is drawn from what comes after the two have parted.
    """
    steered, unsteered = (pair.side(side) for side in SIDES)
    length = min(round((SECONDS + LATE_SECONDS) * pair.sample_rate), len(steered))
    latest = len(steered) - length
    earliest = min(int(np.argmax(steered != unsteered)), latest)
    begin = earliest + secrets.randbelow(latest - earliest + 1)
    cut = pair.sound[:, begin : begin + length] / _FULL_SCALE
    db = match_db(cut[0], cut[1], pair.sample_rate)
    gains = 10 ** (np.minimum([db, -db], 0) / 20)
    return cut * gains[:, None]


def encoded(cut: np.ndarray, sample_rate: int, sides: Mapping[str, str]) -> dict[str, np.ndarray]:
    """A, B and X as int16, all of one length, which is the cut's less `LATE_SECONDS`.

    Args:
        cut: as `excerpt` gives it.
        sides: the side that each of ``a``, ``b`` and ``x`` is.
    """
    return {
        name: afresh(cut[SIDES.index(side)], sample_rate, odd=name == "x")
        for name, side in sides.items()
    }


def afresh(sound: np.ndarray, sample_rate: int, odd: bool = False) -> np.ndarray:
    """Samples ``[N]`` with full scale 1 as int16, less `LATE_SECONDS`: begun, levelled and dithered by lot.

    Their ends are faded, so that they can go round without a click.

    Args:
        odd: on odd numbers, else on even ones: none of the one kind equals any of the other.
    """
    late = min(round(LATE_SECONDS * sample_rate), len(sound) // 10)
    length = len(sound) - late
    begin = secrets.randbelow(late + 1)
    return _anew(sound[begin : begin + length] * _fades(length, sample_rate), odd)


def _anew(sound: np.ndarray, odd: bool) -> np.ndarray:
    """Samples ``[N]`` on odd or on even numbers, by triangular dither of two steps' width."""
    lot = np.random.default_rng()
    level = _FULL_SCALE * 10 ** (-lot.uniform(0, LEVEL_DB) / 20)
    dither = lot.uniform(-0.5, 0.5, (2, len(sound))).sum(axis=0)
    steps = np.round((level * sound - odd) / _STEP + dither)
    limits = np.iinfo(np.int16)
    return np.clip(_STEP * steps + odd, limits.min + odd, limits.max - 1 + odd).astype(np.int16)


def _fades(length: int, sample_rate: int) -> np.ndarray:
    """Gains ``[N]`` that rise at the beginning and fall at the end."""
    places = np.arange(length)
    return np.clip(np.minimum(places, places[::-1]) / (_FADE_SECONDS * sample_rate), 0, 1)
