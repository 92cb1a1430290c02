"""Root and quality of a triad: of a clip that is one chord, or second by second."""

from __future__ import annotations

import numpy as np

from listening.spectrum import NOTES, NothingHeard, even_frames, note_amounts, octaves_apart
from listening.theory import PITCH_CLASSES, TRIADS


def hear_chord(audio: np.ndarray, sample_rate: int) -> tuple[str, str]:
    """Root and quality of the one triad that sounds, in any inversion.

    The spectrum is explained as a sum of notes (non-negative least squares, as in NNLS chroma:
    Mauch and Dixon, ISMIR 2010), the notes are folded into one octave, and the triad wins whose
    three tones hold most of them. The roots of an augmented triad sound alike: the lowest note
    decides among them.

    Args:
        audio: float ``[N]``, full scale 1.0.
        sample_rate: Hz, 8,000 or more.

    Returns:
        A pitch class and a quality out of `TRIADS`.

    Raises:
        NothingHeard: the sound is silent.
    """
    mean = even_frames(audio, sample_rate).mean(axis=1, keepdims=True)
    notes = note_amounts(mean, sample_rate)[:, 0]
    chroma = octaves_apart(notes, NOTES)
    score = {
        (root, quality): chroma[[(root + step) % 12 for step in steps]].sum()
        for quality, steps in TRIADS.items()
        for root in range(12)
    }
    root, quality = max(score, key=lambda triad: score[triad])
    if quality == "aug":
        bass = NOTES[int(np.argmax(notes > 0.4 * notes.max()))] % 12
        root = next((r for r in (root, (root + 4) % 12, (root + 8) % 12) if r == bass), root)
    return PITCH_CLASSES[root], quality


def triads(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Share of the sounding seconds by root and quality, ``[12, 4]``; zeros for silence.

    A rest of the clip at its end counts from half a second.
    """
    counts = np.zeros((len(PITCH_CLASSES), len(TRIADS)))
    for start in range(0, len(audio), sample_rate):
        part = audio[start : start + sample_rate]
        if len(part) < sample_rate / 2 and counts.any():
            break
        try:
            root, quality = hear_chord(part, sample_rate)
        except NothingHeard:
            continue
        counts[PITCH_CLASSES.index(root), list(TRIADS).index(quality)] += 1
    return counts / max(counts.sum(), 1)
