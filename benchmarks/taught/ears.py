"""Listeners of one thing each, in sound alone: they know of no model and of no score."""

from __future__ import annotations

from collections.abc import Callable

import librosa
import numpy as np
from librosa.decompose import hpss
from librosa.onset import onset_detect

from listening.transcription import Note, transcribe

Hearing = Callable[[np.ndarray, int], float]
"""What is heard in a clip ``[N]`` of so many Hz."""

_FRAMES = 100
"""Of the level, a second."""
FALLEN_DB = 15.0
TREMOLO_HZ, MODULATION_HZ = (8.0, 16.0), (0.5, 40.0)


def _amplitude(audio: np.ndarray, rate: int) -> np.ndarray:
    """How loud every hundredth of a second is, ``[T]``."""
    hop = rate // _FRAMES
    found: np.ndarray = librosa.feature.rms(y=audio, frame_length=2 * hop, hop_length=hop)[0]
    return found


def gaps(audio: np.ndarray, rate: int) -> float:
    """Share of the time in which the level has fallen 15 dB below its highest since the last onset."""
    level = librosa.amplitude_to_db(_amplitude(audio, rate), amin=1e-6)
    onsets = onset_detect(y=audio, sr=rate, units="time") * _FRAMES
    fallen = [
        part < np.maximum.accumulate(part) - FALLEN_DB
        for part in np.split(level, np.round(onsets).astype(int))
    ]
    return float(np.concatenate(fallen).mean())


def register(audio: np.ndarray, rate: int) -> float:
    """MIDI number of the notes that are heard, the mean over the time that they last; nan of none."""
    notes = transcribe(audio, rate)
    lengths = [note.end - note.start for note in notes]
    return float(np.average([n.pitch for n in notes], weights=lengths)) if notes else float("nan")


def flutter(audio: np.ndarray, rate: int) -> float:
    """Share of the level's movement, between 0.5 and 40 a second, that is 8 to 16 a second."""
    amplitude = _amplitude(audio, rate)
    moved = (amplitude - amplitude.mean()) * np.hanning(len(amplitude))
    power = np.abs(np.fft.rfft(moved)) ** 2
    hertz = np.fft.rfftfreq(len(moved), 1 / _FRAMES)
    within, whole = (
        power[(hertz >= low) & (hertz <= high)].sum() for low, high in (TREMOLO_HZ, MODULATION_HZ)
    )
    return float(within / max(whole, 1e-12))


def strokes(audio: np.ndarray, rate: int) -> float:
    """Share of the energy that is struck and not held (Fitzgerald 2010)."""
    held, struck = hpss(np.abs(librosa.stft(audio)))
    return float((struck**2).sum() / max((held**2).sum() + (struck**2).sum(), 1e-12))


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
