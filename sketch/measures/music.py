"""Whether it is music: level, how clear the pitches are, how long they last, whether it varies."""

from __future__ import annotations

import numpy as np

from listening.constant_q import HOP, plain_chroma, sounding
from listening.levels import FLOOR_DBFS, SILENT_DBFS, dbfs, rms_dbfs

SHORTEST_FRAMES = 3
"""Runs of one pitch class shorter than 60 ms are transitions, not notes."""


def describe(audio: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Numbers of one clip, float ``[N]``.

    Returns:
        peak, level: dBFS. clipped: 1 where a sample reaches full scale. silent: 1 below -60 dBFS.
        clarity: the strongest pitch class's share of the chroma, mean over sounding frames.
        note: median seconds that one pitch class stays the strongest.
    """
    peak = float(np.abs(audio).max(initial=0.0))
    amplitudes = plain_chroma(audio, sample_rate)
    loud = sounding(audio, amplitudes.shape[1])
    frames = amplitudes[:, : len(loud)][:, loud]
    shares = frames.max(axis=0) / np.maximum(frames.sum(axis=0), 1e-9)
    runs = note_lengths(frames.argmax(axis=0)) * HOP / sample_rate
    return {
        "peak": dbfs(peak),
        "level": rms_dbfs(audio),
        "clipped": float(peak >= 1.0),
        "silent": float(dbfs(peak) < SILENT_DBFS or peak <= 10 ** (FLOOR_DBFS / 20)),
        "clarity": float(shares.mean()) if len(shares) else 0.0,
        "note": float(np.median(runs)) if len(runs) else 0.0,
    }


def note_lengths(strongest: np.ndarray) -> np.ndarray:
    """Lengths of runs of one value in ``[T]``, those of `SHORTEST_FRAMES` and more.

    >>> note_lengths(np.array([7, 7, 7, 7, 0, 4, 4, 4])).tolist()
    [4, 3]
    """
    edges = np.flatnonzero(np.diff(strongest)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [len(strongest)]]))
    return lengths[lengths >= SHORTEST_FRAMES]


def likeness(one: np.ndarray, other: np.ndarray, sample_rate: int) -> float:
    """Share of frames in which two clips have the same strongest pitch class; 1 for copies."""
    a, b = (plain_chroma(audio, sample_rate).argmax(axis=0) for audio in (one, other))
    frames = min(len(a), len(b))
    return float((a[:frames] == b[:frames]).mean())
