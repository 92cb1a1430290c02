"""The notes that are played, written down: an ear that was trained by others, on real instruments.

The network is Bittner et al., "A Lightweight Instrument-Agnostic Model for Polyphonic Note Transcription
and Multipitch Estimation" (ICASSP 2022), as it comes in `listening/basic_pitch`. It gives for each of the
88 keys of a piano the chance that it sounds and the chance that it begins, 86 times a second; notes are
put together from those here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import librosa
import numpy as np
from scipy.ndimage import binary_closing

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MODEL = Path(__file__).parent / "basic_pitch" / "model.onnx"
RATE, HOP, WINDOW = 22_050, 256, 43_844
"""What the network hears: samples a second, samples a frame, samples at a time."""

LOWEST_KEY = 21
SOUNDING, BEGINNING = 0.3, 0.5
"""Chances from which a key sounds, and from which it is struck (the package's own defaults)."""

SHORTEST_SECONDS, BRIDGED_SECONDS = 0.08, 0.05
_EDGE = 15
"""Frames at either end of a window that have heard too little around them."""


@dataclass(frozen=True, order=True)
class Note:
    """A note that was heard.

    Attributes:
        start, end: seconds.
        pitch: MIDI number.
        chance: mean chance that it sounded, 0 to 1.
    """

    start: float
    end: float
    pitch: int
    chance: float


def transcribe(audio: np.ndarray, sample_rate: int) -> list[Note]:
    """The notes of a clip ``[N]``, in the order in which they begin.

    Raises:
        ImportError: onnxruntime is not installed.
    """
    if not len(audio):
        return []
    sounding, beginning = _chances(audio, sample_rate)
    return sorted(note for key in range(88) for note in _notes(key, sounding, beginning))


def _chances(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """How likely each key sounds, and begins: ``[T, 88]``, `RATE` / `HOP` frames a second."""
    heard = librosa.resample(audio.astype(np.float32), orig_sr=sample_rate, target_sr=RATE)
    step = WINDOW - 2 * _EDGE * HOP
    padded = np.pad(heard, (_EDGE * HOP, WINDOW))
    windows = np.stack([padded[at : at + WINDOW] for at in range(0, len(heard), step)])
    session = _session()
    outputs = ("StatefulPartitionedCall:1", "StatefulPartitionedCall:2")
    given = session.run(outputs, {session.get_inputs()[0].name: windows[..., None]})
    frames = len(heard) // HOP + 1
    kept = step // HOP
    sounding, beginning = (
        one[:, _EDGE : _EDGE + kept].reshape(-1, one.shape[-1])[:frames] for one in given
    )
    return sounding, beginning


def _notes(key: int, sounding: np.ndarray, beginning: np.ndarray) -> list[Note]:
    """Of one key: as long as it sounds, and anew wherever it is struck."""
    rate = RATE / HOP
    on = binary_closing(
        np.pad(sounding[:, key] >= SOUNDING, 8), np.ones(1 + round(BRIDGED_SECONDS * rate))
    )[8:-8]
    struck = beginning[:, key]
    peaks = (struck >= BEGINNING) & (struck >= np.roll(struck, 1)) & (struck > np.roll(struck, -1))
    first = on & (~np.roll(on, 1) | peaks)
    first[:1] = on[:1]
    notes = []
    for start in np.flatnonzero(first):
        after = np.flatnonzero(~on[start:] | np.append(False, first[start + 1 :]))
        end = start + (after[0] if len(after) else len(on) - start)
        if (end - start) / rate >= SHORTEST_SECONDS:
            chance = float(sounding[start:end, key].mean())
            notes.append(Note(start / rate, end / rate, key + LOWEST_KEY, chance))
    return notes


@cache
def _session() -> InferenceSession:
    """The network, on one thread: it is quick, and shares the machine with a model that plays."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
