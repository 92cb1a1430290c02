"""Tonic and mode of a clip: the judge of steered keys. The listener is curation's `hear_key`."""

from __future__ import annotations

import numpy as np

from curation.hearing import NothingHeard, hear_key
from curation.verdicts import key_score
from steering.metrics.verdict import Verdict


def hear(audio: np.ndarray, sample_rate: int) -> Verdict:
    """The key as ``"C major"``; its tonic, its mode and it itself have a share of 1."""
    try:
        tonic, mode = hear_key(audio, sample_rate)
    except NothingHeard:
        return Verdict(None)
    return Verdict(f"{tonic} {mode}", {f"{tonic} {mode}": 1.0, tonic: 1.0, mode: 1.0})


def nearness(verdict: Verdict, target: str) -> float:
    """The MIREX score of the key heard against ``"A minor"``: related keys count in part."""
    if verdict.heard is None:
        return 0.0
    tonic, mode = target.split()
    heard_tonic, heard_mode = verdict.heard.split()
    return key_score((heard_tonic, heard_mode), tonic, mode)
