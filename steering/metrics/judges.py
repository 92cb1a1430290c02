"""Judges of steered notes, triads, keys and tempos.

They are the listeners of `listening`, which know nothing of the model, its codes or our probes.
"""

from __future__ import annotations

import numpy as np

from listening.agreement import key_score
from listening.chord import triads
from listening.chroma import profile
from listening.key import hear_key
from listening.spectrum import NothingHeard
from listening.tempo import hear_bpm
from listening.theory import PITCH_CLASSES, TRIADS
from steering.metrics.verdict import Verdict


def hear_note(audio: np.ndarray, sample_rate: int) -> Verdict:
    """The most prominent pitch class, and each class's share of the frames."""
    seen = profile(audio, sample_rate)
    return Verdict(seen.most_prominent, {name: seen.share(name) for name in PITCH_CLASSES})


def hear_triad(audio: np.ndarray, sample_rate: int) -> Verdict:
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


def triad_quality(verdict: Verdict) -> str | None:
    """The most frequent quality out of `TRIADS`; None for silence."""
    return max(TRIADS, key=verdict.share) if verdict.heard else None


def hear_tonality(audio: np.ndarray, sample_rate: int) -> Verdict:
    """The key as ``"C major"``; its tonic, its mode and it itself have a share of 1."""
    try:
        tonic, mode = hear_key(audio, sample_rate)
    except NothingHeard:
        return Verdict(None)
    return Verdict(f"{tonic} {mode}", {f"{tonic} {mode}": 1.0, tonic: 1.0, mode: 1.0})


def key_nearness(verdict: Verdict, target: str) -> float:
    """The MIREX score of the key heard against ``"A minor"``: related keys count in part."""
    if verdict.heard is None:
        return 0.0
    tonic, mode = target.split()
    heard_tonic, heard_mode = verdict.heard.split()
    return key_score((heard_tonic, heard_mode), tonic, mode)


def hear_tempo(audio: np.ndarray, sample_rate: int) -> Verdict:
    """The tempo as a number of beats per minute; nothing for a clip without a pulse."""
    try:
        bpm = hear_bpm(audio, sample_rate)
    except NothingHeard:
        return Verdict(None)
    return Verdict(f"{bpm:.0f} bpm", {}, bpm)
