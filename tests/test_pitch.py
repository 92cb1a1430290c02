"""One note has its pitch class in every octave, at every rate, and as an instrument plays it."""

from __future__ import annotations

import pytest

from curation.concepts import get_family
from curation.synth import Renderer
from listening.chord import hear_chord
from listening.pitch import hear_pitch_class
from listening.theory import PITCH_CLASSES
from tests.sounds import RATE, tone


@pytest.mark.parametrize("octave", [2, 3, 4, 5, 6])
def test_every_pitch_class_is_heard_in_every_octave(octave):
    pitches = range(12 * octave + 12, 12 * octave + 24)
    heard = [hear_pitch_class(tone(pitch), RATE) for pitch in pitches]
    assert heard == list(PITCH_CLASSES)


def test_a_low_note_is_heard_without_its_fundamental():
    heard = [hear_pitch_class(tone(pitch, first=2), RATE) for pitch in range(36, 60)]
    assert heard == list(PITCH_CLASSES) * 2


def test_a_note_a_third_of_a_semitone_off_keeps_its_class():
    detuned = [hear_pitch_class(tone(60 + step + 0.3), RATE) for step in range(12)]
    assert detuned == list(PITCH_CLASSES)


@pytest.mark.parametrize("rate", [8_000, 22_050, 32_000, 44_100, 48_000])
def test_the_sample_rate_does_not_move_the_pitch(rate):
    assert hear_pitch_class(tone(57, rate=rate), rate) == "A"
    assert hear_chord(tone(57, rate=rate) + tone(60, rate=rate) + tone(64, rate=rate), rate) == (
        "A",
        "minor",
    )


@pytest.mark.parametrize(
    ("index", "pitch_class"),
    [
        (index, get_family("notes").spec(0, index).labels["pitch_class"])
        for index in range(3500, 7500, 437)
    ],
)
def test_a_rendered_note_carries_its_label(renderer: Renderer, index: int, pitch_class: str):
    spec = get_family("notes").spec(0, index)
    audio = renderer.render(spec.score(), 2.0).audio
    assert hear_pitch_class(audio, renderer.sample_rate) == pitch_class
