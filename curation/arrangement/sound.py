"""Which instruments a part may take, how they are levelled, and tones into a playable score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pretty_midi

from curation.arrangement.grid import Clock, Tone

VOLUME, EXPRESSION, REVERB_SEND = 7, 11, 91
TOUCH = 5.0
"""Standard deviation of the velocity of a human touch."""

RANGES: dict[int, tuple[int, int]] = {
    22: (60, 88),
    40: (57, 93),
    41: (50, 84),
    42: (38, 72),
    56: (55, 82),
    57: (43, 70),
    59: (55, 82),
    60: (43, 75),
    61: (46, 80),
    64: (56, 84),
    65: (52, 80),
    66: (46, 76),
    67: (40, 68),
    68: (59, 87),
    69: (52, 79),
    70: (38, 69),
    71: (52, 88),
    73: (60, 93),
    75: (60, 90),
    79: (60, 88),
    105: (50, 81),
}
"""Compass of instruments that have a narrow one, MIDI; all others take `WIDE`."""

WIDE = (45, 91)

LOUDNESS: dict[int, float] = {
    **dict.fromkeys((0, 1, 3), 0.36),
    **dict.fromkeys((11, 13, 28, 40), 0.55),
    **dict.fromkeys((69, 70, 22, 15, 27), 0.75),
    **dict.fromkeys((2, 5, 10, 18, 26, 29, 49, 53), 1.25),
    **dict.fromkeys((4, 17, 30, 57, 60, 65, 79, 92, 93), 1.6),
    39: 1.8,
}
"""Loudness of the programs that are not near 1.0 (amplitude at velocity 95, middle register)."""


def compass(program: int) -> tuple[int, int]:
    """Lowest and highest pitch for a melody on a program.

    >>> compass(73), compass(0)
    ((60, 93), (45, 91))
    """
    return RANGES.get(program, WIDE)


def into_compass(pitch: int, program: int) -> int:
    """The pitch, moved by octaves into the program's compass."""
    low, high = compass(program)
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch


def perform(
    tones: Sequence[Tone],
    program: int,
    clock: Clock,
    rng: np.random.Generator,
    *,
    volume: float,
    gate: float = 1.0,
    loose: float = 0.005,
    touch: float = TOUCH,
    reverb: int = 0,
    swell: bool = False,
    is_drum: bool = False,
) -> pretty_midi.Instrument:
    """Tones on the grid as an instrument of a score.

    Args:
        volume: relative level, 1.0 is the level of a lead; the program's own loudness is evened out.
        gate: share of a tone's length that sounds.
        loose: standard deviation of the timing, seconds.
        touch: standard deviation of the velocity.
        reverb: reverb send, 0 to 127.
        swell: whether each bar's notes rise from soft, for pads.
    """
    instrument = pretty_midi.Instrument(program, is_drum=is_drum)
    instrument.control_changes.append(
        pretty_midi.ControlChange(VOLUME, _level(volume, 0 if is_drum else program, is_drum), 0.0)
    )
    if reverb:
        instrument.control_changes.append(pretty_midi.ControlChange(REVERB_SEND, reverb, 0.0))
    shifts = rng.normal(0, loose, len(tones))
    touches = rng.normal(0, touch, len(tones))
    for tone, shift, weight in zip(tones, shifts, touches, strict=True):
        start = max(0.0, clock.seconds(tone.at) + float(shift))
        end = max(start + 0.04, clock.seconds(tone.at + tone.length * gate) + float(shift))
        velocity = min(max(round(tone.velocity + weight), 20), 124)
        instrument.notes.append(pretty_midi.Note(velocity, int(tone.pitch), start, end))
    if swell:
        _swell(instrument, clock)
    return instrument


def _level(volume: float, program: int, is_drum: bool) -> int:
    """CC 7 for a relative level; FluidSynth's amplitude goes with its square."""
    loudness = 1.0 if is_drum else LOUDNESS.get(program, 1.0)
    return int(np.clip(round(120 * np.sqrt(volume / loudness)), 20, 127))


def _swell(instrument: pretty_midi.Instrument, clock: Clock) -> None:
    starts = sorted({round(note.start, 2) for note in instrument.notes})
    for start in starts:
        for share in np.linspace(0, 1, 9):
            value = round(40 + 80 * float(share))
            instrument.control_changes.append(
                pretty_midi.ControlChange(EXPRESSION, value, start + 0.8 * float(share))
            )
