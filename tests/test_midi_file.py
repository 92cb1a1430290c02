"""The MIDI files of ours and those of pretty_midi are the same bytes."""

from __future__ import annotations

import io

import pretty_midi
import pytest

from curation import nuisance
from curation.concepts import families
from curation.midi_file import midi_bytes


def written(score: pretty_midi.PrettyMIDI) -> bytes:
    buffer = io.BytesIO()
    score.write(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("name", families())
def test_a_clips_file_is_what_pretty_midi_writes(name):
    family = families()[name]
    for index in range(0, family.size, family.size // 3):
        spec = family.spec(5, index)
        for score in (spec.score(), nuisance.vary(spec, nuisance.KINDS)):
            assert midi_bytes(score) == written(score)


def test_so_is_one_whose_events_meet_at_one_tick():
    score = pretty_midi.PrettyMIDI(initial_tempo=97.3)
    for program in range(17):
        voice = pretty_midi.Instrument(program, is_drum=program == 3, name="nom français" * 12)
        for at in (0.0, 0.5, 0.5, 90.0):
            for pitch in (64, 60, 127):
                voice.notes.append(pretty_midi.Note(90 - program, pitch, at, at + 0.5))
            voice.pitch_bends += [pretty_midi.PitchBend(value, at) for value in (8191, -8192, 0)]
            voice.control_changes += [
                pretty_midi.ControlChange(number, 127 - number, at) for number in (91, 7)
            ]
        score.instruments.append(voice)
    assert midi_bytes(score) == written(score)
    assert len(pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes(score))).instruments) == 17
