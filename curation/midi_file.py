"""A score as a standard MIDI file: the bytes that pretty_midi writes, in a fifth of the time.

A release writes one beside each clip, and mido looks at every event several times. Timing is written by
pretty_midi; instruments' tracks are laid out here, in its order.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from copy import copy
from functools import cache

import pretty_midi

_PROGRAM, _BEND, _CONTROL, _NOTE = (kind << 16 for kind in (6, 7, 8, 10))
"""In this order pretty_midi writes what happens at one tick."""

_END = b"\xff\x2f\x00"
_DRUMS = 9
_MELODIC = [channel for channel in range(16) if channel != _DRUMS]

Event = tuple[int, int, bytes]
"""Tick, place among those of that tick, and message."""


def midi_bytes(score: pretty_midi.PrettyMIDI) -> bytes:
    """The file's bytes."""
    timing = copy(score)
    timing.instruments = []
    head = bytearray(_written(timing))
    head[10:12] = (1 + len(score.instruments)).to_bytes(2, "big")
    to_tick = _ticks_of(score)
    tracks = [
        _track(instrument, _DRUMS if instrument.is_drum else _MELODIC[place % 15], to_tick)
        for place, instrument in enumerate(score.instruments)
    ]
    return bytes(head) + b"".join(tracks)


def _ticks_of(score: pretty_midi.PrettyMIDI) -> Callable[[float], int]:
    """`time_to_tick`; where one tempo holds and no table was made, without its search in that table."""
    if len(score._tick_scales) > 1 or len(score._PrettyMIDI__tick_to_time) > 1:
        return cache(score.time_to_tick)
    tick = score._tick_scales[0][1]
    return lambda time: round(time / tick) if time > 0 else 0


def _written(score: pretty_midi.PrettyMIDI) -> bytes:
    buffer = io.BytesIO()
    score.write(buffer)
    return buffer.getvalue()


def _track(
    instrument: pretty_midi.Instrument, channel: int, to_tick: Callable[[float], int]
) -> bytes:
    events = sorted(_events(instrument, channel, to_tick), key=lambda event: event[:2])
    data, before, status = bytearray(), 0, -1
    if instrument.name:
        name = instrument.name.encode("latin-1")
        data += b"\x00\xff\x03" + _length(len(name)) + name
    for tick, _, message in events:
        data += _length(tick - before)
        data += message if message[0] != status else message[1:]
        before, status = tick, message[0]
    data += _length(1) + _END
    return b"MTrk" + len(data).to_bytes(4, "big") + bytes(data)


def _events(
    instrument: pretty_midi.Instrument, channel: int, to_tick: Callable[[float], int]
) -> Iterator[Event]:
    yield 0, _PROGRAM, bytes((0xC0 | channel, instrument.program))
    on, bend, control = 0x90 | channel, 0xE0 | channel, 0xB0 | channel
    for note in instrument.notes:
        pitch, velocity = note.pitch, note.velocity
        place = _NOTE + (pitch << 8)
        yield to_tick(note.start), place + velocity, bytes((on, pitch, velocity))
        yield to_tick(note.end), place, bytes((on, pitch, 0))
    for one in instrument.pitch_bends:
        value = one.pitch + 8192
        yield to_tick(one.time), _BEND + one.pitch, bytes((bend, value & 127, value >> 7))
    for one in instrument.control_changes:
        place = _CONTROL + (one.number << 8) + one.value
        yield to_tick(one.time), place, bytes((control, one.number, one.value))


def _length(ticks: int) -> bytes:
    """A delta time: seven bits a byte, the last one without its high bit.

    >>> [_length(ticks).hex() for ticks in (0, 127, 128, 480)]
    ['00', '7f', '8100', '8360']
    """
    found = [ticks & 127]
    while ticks := ticks >> 7:
        found.append(ticks & 127 | 128)
    return bytes(reversed(found))
