"""Which triads sound, second by second: the judge of steered chords.

The listener is curation's, templates of the four triads on a note spectrum (see `hear_chord`); here
it is asked about every second of a clip.
"""

from __future__ import annotations

import numpy as np

from curation.hearing import NothingHeard, hear_chord
from curation.theory import PITCH_CLASSES, TRIADS
from steering.metrics.verdict import Verdict


def triads(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Share of the sounding seconds by root and quality, ``[12, 4]``; zeros for silence.

    A rest of the clip at its end counts from half a second.
    """
    counts = np.zeros((len(PITCH_CLASSES), len(TRIADS)))
    for start in range(0, len(audio), sample_rate):
        part = audio[start : start + sample_rate]
        if len(part) < sample_rate / 2 and counts.any():
            break
        try:
            root, quality = hear_chord(part, sample_rate)
        except NothingHeard:
            continue
        counts[PITCH_CLASSES.index(root), list(TRIADS).index(quality)] += 1
    shares: np.ndarray = counts / max(counts.sum(), 1)
    return shares


def hear(audio: np.ndarray, sample_rate: int) -> Verdict:
    """The most frequent triad, as ``"A minor"``, and every triad's and quality's share."""
    table = triads(audio, sample_rate)
    if not table.any():
        return Verdict(None, dict.fromkeys(TRIADS, 0.0))
    shares = {
        f"{root} {quality}": float(table[row, column])
        for row, root in enumerate(PITCH_CLASSES)
        for column, quality in enumerate(TRIADS)
    }
    qualities = dict(zip(TRIADS, table.sum(axis=0).tolist(), strict=True))
    return Verdict(max(shares, key=lambda name: shares[name]), shares | qualities)


def quality(verdict: Verdict) -> str | None:
    """The most frequent quality out of `TRIADS`; None for silence."""
    return max(TRIADS, key=verdict.share) if verdict.heard else None
