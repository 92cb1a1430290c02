"""Pitch classes, modes and chords as numbers. Sharps only, MIDI 60 is C4."""

from __future__ import annotations

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

MODES: dict[str, tuple[int, ...]] = {
    "ionian": (0, 2, 4, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "aeolian": (0, 2, 3, 5, 7, 8, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
}

TRIADS: dict[str, tuple[int, int, int]] = {
    "major": (0, 4, 7),
    "minor": (0, 3, 7),
    "aug": (0, 4, 8),
    "dim": (0, 3, 6),
}

INTERVALS = (
    "minor second",
    "major second",
    "minor third",
    "major third",
    "perfect fourth",
    "tritone",
    "perfect fifth",
    "minor sixth",
    "major sixth",
    "minor seventh",
    "major seventh",
    "octave",
)


def pitch_name(pitch: int) -> str:
    """The scientific name of a MIDI pitch.

    >>> pitch_name(60), pitch_name(0), pitch_name(70)
    ('C4', 'C-1', 'A#4')
    """
    return f"{PITCH_CLASSES[pitch % 12]}{pitch // 12 - 1}"


def degree_pitch(tonic: int, mode: str, degree: int) -> int:
    """The MIDI pitch of a scale degree, counted from 1 and running on through the octaves.

    >>> [degree_pitch(60, "ionian", d) for d in (1, 5, 8, 0)]
    [60, 67, 72, 59]
    """
    octave, step = divmod(degree - 1, 7)
    return tonic + 12 * octave + MODES[mode][step]


def diatonic_triad(tonic: int, mode: str, degree: int) -> tuple[int, int, int]:
    """Root, third and fifth on a scale degree, as MIDI pitches in close position.

    >>> diatonic_triad(60, "ionian", 2)
    (62, 65, 69)
    """
    root, third, fifth = (degree_pitch(tonic, mode, degree + step) for step in (0, 2, 4))
    return root, third, fifth


def invert(chord: tuple[int, ...], inversion: int) -> tuple[int, ...]:
    """Move the lowest ``inversion`` notes of a chord up an octave.

    >>> invert((60, 64, 67), 1)
    (64, 67, 72)
    """
    return chord[inversion:] + tuple(pitch + 12 for pitch in chord[:inversion])
