"""Parts of a clip, each from one second to another: what is listened to where not all of it counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Span = tuple[float, float]

MOST = 0.5
"""Share of a second above which it counts as a whole."""


def spans_where(on: np.ndarray, rate: float) -> list[Span]:
    """Where a row of booleans ``[T]``, ``rate`` of them a second, is true.

    >>> spans_where(np.array([True, True, False, True]), 2.0)
    [(0.0, 1.0), (1.5, 2.0)]
    """
    edges = np.flatnonzero(np.diff(np.pad(on.astype(int), 1)))
    return [(start / rate, end / rate) for start, end in edges.reshape(-1, 2).tolist()]


def length(spans: Sequence[Span]) -> float:
    """Seconds of all spans together."""
    return sum(end - start for start, end in spans)


def inside(spans: Sequence[Span], seconds: np.ndarray) -> np.ndarray:
    """Which of the times ``[T]`` lie in a span, bool ``[T]``.

    >>> inside([(1.0, 2.0)], np.array([0.5, 1.0, 2.0])).tolist()
    [False, True, False]
    """
    found = np.zeros(len(seconds), dtype=bool)
    for start, end in spans:
        found |= (seconds >= start) & (seconds < end)
    return found


def cut(audio: np.ndarray, sample_rate: int, spans: Sequence[Span]) -> np.ndarray:
    """The sound of the spans of a clip ``[N]``, end to end; nothing is faded where they meet."""
    parts = [audio[round(a * sample_rate) : round(b * sample_rate)] for a, b in spans]
    return np.concatenate(parts) if parts else audio[:0]


def whole_seconds(spans: Sequence[Span]) -> list[int]:
    """The seconds of a clip that lie in the spans by more than a half."""
    last = int(max((end for _, end in spans), default=0)) + 1
    return [
        second
        for second in range(last)
        if length(
            [
                (max(a, second), min(b, second + 1))
                for a, b in spans
                if a < second + 1 and b > second
            ]
        )
        > MOST
    ]
