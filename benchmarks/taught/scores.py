"""Scores that are altered in one thing: how long notes last, how high they are, how often, how many, who plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pretty_midi

from curation.arrangement.ensemble import LEAD

Alteration = Callable[[pretty_midi.PrettyMIDI], None]
"""What is done to a score, in its place."""

STACCATO, SHORTEST_SECONDS = 0.25, 0.05
"""Of a note's length, and the least that is left of it."""
LOWEST, HIGHEST, OCTAVE = 21, 108, 12
"""MIDI numbers of the outermost keys of a piano."""
STROKES, SOUNDING = 12.0, 0.6
"""Of a tremolo, a second; and the part of each that sounds."""


def pitched(score: pretty_midi.PrettyMIDI) -> Iterator[pretty_midi.Instrument]:
    """The parts that are no drums."""
    return (part for part in score.instruments if not part.is_drum)


def as_it_is(score: pretty_midi.PrettyMIDI) -> None:
    """Nothing is altered."""


def staccato(score: pretty_midi.PrettyMIDI) -> None:
    """Pitched notes last a quarter as long."""
    for part in pitched(score):
        for note in part.notes:
            length = note.end - note.start
            note.end = note.start + min(length, max(SHORTEST_SECONDS, STACCATO * length))


def legato(score: pretty_midi.PrettyMIDI) -> None:
    """Pitched notes last until the next of their part begins."""
    for part in pitched(score):
        starts = sorted({note.start for note in part.notes})
        following = dict(pairwise(starts))
        for note in part.notes:
            note.end = following.get(note.start, note.end)


def high(score: pretty_midi.PrettyMIDI) -> None:
    """Pitched notes lie two octaves higher, or one where the keys end."""
    _move(score, OCTAVE)


def low(score: pretty_midi.PrettyMIDI) -> None:
    """Pitched notes lie two octaves lower, or one where the keys end."""
    _move(score, -OCTAVE)


def _move(score: pretty_midi.PrettyMIDI, by: int) -> None:
    for part in pitched(score):
        for note in part.notes:
            places = (note.pitch + 2 * by, note.pitch + by, note.pitch)
            note.pitch = next((p for p in places if LOWEST <= p <= HIGHEST), note.pitch)


def tremolo(score: pretty_midi.PrettyMIDI) -> None:
    """Pitched notes are struck again and again as long as they last."""
    for part in pitched(score):
        part.notes = [stroke for note in part.notes for stroke in _strokes(note)]


def _strokes(note: pretty_midi.Note) -> Iterator[pretty_midi.Note]:
    for number in range(max(1, round((note.end - note.start) * STROKES))):
        start = note.start + number / STROKES
        yield pretty_midi.Note(note.velocity, note.pitch, start, start + SOUNDING / STROKES)


def without_drums(score: pretty_midi.PrettyMIDI) -> None:
    """Nobody drums."""
    score.instruments = list(pitched(score))


def thick(score: pretty_midi.PrettyMIDI) -> None:
    """Pitched notes sound an octave higher and an octave lower, too."""
    for part in pitched(score):
        found = {(note.start, note.pitch): note for note in part.notes}
        for note in part.notes:
            for pitch in (note.pitch + OCTAVE, note.pitch - OCTAVE):
                if LOWEST <= pitch <= HIGHEST:
                    double = pretty_midi.Note(note.velocity, pitch, note.start, note.end)
                    found.setdefault((note.start, pitch), double)
        part.notes = list(found.values())


def thin(score: pretty_midi.PrettyMIDI) -> None:
    """The melody alone."""
    score.instruments = [part for part in score.instruments if part.name == LEAD]
