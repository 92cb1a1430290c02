"""Labels against what is heard of sounds that were made to bear them, most without a sound font."""

from __future__ import annotations

import numpy as np
import pytest

from curation.concepts import get_family
from curation.spec import Label
from curation.synth import Renderer
from curation.verdicts import LISTENERS, verdict
from listening.theory import PITCH_CLASSES, TRIADS
from tests.sounds import RATE, clicks, together, tone

PITCH = Label("pitch class", PITCH_CLASSES, heard_by="pitch_class")
BPM = Label("tempo", dtype="float32", heard_by="bpm")
QUALITY = Label("quality", tuple(TRIADS), heard_by="chord_quality")
KEY = Label("tonic", PITCH_CLASSES, heard_by="key")


def test_rendered_clips_of_three_families_agree_with_their_labels(renderer: Renderer):
    for name, step in (("notes", 997), ("chords", 1501), ("tempos", 401)):
        family = get_family(name)
        for index in range(3400 if name == "notes" else 0, family.size, step):
            spec = family.spec(0, index)
            audio = renderer.render(spec.score(), spec.seconds).audio
            column = next(n for n, label in family.labels.items() if label.heard_by)
            found = verdict(column, family.labels[column], spec.labels, audio, renderer.sample_rate)
            assert found.outcome in ("same", "not heard"), (spec.clip_id, found)
            assert (found.outcome == "not heard") == (not audio.any()), spec.clip_id


@pytest.mark.parametrize("label", [PITCH, BPM, QUALITY, KEY], ids=lambda label: label.heard_by)
def test_silence_and_near_silence_are_not_heard(label):
    faint = 1e-4 * clicks(120)
    for audio in (np.zeros(4 * RATE, np.float32), np.zeros(0, np.float32), faint):
        assert verdict("label", label, {"label": 0}, audio, RATE).outcome == "not heard"


def test_a_wrong_label_is_called_wrong():
    note, chord = tone(60), together((60, 64, 67))
    assert verdict("n", PITCH, {"n": "C"}, note, RATE).outcome == "same"
    assert verdict("n", PITCH, {"n": "C#"}, note, RATE).outcome == "wrong"
    assert verdict("n", QUALITY, {"n": "major"}, chord, RATE).outcome == "same"
    assert verdict("n", QUALITY, {"n": "minor"}, chord, RATE).outcome == "wrong"
    assert verdict("n", KEY, {"n": "C"}, chord, RATE).heard == "C major"
    outcomes = [verdict("n", BPM, {"n": b}, clicks(100), RATE).outcome for b in (100, 200, 130)]
    assert outcomes == ["same", "octave", "wrong"]


def test_a_label_that_nobody_hears_is_refused():
    with pytest.raises(ValueError, match="heard_by"):
        verdict("program", Label("program"), {"program": 0}, tone(60), RATE)


@pytest.mark.parametrize("listener", LISTENERS)
def test_stereo_and_broken_sound_are_refused(listener):
    with pytest.raises(ValueError, match="mix it down"):
        LISTENERS[listener](np.ones((2, RATE), np.float32), RATE)
    with pytest.raises(ValueError, match="NaN"):
        LISTENERS[listener](np.full(RATE, np.nan, np.float32), RATE)
