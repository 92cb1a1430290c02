"""All that is heard in one clip, in one go: small arrays that every table is made from."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np

from curation.errors import BadInput
from listening.chord import triads
from listening.chroma import Profile, profile
from listening.features import features
from listening.levels import rms_dbfs
from listening.onsets import onset_rate
from listening.spans import Span, cut, whole_seconds
from listening.theory import PITCH_CLASSES
from steering.metrics.judges import hear_tempo, hear_tonality

Heard = dict[str, np.ndarray]


FORMAT = 1
"""Of what is heard in parts of clips; raise it whenever the same sound would give other numbers."""


def hear_clip(audio: np.ndarray, sample_rate: int, spans: Sequence[Span] | None = None) -> Heard:
    """Listen to a clip, float32 ``[N]``, or to some spans of it.

    Pitch classes and onsets of spans are those of the clip that lie in them, chords are heard in the
    seconds that do by more than a half. All else is heard in the sound of the spans, end to end. That
    has seams, and is shorter than what the listeners to prompts were fitted on; they hear a twin with
    the same seams, and less surely than in a whole clip. Of spans that hold no beat, tempo says
    nothing.

    Args:
        spans: seconds from and to, a second or more in all; None for the clip.

    Returns:
        energy ``[12]`` and counts ``[P, 12]``: see `Profile`. chords ``[12, 4]``: share of
        the seconds by triad. tonic, mode: numbers, -1 where no key is heard. bpm: nan without a pulse.
        onsets: a second. loudness: dBFS. features ``[F]``: see `listening.features`.

    Raises:
        BadInput: the clip is not finite, or not ``[N]``.
    """
    try:
        seen = profile(audio, sample_rate, spans)
    except ValueError as error:
        raise BadInput(str(error)) from None
    part = audio if spans is None else cut(audio, sample_rate, spans)
    tonality = hear_tonality(part, sample_rate)
    beat = hear_tempo(part, sample_rate)
    tonic, mode = -1, -1
    if tonality.heard is not None:
        name, kind = tonality.heard.split()
        tonic, mode = PITCH_CLASSES.index(name), ("major", "minor").index(kind)
    return {
        "energy": seen.energy,
        "counts": seen.counts,
        "chords": triads(_chorded(audio, sample_rate, spans), sample_rate),
        "tonic": np.array(tonic),
        "mode": np.array(mode),
        "bpm": np.array(np.nan if beat.number is None else beat.number),
        "onsets": np.array(onset_rate(audio, sample_rate, spans)),
        "loudness": np.array(rms_dbfs(part)),
        "features": features(part, sample_rate),
    }


def _chorded(audio: np.ndarray, sample_rate: int, spans: Sequence[Span] | None) -> np.ndarray:
    """The seconds in which chords are told: whole ones, or the spans where they fill none."""
    if spans is None:
        return audio
    seconds = [(float(one), one + 1.0) for one in whole_seconds(spans)]
    return cut(audio, sample_rate, seconds or spans)


def hear_all(clips: Sequence[np.ndarray], sample_rate: int, pool: Executor | None = None) -> Heard:
    """The same of many clips of one length, stacked: ``[B, ...]``."""
    rates = [sample_rate] * len(clips)
    heard = list((pool.map if pool else map)(hear_clip, clips, rates))
    return {name: np.stack([one[name] for one in heard]) for name in heard[0]}


def entropies(heard: Heard) -> np.ndarray:
    """Entropy of the strongest pitch class in bits, per clip ``[B]``."""
    pairs = zip(heard["energy"], heard["counts"], strict=True)
    return np.array([Profile(energy, counts).entropy for energy, counts in pairs])
