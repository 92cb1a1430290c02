"""From what was heard to what a table says of a cell: hits, shares, adherence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steering.evaluation.asks import Ask
from steering.evaluation.cells import Result
from steering.evaluation.fitted_judges import Judges
from steering.evaluation.heard import entropies


def share_of(shares: Mapping[str, np.ndarray], targets: Sequence[str]) -> np.ndarray:
    """Each clip's share of its own target, ``[B]``; nan where nothing is a share."""
    if not shares:
        return np.full(len(targets), np.nan)
    return np.array([shares[target][clip] for clip, target in enumerate(targets)])


def hits(shares: Mapping[str, np.ndarray], targets: Sequence[str]) -> np.ndarray:
    """Whether each clip's target is its largest share, float ``[B]``; a clip of nothing is no hit.

    Where nothing is a share, of a number as tempo, there is nothing to hit: nan.
    """
    names = list(shares)
    if not names:
        return np.full(len(targets), np.nan)
    table = np.stack([shares[name] for name in names])
    answers = [names[place] for place in table.argmax(axis=0)]
    loud = table.max(axis=0) > 0
    same = [answer == target for answer, target in zip(answers, targets, strict=True)]
    return (np.array(same) & loud).astype(float)


@dataclass(frozen=True)
class Scores:
    """A cell in numbers, one per clip ``[B]``, and its points ``[B, E]``.

    Attributes:
        hit: whether the target is the most prominent. share: how much of the clip it is.
        probe: whether a held-out probe names it; nan where there is none.
        entropy: bits of the strongest pitch class. onsets: a second. loudness: dBFS.
        adherence: to what the plain prompt names.
    """

    hit: np.ndarray
    share: np.ndarray
    probe: np.ndarray
    entropy: np.ndarray
    onsets: np.ndarray
    loudness: np.ndarray
    adherence: np.ndarray
    points: np.ndarray


@dataclass(frozen=True)
class PushedScores:
    """The pushed seconds of a cell, and the same ones of its twin.

    Attributes:
        seconds: of a clip that are pushed.
    """

    seconds: float
    steered: Scores
    twin: Scores


HeldOut = Callable[[np.ndarray], Sequence[str]]
"""Activations ``[B, L, D]`` to the concept that a probe hears in each clip."""


def score(
    result: Result,
    asks: Sequence[Ask],
    judges: Judges,
    shares: Mapping[str, np.ndarray],
    prominent: Mapping[str, np.ndarray],
    held_out: HeldOut | None = None,
    target: int = 0,
) -> Scores:
    """All numbers of a cell.

    Args:
        shares, prominent: how much of each concept there is, and what there is most of, ``[B]`` each.
        target: which of a clip's targets counts.
    """
    targets = [ask.targets[target] for ask in asks]
    probe = np.full(len(asks), np.nan)
    if held_out is not None:
        named = held_out(result["states"].astype(np.float32))
        probe = np.array([a == b for a, b in zip(named, targets, strict=True)], dtype=float)
    return Scores(
        hits(prominent, targets),
        share_of(shares, targets),
        probe,
        entropies(result),
        result["onsets"].astype(float),
        result["loudness"].astype(float),
        adherence(result, asks, judges),
        judges.embedding(result["features"]),
    )


def adherence(result: Result, asks: Sequence[Ask], judges: Judges) -> np.ndarray:
    """How much each clip is what its plain prompt asks for, ``[B]``: CLAP's cosine where it heard."""
    if "clap" in result:
        return result["clap"].astype(float)
    return judges.listeners.score(result["features"], [ask.asked for ask in asks])
