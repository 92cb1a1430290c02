"""Which pitch class is strongest, frame by frame: the judge of steered notes.

Constant-Q chroma of the harmonic part (librosa; Fitzgerald 2010 for the separation), the strongest
class of every frame that sounds. It knows nothing of the model, its codes or our probes.
"""

from __future__ import annotations

from functools import lru_cache

import librosa
import numpy as np
from librosa.effects import harmonic

from curation.errors import BadInput
from curation.theory import PITCH_CLASSES

HOP = 512
_QUIET_DB = -50.0
_MARGIN = 4.0


@lru_cache(maxsize=4)
def _hop(sample_rate: int) -> int:
    """Hop in samples, near 16 ms at any rate, as constant-Q needs it: a multiple of 64."""
    return max(64, round(HOP * sample_rate / 32_000 / 64) * 64)


def chroma_frames(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, float]:
    """Amplitudes ``[12, T]`` of the frames that sound, and how many frames there are a second.

    Frames more than 50 dB below the clip's loudest are left out.
    """
    if audio.ndim != 1 or not np.isfinite(audio).all():
        raise BadInput(f"a clip must be finite and mono, [N]: this is {audio.shape}")
    hop = _hop(sample_rate)
    tones = harmonic(audio, margin=_MARGIN)
    amplitudes = librosa.feature.chroma_cqt(
        y=tones, sr=sample_rate, hop_length=hop, norm=None, tuning=0.0
    )
    return amplitudes, sample_rate / hop


def _sounding(audio: np.ndarray, sample_rate: int, frames: int) -> np.ndarray:
    hop = _hop(sample_rate)
    level = librosa.feature.rms(y=audio, frame_length=4 * hop, hop_length=hop)[0, :frames]
    loudest = level.max(initial=0.0)
    sounding: np.ndarray = level > loudest * 10 ** (_QUIET_DB / 20)
    return sounding & (loudest > 1e-6)


def strongest(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The strongest class of every frame ``[T]``, which frames sound ``[T]``, and frames a second."""
    amplitudes, rate = chroma_frames(audio, sample_rate)
    return amplitudes.argmax(axis=0), _sounding(audio, sample_rate, amplitudes.shape[1]), rate


def most_prominent(audio: np.ndarray, sample_rate: int) -> str | None:
    """The pitch class with the most energy over the clip; None for silence."""
    amplitudes, _ = chroma_frames(audio, sample_rate)
    heard = amplitudes[:, _sounding(audio, sample_rate, amplitudes.shape[1])]
    return PITCH_CLASSES[int((heard**2).sum(axis=1).argmax())] if heard.size else None


def share(audio: np.ndarray, sample_rate: int, pitch_class: str) -> float:
    """Share of sounding frames in which this class is the strongest; 0 for silence."""
    wanted = _number(pitch_class)
    classes, sounds, _ = strongest(audio, sample_rate)
    heard = classes[sounds]
    return float((heard == wanted).mean()) if len(heard) else 0.0


def share_per_second(audio: np.ndarray, sample_rate: int, pitch_class: str) -> np.ndarray:
    """The same for every begun second, ``[P]``; a silent second is 0."""
    wanted = _number(pitch_class)
    classes, sounds, rate = strongest(audio, sample_rate)
    seconds = (np.arange(len(classes)) / rate).astype(int)
    hits = sounds & (classes == wanted)
    count = np.bincount(seconds, weights=sounds, minlength=1)
    return np.bincount(seconds, weights=hits, minlength=1) / np.maximum(count, 1)


def entropy(audio: np.ndarray, sample_rate: int) -> float:
    """Bits of the strongest class's distribution over the clip: 0 for a drone, 3.6 at most."""
    classes, sounds, _ = strongest(audio, sample_rate)
    counts = np.bincount(classes[sounds], minlength=12)
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(shares * np.log2(shares)).sum())


def _number(pitch_class: str) -> int:
    if pitch_class not in PITCH_CLASSES:
        raise BadInput(f"no pitch class {pitch_class!r}: choose one of {', '.join(PITCH_CLASSES)}")
    return PITCH_CLASSES.index(pitch_class)
