"""Which pitch class is strongest, frame by frame.

Constant-Q chroma of the harmonic part (librosa; Fitzgerald 2010 for the separation), the strongest
class of every frame that sounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import librosa
import numpy as np
from scipy.ndimage import median_filter

from listening.spans import Span, inside
from listening.theory import PITCH_CLASSES

RATE = 16_000
"""Notes are heard below 8 kHz: what is sampled faster is resampled first."""

HOP = 256
_QUIET_DB = -50.0
_MARGIN = 4.0
_KERNEL = 31


@lru_cache(maxsize=4)
def _hop(sample_rate: int) -> int:
    """Hop in samples, near 16 ms at any rate, as constant-Q needs it: a multiple of 64."""
    return max(64, round(HOP * sample_rate / RATE / 64) * 64)


def _slower(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, int]:
    """A clip at no more than the rate that is listened at, and its rate."""
    if audio.ndim != 1 or not np.isfinite(audio).all():
        raise ValueError(f"a clip must be finite and mono, [N]: this is {audio.shape}")
    if sample_rate <= RATE:
        return audio, sample_rate
    return librosa.resample(audio, orig_sr=sample_rate, target_sr=RATE), RATE


def harmonic(audio: np.ndarray) -> np.ndarray:
    """The part of a clip that lasts, ``[N]``: to the bit what `librosa.effects.harmonic` finds.

    That spends nearly all its time in two-dimensional median filters; rows that are laid end to end
    are filtered ten times faster.
    """
    bins = librosa.stft(audio)
    size, phase = librosa.magphase(bins)
    lasting = _medians(size)
    sudden = np.ascontiguousarray(_medians(np.ascontiguousarray(size.T)).T)
    mask = librosa.util.softmask(lasting, sudden * _MARGIN, power=2.0, split_zeros=False)
    return librosa.istft(size * mask * phase, dtype=audio.dtype, length=len(audio))


def _medians(table: np.ndarray) -> np.ndarray:
    """Running medians along rows ``[R, T]``, mirrored at the ends."""
    half = _KERNEL // 2
    rows = np.pad(table, ((0, 0), (half, half)), mode="symmetric")
    return median_filter(rows.ravel(), size=_KERNEL).reshape(rows.shape)[:, half:-half]


def chroma_frames(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, float]:
    """Amplitudes ``[12, T]`` of the frames that sound, and how many frames there are a second.

    Frames more than 50 dB below the clip's loudest are left out.

    Raises:
        ValueError: the clip is not ``[N]``, or not finite.
    """
    audio, sample_rate = _slower(audio, sample_rate)
    hop = _hop(sample_rate)
    tones = harmonic(audio)
    amplitudes = librosa.feature.chroma_cqt(
        y=tones, sr=sample_rate, hop_length=hop, norm=None, tuning=0.0
    )
    return amplitudes, sample_rate / hop


def _audible_frames(audio: np.ndarray, sample_rate: int, frames: int) -> np.ndarray:
    hop = _hop(sample_rate)
    level = librosa.feature.rms(y=audio, frame_length=4 * hop, hop_length=hop)[0, :frames]
    loudest = level.max(initial=0.0)
    sounding: np.ndarray = level > loudest * 10 ** (_QUIET_DB / 20)
    return sounding & (loudest > 1e-6)


@dataclass(frozen=True)
class Profile:
    """All that is asked about a clip's pitch classes, from one look at it.

    Attributes:
        energy: float ``[12]``, of the frames that sound.
        counts: float ``[P, 12]``: in how many sounding frames of every begun second each class is
            the strongest.
    """

    energy: np.ndarray
    counts: np.ndarray

    @property
    def most_prominent(self) -> str | None:
        """The class with the most energy over the clip; None for silence."""
        return PITCH_CLASSES[int(self.energy.argmax())] if self.counts.sum() else None

    def share(self, pitch_class: str) -> float:
        """Share of sounding frames in which this class is the strongest; 0 for silence.

        Raises:
            ValueError: there is no such pitch class.
        """
        heard = self.counts.sum(axis=0)
        return float(heard[_number(pitch_class)] / max(heard.sum(), 1))

    def share_per_second(self, pitch_class: str) -> np.ndarray:
        """The same for every begun second, ``[P]``; a silent second is 0.

        Raises:
            ValueError: there is no such pitch class.
        """
        hits = self.counts[:, _number(pitch_class)]
        return hits / np.maximum(self.counts.sum(axis=1), 1)

    @property
    def entropy(self) -> float:
        """Bits of the strongest class's distribution over the clip: 0 for a drone, 3.6 at most."""
        counts = self.counts.sum(axis=0)
        shares = counts[counts > 0] / max(counts.sum(), 1)
        return float(-(shares * np.log2(shares)).sum())


def _look(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Amplitudes ``[12, T]``, which frames sound ``[T]``, and frames a second."""
    amplitudes, rate = chroma_frames(audio, sample_rate)
    sounds = _audible_frames(*_slower(audio, sample_rate), amplitudes.shape[1])
    return amplitudes, sounds, rate


def profile(audio: np.ndarray, sample_rate: int, spans: Sequence[Span] | None = None) -> Profile:
    """Look at a clip, float ``[N]``, once.

    Args:
        spans: frames outside of them do not count, but the whole clip is looked at: a note that
            rings on is not cut. A low note's frame hears half a second around it. None for all.

    Raises:
        ValueError: the clip is not ``[N]``, or not finite.
    """
    audio, sample_rate = _slower(audio, sample_rate)
    amplitudes, sounds, rate = _look(audio, sample_rate)
    times = np.arange(amplitudes.shape[1]) / rate
    if spans is not None:
        sounds = sounds & inside(spans, times)
    energy = (amplitudes[:, sounds] ** 2).sum(axis=1)
    seconds = times.astype(int)
    counts = np.zeros((-(-len(audio) // sample_rate), 12))
    counted = sounds & (seconds < len(counts))
    np.add.at(counts, (seconds[counted], amplitudes.argmax(axis=0)[counted]), 1)
    return Profile(energy, counts)


def _number(pitch_class: str) -> int:
    if pitch_class not in PITCH_CLASSES:
        raise ValueError(
            f"no pitch class {pitch_class!r}: choose one of {', '.join(PITCH_CLASSES)}"
        )
    return PITCH_CLASSES.index(pitch_class)
