"""Listeners of one thing each, in sound alone: they know of no model and of no score.

They were chosen by 16 clips with and 16 without, of other songs than those that tell their errors.
"""

from __future__ import annotations

from collections.abc import Callable

import librosa
import numpy as np
from librosa.onset import onset_detect
from scipy.ndimage import maximum_filter1d

from listening.transcription import Note, transcribe

Hearing = Callable[[np.ndarray, int], float]
"""What is heard in a clip ``[N]`` of so many Hz."""

_FRAMES, _BANDS, _HOP = 100, 40, 512
"""Of the level, frames a second, and bands; samples from one spectrum to the next."""
FALLEN_DB, LOOK_BACK_SECONDS = 15.0, 0.5
TREMOLO_HZ, MODULATION_HZ = (8.0, 16.0), (0.5, 40.0)


def _amplitude(audio: np.ndarray, rate: int) -> np.ndarray:
    """How loud every hundredth of a second is, ``[T]``."""
    hop = rate // _FRAMES
    found: np.ndarray = librosa.feature.rms(y=audio, frame_length=2 * hop, hop_length=hop)[0]
    return found


def gaps(audio: np.ndarray, rate: int) -> float:
    """Share of the time in which the level is 15 dB below its highest of the last half second."""
    level = librosa.amplitude_to_db(_amplitude(audio, rate), amin=1e-6)
    size = round(LOOK_BACK_SECONDS * _FRAMES)
    highest = maximum_filter1d(level, size, origin=(size - 1) // 2)
    return float((level < highest - FALLEN_DB).mean())


def register(audio: np.ndarray, rate: int) -> float:
    """MIDI number of the notes that are heard, the mean over the time that they last; nan of none."""
    notes = transcribe(audio, rate)
    lengths = [note.end - note.start for note in notes]
    return float(np.average([n.pitch for n in notes], weights=lengths)) if notes else float("nan")


def flutter(audio: np.ndarray, rate: int) -> float:
    """Share of the movement of levels, between 0.5 and 40 a second, that is 8 to 16 a second.

    Of forty bands by themselves, each as much as its power: strokes of a drum do not hide a tremolo.
    """
    power = librosa.feature.melspectrogram(
        y=audio, sr=rate, n_fft=1_024, hop_length=rate // _FRAMES, n_mels=_BANDS
    )
    amplitude = np.sqrt(power)
    moved = (amplitude - amplitude.mean(1, keepdims=True)) * np.hanning(amplitude.shape[1])
    movement = np.abs(np.fft.rfft(moved)) ** 2  # [bands, rates]
    hertz = np.fft.rfftfreq(amplitude.shape[1], 1 / _FRAMES)
    within, whole = (
        movement[:, (hertz >= low) & (hertz <= high)].sum(1)
        for low, high in (TREMOLO_HZ, MODULATION_HZ)
    )
    return float((power.sum(1) * within / (whole + 1e-12)).sum() / (power.sum() + 1e-12))


def strokes(audio: np.ndarray, rate: int) -> float:
    """How much the spectrum is like noise's where something begins: its flatness, the median of onsets."""
    flatness = librosa.feature.spectral_flatness(y=audio, hop_length=_HOP)[0]
    onsets = onset_detect(y=audio, sr=rate, hop_length=_HOP, units="frames")
    return (
        float(np.median(flatness[np.minimum(onsets + 1, len(flatness) - 1)]))
        if len(onsets)
        else 0.0
    )


def thickness(audio: np.ndarray, rate: int) -> float:
    """How many notes are heard at once, the mean over the clip."""
    return sum(map(_seconds, transcribe(audio, rate))) / max(len(audio) / rate, 1e-9)


def _seconds(note: Note) -> float:
    return note.end - note.start


EARS: dict[str, Hearing] = {
    "gaps": gaps,
    "register": register,
    "flutter": flutter,
    "strokes": strokes,
    "thickness": thickness,
}
