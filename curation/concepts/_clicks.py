"""What the rhythm families share: a metronome of two strokes, cut in at a random moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pretty_midi

from curation.concepts._grid import full_volume, score_of
from curation.spec import Label

STRONG, MEDIUM, WEAK = 100, 88, 75
SECONDS = 4.0


@dataclass(frozen=True)
class Click:
    """A metronome sound: a program (or the drum kit) and the pitches of its two strokes."""

    program: int
    strong: int
    weak: int
    is_drum: bool = False


CLICKS = {
    "sticks": Click(0, 37, 31, is_drum=True),
    "dark woodblock": Click(115, 37, 31),
    "light woodblock": Click(115, 52, 48),
    "taiko": Click(116, 52, 48),
    "synth drum": Click(118, 52, 48),
}
CLICK_LABEL = Label("sound of the metronome", tuple(CLICKS))
CLICK_GROUPING = "the sound of the metronome"


def metronome(
    click: Click, velocities: Sequence[int], beat: float, phase: float, reverb: int = 0
) -> pretty_midi.PrettyMIDI:
    """A bar's strokes, repeated for the length of a clip.

    Args:
        velocities: one per stroke of a bar; `STRONG` and `MEDIUM` strokes take the higher sound.
        beat: seconds from stroke to stroke.
        phase: seconds into the bar at which the clip starts.
        reverb: MIDI reverb send, 0 to 127.
    """
    instrument = pretty_midi.Instrument(click.program, is_drum=click.is_drum)
    instrument.control_changes += [full_volume(), pretty_midi.ControlChange(91, reverb, 0.0)]
    first = int(np.ceil(phase / beat - 1e-9))
    last = int(np.ceil((phase + SECONDS) / beat - 1e-9))
    for stroke in range(first, last):
        velocity = velocities[stroke % len(velocities)]
        pitch = click.weak if velocity == WEAK else click.strong
        start = stroke * beat - phase
        instrument.notes.append(pretty_midi.Note(velocity, pitch, start, start + min(beat, 0.25)))
    return score_of(instrument, bpm=60 / beat)
