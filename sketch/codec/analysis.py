"""What a stem sounds like, frame by frame, and no frame tells of the note that comes next.

A window centred on its frame looks ahead: codes then change before the note does, and a long
window, which low pitches need, looks ahead by more frames than a fast step has. Here a window slides
inside the note that its frame belongs to. It begins no earlier than the note and ends where the next
one begins, so that all frames of a short note are described alike, from its first one on.

What is described is *what* sounds, as log-frequency bands at one level, and *how*: level, and the
shape of the spectrum in the frame itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from librosa.filters import mel as mel_filters
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import dct

from sketch.codec.features import HOP, SAMPLE_RATE, log_frequency_bands

PITCH_WINDOW, SOUND_WINDOW = 6_144, 1_280
"""Samples: 0.19 s for what sounds, 0.04 s for how."""

PACE = 4
"""Frames of a note that share a window of what sounds: 0.08 s."""

PITCH_BANDS, SOUND_BANDS, CEPSTRA = 200, 64, 16
SILENT_DBFS = -62.0
_PITCH_FLOOR = 0.02
"""Of a frame's strongest band, -34 dB: what is below it says nothing of what sounds."""

_SOUND_FLOOR = 10 ** (-70 / 20)


@dataclass(frozen=True)
class Description:
    """A stem's frames.

    Attributes:
        pitch, sound: ``[T, 200]``, and ``[T, 64]`` in dB/20.
        level: ``[T]`` in dBFS.
        onsets: frames at which its notes begin, in order.
    """

    pitch: np.ndarray
    sound: np.ndarray
    level: np.ndarray
    onsets: np.ndarray

    @property
    def silent(self) -> np.ndarray:
        """Frames ``[T]`` in which the stem is not heard."""
        return self.level < SILENT_DBFS


class Analysis:
    """Describes stems. Tables are made once."""

    def __init__(self) -> None:
        bands = log_frequency_bands(PITCH_WINDOW, PITCH_BANDS)
        self._pitch = torch.from_numpy(bands.T.copy())
        mels = mel_filters(sr=SAMPLE_RATE, n_fft=SOUND_WINDOW, n_mels=SOUND_BANDS, norm=None)
        self._sound = torch.from_numpy((mels / mels.sum(1, keepdims=True)).T.astype(np.float32))

    def describe(self, audio: np.ndarray, onsets: np.ndarray) -> Description:
        """A stem, float32 ``[N]``, whose notes begin at these frames."""
        frames = len(audio) // HOP
        first, last = note_bounds(onsets, frames)
        with torch.no_grad():
            sound = self._bands(audio, *windows(first, last, SOUND_WINDOW), self._sound)
            pitch = self._bands(audio, *windows(first, last, PITCH_WINDOW, PACE), self._pitch)
        strongest = pitch.amax(1, keepdim=True).clamp_min(1e-5)
        relative = torch.log1p(pitch / (strongest * _PITCH_FLOOR))
        power = np.square(audio[: frames * HOP].astype(np.float64)).reshape(frames, HOP).mean(1)
        return Description(
            relative.numpy(),
            torch.log10(sound.clamp_min(_SOUND_FLOOR)).numpy(),
            10 * np.log10(power + 1e-12),
            onsets,
        )

    def _bands(
        self, audio: np.ndarray, starts: np.ndarray, lengths: np.ndarray, filters: torch.Tensor
    ) -> torch.Tensor:
        """Amplitudes ``[T, bands]`` through filters ``[window // 2 + 1, bands]`` of Hann windows."""
        bands = torch.empty(len(starts), filters.shape[1])
        for length in np.unique(lengths).tolist():
            here = np.flatnonzero(lengths == length)
            begins, of_frame = np.unique(starts[here], return_inverse=True)
            cut = torch.from_numpy(sliding_window_view(audio, length)[begins])
            hann = torch.hann_window(length)
            spectra = torch.fft.rfft(cut * (hann * (2 / hann.sum())), n=2 * len(filters) - 2)
            bands[torch.from_numpy(here)] = (spectra.abs() @ filters)[torch.from_numpy(of_frame)]
        return bands


def note_bounds(onsets: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """For every frame where its note begins and where the next one does, ``[T]`` each, in frames.

    >>> note_bounds(np.array([2, 5]), 7)[0].tolist()
    [0, 0, 2, 2, 2, 5, 5]
    """
    edges = np.unique(np.concatenate([[0], onsets[(onsets > 0) & (onsets < frames)], [frames]]))
    note = np.searchsorted(edges, np.arange(frames), side="right") - 1
    return edges[note], edges[note + 1]


def windows(
    first: np.ndarray, last: np.ndarray, window: int, pace: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Where each frame's window begins and how long it is, in samples, ``[T]`` each.

    It is centred on its frame where its note leaves room, else moved into the note, and shorter
    where the note is.

    Args:
        pace: frames, counted from the note's first, that share a window.
    """
    frames = np.arange(len(first))
    frames = first + (frames - first) // pace * pace
    length = np.minimum(window, (last - first) * HOP)
    centred = frames * HOP + pace * HOP // 2 - length // 2
    return np.clip(centred, first * HOP, last * HOP - length), length


def cepstra(sound: np.ndarray) -> np.ndarray:
    """Shape of the spectrum ``[T, 16]`` without its level, of bands ``[T, 64]``."""
    return dct(sound, norm="ortho")[:, 1 : CEPSTRA + 1]
