"""Scores into sound: one FluidSynth in this process, driven note by note.

A clip depends on its score alone, never on the clip before it: each gets a synthesiser of its own.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pretty_midi

from curation.errors import BadInput
from curation.extras import need
from curation.sound_fonts import SoundFont

BLOCK = 64
"""FluidSynth works in blocks of 64 samples, and so does our clock: 2 ms at 32 kHz."""

MOST_VOICES, FEW_VOICES = 256, 128
"""That a synthesiser can play at a time; most of the time of making one goes into their memory."""

FEW_NOTES = 16
"""A score with no more of them is tried with few voices."""

GAIN = 0.4
DRUM_CHANNEL = 9
DRUM_BANK = 128
FADE_SECONDS = 0.01
CHANNELS = 32
_REVERB_SEND, _CHORUS_SEND = 91, 93
_OFF, _CONTROL, _BEND, _ON = range(4)

Event = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class PlayedScore:
    """A played score.

    Attributes:
        audio: float32 ``[N]``, mono, full scale 1.0; more is possible, see `listening.levels`.
        unsounded: notes for which the sound font has no sound, as above an instrument's range.
    """

    audio: np.ndarray
    unsounded: int


def _fluidsynth() -> Any:
    need("curation", "fluidsynth")
    try:
        import fluidsynth
    except (ImportError, OSError):
        raise BadInput(
            "the FluidSynth library is missing: install the Debian package libfluidsynth3 "
            "(macOS: brew install fluid-synth)"
        ) from None
    return fluidsynth


def version() -> str:
    """Of the FluidSynth library, as ``2.3.1``.

    Raises:
        BadInput: it is not installed.
    """
    told = _fluidsynth()._fl.fluid_version_str
    told.restype = ctypes.c_char_p
    return str(told().decode())


class Renderer:
    """Plays scores with one sound font, which it loads once.

    Args:
        sound_font: the font to play with.
        sample_rate: Hz, 8,000 to 96,000.

    Raises:
        BadInput: FluidSynth is not installed or cannot load the font, or the sample rate is out of
            range.
    """

    def __init__(self, sound_font: SoundFont, sample_rate: int = 32_000) -> None:
        if not 8_000 <= sample_rate <= 96_000:
            raise BadInput(f"sample rate {sample_rate} Hz: choose one from 8000 to 96000")
        self.sample_rate = sample_rate
        self.sound_font = sound_font
        self._library = _fluidsynth()
        self._native = _declare(self._library)
        self._first: dict[tuple[bool, int], Any] = {}
        self._shelf = self._new_synth(reverb=False)
        weakref.finalize(self, self._shelf.delete)
        font_id = self._shelf.sfload(sound_font.path)
        if font_id < 0:
            raise BadInput(f"FluidSynth cannot load {sound_font.path}: install it again")
        self._font = self._native.fluid_synth_get_sfont_by_id(self._shelf.synth, font_id)

    def render(self, score: pretty_midi.PrettyMIDI, seconds: float) -> PlayedScore:
        """Play a score for this many seconds. Mono is the mean of both sides, 10 ms fade out.

        Raises:
            BadInput: the sound font lacks a program of the score.
            ValueError: the score has more instruments than there are channels.
        """
        length = round(seconds * self.sample_rate)
        sides, unsounded = self._play(score, -(-length // BLOCK))
        mono: np.ndarray = sides[0, :length]
        mono += sides[1, :length]  # row by row: a mean over pairs takes forty times as long
        mono *= np.float32(0.5)
        fade = min(length, round(FADE_SECONDS * self.sample_rate))
        mono[length - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        return PlayedScore(mono, unsounded)

    def _play(self, score: pretty_midi.PrettyMIDI, blocks: int) -> tuple[np.ndarray, int]:
        """Both sides, float32 ``[2, blocks * BLOCK]``, and the count of notes without a sound.

        The number of voices changes no sample unless it is reached, or unless more begin in one block than
        FluidSynth's queue has room for: half of them are never so many.
        """
        sides = np.empty((2, blocks * BLOCK), dtype=np.float32)
        if sum(len(instrument.notes) for instrument in score.instruments) <= FEW_NOTES:
            unsounded, voices = self._play_with(FEW_VOICES, score, sides)
            if voices <= FEW_VOICES // 2:
                return sides, unsounded
        return sides, self._play_with(MOST_VOICES, score, sides)[0]

    def _play_with(
        self, voices: int, score: pretty_midi.PrettyMIDI, sides: np.ndarray
    ) -> tuple[int, int]:
        """Fill ``sides``; the count of notes without a sound, and the most voices at a time."""
        blocks = sides.shape[1] // BLOCK
        left, right = sides[0].ctypes.data, sides[1].ctypes.data
        done = unsounded = most = 0
        with self._synth_for(score, voices) as synth:

            def play(end: int) -> None:
                start, count = done * BLOCK, (end - done) * BLOCK
                if count:
                    self._native.fluid_synth_write_float(
                        synth.synth, count, left, start, 1, right, start, 1
                    )

            for event in _events(score, self.sample_rate / BLOCK):
                if event[0] >= blocks:
                    break
                play(event[0])
                done = event[0]
                sounds, voices = _send(synth, event)
                unsounded += not sounds
                most = max(most, voices)
            play(blocks)
        return unsounded, most

    @contextmanager
    def _synth_for(self, score: pretty_midi.PrettyMIDI, voices: int) -> Iterator[Any]:
        """A synthesiser that has played nothing yet, with the score's programs on its channels.

        FluidSynth's own reset lets voices of the last clip into the next; a new synthesiser that
        borrows the loaded font costs half a millisecond and knows of no other clip.
        """
        reverb = any(
            change.number == _REVERB_SEND and change.value > 0
            for instrument in score.instruments
            for change in instrument.control_changes
        )
        synth = self._another(reverb, voices)
        font_id = self._native.fluid_synth_add_sfont(synth.synth, self._font)
        try:
            for instrument, channel in _channels(score):
                self._choose_program(synth, font_id, instrument, channel)
            yield synth
        finally:
            self._native.fluid_synth_remove_sfont(synth.synth, self._font)
            self._native.delete_fluid_synth(synth.synth)

    def _another(self, reverb: bool, voices: int) -> Any:
        """A new synthesiser with the settings of the first one of its kind, which take as long to make."""
        if (reverb, voices) not in self._first:
            self._first[reverb, voices] = first = self._new_synth(reverb, voices)
            weakref.finalize(self, first.delete)
        synth = copy(self._first[reverb, voices])
        synth.synth = self._native.new_fluid_synth(synth.settings)
        return synth

    def _new_synth(self, reverb: bool, voices: int = FEW_VOICES) -> Any:
        return self._library.Synth(
            gain=GAIN,
            samplerate=float(self.sample_rate),
            channels=CHANNELS,
            **{
                "synth.polyphony": voices,
                "synth.chorus.active": 0,
                "synth.reverb.active": int(reverb),
                "synth.reverb.room-size": 0.6,
                "synth.reverb.level": 0.9,
                "synth.lock-memory": 0,
            },
        )

    def _choose_program(
        self, synth: Any, font_id: int, instrument: pretty_midi.Instrument, channel: int
    ) -> None:
        bank = DRUM_BANK if instrument.is_drum else 0
        kits = (instrument.program, 0) if instrument.is_drum else (instrument.program,)
        if all(synth.program_select(channel, font_id, bank, kit) != 0 for kit in kits):
            raise BadInput(
                f"{self.sound_font.name} has no program {instrument.program} in bank {bank}: "
                "choose a General MIDI sound font"
            )
        synth.cc(channel, _REVERB_SEND, 0)
        synth.cc(channel, _CHORUS_SEND, 0)


def _send(synth: Any, event: Event) -> tuple[bool, int]:
    """Hand an event to the synthesiser: False for a note that the font cannot sound, and the voices then."""
    _, kind, channel, first, second = event
    if kind == _OFF:
        synth.noteoff(channel, first)
    elif kind == _CONTROL:
        synth.cc(channel, first, second)
    elif kind == _BEND:
        synth.pitch_bend(channel, first)
    else:
        before = synth.get_active_voice_count()
        synth.noteon(channel, first, second)
        voices = synth.get_active_voice_count()
        is_drum = channel % 16 == DRUM_CHANNEL  # a stroke may cut off another: no telling there
        return is_drum or voices > before, voices
    return True, 0


def _channels(
    score: pretty_midi.PrettyMIDI,
) -> Iterator[tuple[pretty_midi.Instrument, int]]:
    """Each instrument with a MIDI channel of its own; drum kits on channels of bank 128."""
    if len(score.instruments) > CHANNELS:
        raise ValueError(f"{len(score.instruments)} instruments, but {CHANNELS} channels")
    melodic = (channel for channel in range(CHANNELS) if channel % 16 != DRUM_CHANNEL)
    drums = (channel for channel in range(CHANNELS) if channel % 16 == DRUM_CHANNEL)
    for instrument in score.instruments:
        yield instrument, next(drums if instrument.is_drum else melodic)


def _events(score: pretty_midi.PrettyMIDI, blocks_per_second: float) -> list[Event]:
    """The score as ``(block, kind, channel, first, second)``, in playing order."""
    events: list[Event] = []
    for instrument, channel in _channels(score):
        for note in instrument.notes:
            start = round(note.start * blocks_per_second)
            end = max(start + 1, round(note.end * blocks_per_second))
            events.append((start, _ON, channel, note.pitch, note.velocity))
            events.append((end, _OFF, channel, note.pitch, 0))
        for change in instrument.control_changes:
            at = round(change.time * blocks_per_second)
            events.append((at, _CONTROL, channel, change.number, change.value))
        for bend in instrument.pitch_bends:
            events.append((round(bend.time * blocks_per_second), _BEND, channel, bend.pitch, 0))
    return sorted(events)


def _declare(library: Any) -> Any:
    """The C functions that pyfluidsynth leaves out: undithered float output, borrowing a font."""
    native = library._fl
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    for name, result, arguments in (
        (
            "fluid_synth_write_float",
            integer,
            [pointer, integer, pointer, integer, integer, pointer, integer, integer],
        ),
        ("fluid_synth_get_sfont_by_id", pointer, [pointer, integer]),
        ("fluid_synth_add_sfont", integer, [pointer, pointer]),
        ("fluid_synth_remove_sfont", integer, [pointer, pointer]),
        ("new_fluid_synth", pointer, [pointer]),
        ("delete_fluid_synth", None, [pointer]),
        ("fluid_set_log_function", pointer, [integer, pointer, pointer]),
    ):
        function = getattr(native, name)
        function.restype, function.argtypes = result, arguments
    for level in range(5):  # its own warnings stay off the terminal: what matters is raised here
        native.fluid_set_log_function(level, None, None)
    return native
