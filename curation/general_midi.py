"""The General MIDI instruments, numbered from 0, and the 92 of them that hold a clear pitch."""

from __future__ import annotations

import pretty_midi

INSTRUMENTS: tuple[str, ...] = tuple(pretty_midi.program_to_instrument_name(p) for p in range(128))

INSTRUMENT_FAMILIES: tuple[str, ...] = (
    "piano",
    "chromatic percussion",
    "organ",
    "guitar",
    "bass",
    "strings",
    "ensemble",
    "brass",
    "reed",
    "pipe",
    "synth lead",
    "synth pad",
    "synth effects",
    "ethnic",
    "percussive",
    "sound effects",
)

_AMBIGUOUS_OVERTONES = {8, 9, 14, 21, 23, 47, 86}
_EXPRESSIVE = {22, 31, 55, 77, 78}

PITCHED_PROGRAMS: tuple[int, ...] = tuple(
    program
    for program in range(128)
    if not 96 <= program <= 103
    and program < 112
    and program not in _AMBIGUOUS_OVERTONES | _EXPRESSIVE
)
"""SynTheory's 92 instruments (arXiv 2410.00872, section 3 and appendix)."""


def instrument_family(program: int) -> str:
    """The General MIDI family of a program.

    >>> instrument_family(0), instrument_family(73)
    ('piano', 'pipe')
    """
    return INSTRUMENT_FAMILIES[program // 8]


def spoken_name(program: int) -> str:
    """How a caption calls an instrument.

    >>> spoken_name(25), spoken_name(80)
    ('acoustic guitar (steel)', 'lead 1 (square)')
    """
    return INSTRUMENTS[program].lower()
