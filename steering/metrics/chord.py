"""Which triads sound, second by second: the judge of steered chords.

The listener is curation's, templates of the four triads on a note spectrum (see `hear_chord`); here
it is asked about every second of a clip.
"""

from __future__ import annotations

import numpy as np

from curation.hearing import NothingHeard, hear_chord
from curation.theory import TRIADS
from steering.metrics.verdict import Verdict


def triads(audio: np.ndarray, sample_rate: int) -> list[tuple[str, str]]:
    """Root and quality of every second that sounds; a rest at the end counts from half a second."""
    heard: list[tuple[str, str]] = []
    for start in range(0, len(audio), sample_rate):
        part = audio[start : start + sample_rate]
        if len(part) < sample_rate / 2 and heard:
            break
        try:
            heard.append(hear_chord(part, sample_rate))
        except NothingHeard:
            continue
    return heard


def hear(audio: np.ndarray, sample_rate: int) -> Verdict:
    """The most frequent quality out of `TRIADS`, and each quality's share of the seconds."""
    qualities = [quality for _, quality in triads(audio, sample_rate)]
    if not qualities:
        return Verdict(None, dict.fromkeys(TRIADS, 0.0))
    shares = {name: qualities.count(name) / len(qualities) for name in TRIADS}
    return Verdict(max(shares, key=lambda name: shares[name]), shares)
