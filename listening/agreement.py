"""How far what was heard agrees with a label, or a sound with its copy."""

from __future__ import annotations

from typing import Literal

import mir_eval
import numpy as np

from listening.theory import MODES

TEMPO_TOLERANCE = 0.04
"""Share of the tempo by which an estimate may be off, as in the MIREX tempo task."""

WITHIN_3_DB = 10 ** (-3 / 20)


def tempo_agreement(heard: float, label: float) -> Literal["same", "octave", "wrong"]:
    """Whether two tempos in beats per minute are one, within 4 %.

    ``"octave"`` is a tempo heard two or three times too fast or too slow, which a tapping listener
    would be forgiven for (Gouyon et al., IEEE TASLP 14, 2006).

    >>> [tempo_agreement(heard, 100.0) for heard in (103.0, 50.0, 300.0, 110.0)]
    ['same', 'octave', 'octave', 'wrong']
    """
    for factor in (1.0, 2.0, 3.0, 1 / 2, 1 / 3):
        if abs(heard / (factor * label) - 1) <= TEMPO_TOLERANCE:
            return "same" if factor == 1 else "octave"
    return "wrong"


def key_score(heard: tuple[str, str], tonic: str, mode: str) -> float:
    """The MIREX score of a key, 0 to 1: a fifth off is 0.5, the relative 0.3, the parallel 0.2.

    Args:
        heard: what `hear_key` returned.
        tonic: pitch class of the label.
        mode: ``"major"``, ``"minor"`` or one of `MODES`, judged by its third.

    >>> key_score(("C", "major"), "C", "ionian"), key_score(("C", "major"), "A", "aeolian")
    (1.0, 0.3)
    """
    if mode in MODES:
        mode = "major" if 4 in MODES[mode] else "minor"
    return mir_eval.key.weighted_score(f"{tonic} {mode}", " ".join(heard))


def chroma_agreement(true: np.ndarray, made: np.ndarray) -> dict[str, np.ndarray]:
    """Chroma of a sound and of its copy, ``[12, T]`` each, compared per frame.

    Returns:
        exact: whether the strongest pitch class is the same.
        within 3 dB: whether the copy's strongest is at most 3 dB below the original's strongest,
            in the original. In a chord the strongest class flips at a breath.
        cosine: of the two frames' amplitudes.
    """
    picked = made.argmax(axis=0)
    strength = np.take_along_axis(true, picked[None], axis=0)[0] / np.maximum(
        true.max(axis=0), 1e-9
    )
    lengths = np.linalg.norm(true, axis=0) * np.linalg.norm(made, axis=0)
    return {
        "exact": (picked == true.argmax(axis=0)).astype(float),
        "within 3 dB": (strength >= WITHIN_3_DB).astype(float),
        "cosine": (true * made).sum(axis=0) / np.maximum(lengths, 1e-12),
    }
