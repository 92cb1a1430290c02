"""The listeners against sounds whose labels are known by construction, most without a sound font."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from curation.concepts import get_family
from curation.hearing import NothingHeard, hear_bpm, hear_chord, hear_key, hear_pitch_class
from curation.spec import Label
from curation.synth import Renderer
from curation.theory import PITCH_CLASSES, TRIADS, degree_pitch, diatonic_triad
from curation.verdicts import LISTENERS, key_score, tempo_agreement, verdict

RATE = 16_000
PITCH = Label("pitch class", PITCH_CLASSES, heard_by="pitch_class")
BPM = Label("tempo", dtype="float32", heard_by="bpm")
QUALITY = Label("quality", tuple(TRIADS), heard_by="chord_quality")
KEY = Label("tonic", PITCH_CLASSES, heard_by="key")


def tone(pitch: float, seconds: float = 1.0, first: int = 1, rate: int = RATE) -> np.ndarray:
    """Partials ``first`` to 8 of a pitch, each 0.7 of the last, below the Nyquist frequency."""
    time = np.arange(round(seconds * rate)) / rate
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    partials = [k for k in range(first, 9) if k * hertz < rate / 2]
    wave = sum(0.7**k * np.sin(2 * np.pi * k * hertz * time + k) for k in partials)
    return (0.2 * wave).astype(np.float32)


def together(pitches: Sequence[int], seconds: float = 1.0) -> np.ndarray:
    return np.sum([tone(pitch, seconds) for pitch in pitches], axis=0)


def clicks(bpm: float, seconds: float = 4.0, phase: float = 0.3, accent: float = 1.8) -> np.ndarray:
    """Bursts of noise on a steady beat, the first of four louder, over a faint hiss."""
    rng = np.random.default_rng(0)
    audio = 1e-4 * rng.standard_normal(round(seconds * RATE))
    burst = rng.standard_normal(800) * np.exp(-np.arange(800) / 150)
    for beat, start in enumerate(np.arange(phase, seconds - 0.06, 60 / bpm)):
        place = round(start * RATE)
        audio[place : place + 800] += 0.2 * burst * (accent if beat % 4 == 0 else 1)
    return audio.astype(np.float32)


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


@pytest.mark.parametrize("bpm", [50, 63, 80, 97, 120, 151, 180, 210])
def test_a_metronome_is_heard_at_its_own_tempo(bpm):
    for phase in (0.05, 0.3, 0.55):
        assert hear_bpm(clicks(bpm, phase=phase), RATE) == pytest.approx(bpm, rel=0.01)


def test_soft_offbeats_do_not_double_the_tempo():
    audio = clicks(100, 8.0, accent=1) + 0.1 * clicks(100, 8.0, phase=0.6, accent=1)
    assert hear_bpm(audio, RATE) == pytest.approx(100, rel=0.02)


def test_one_stroke_has_no_tempo():
    with pytest.raises(NothingHeard, match="pulse"):
        hear_bpm(clicks(20, 2.0), RATE)


@pytest.mark.parametrize("quality", TRIADS)
def test_every_triad_is_heard_in_every_inversion(quality):
    for root in range(60, 72):
        for inversion in range(3):
            pitches = [root + step for step in TRIADS[quality]]
            pitches = pitches[inversion:] + [pitch + 12 for pitch in pitches[:inversion]]
            heard = hear_chord(together(pitches), RATE)
            lowest = pitches[0] if quality == "aug" else root
            assert heard == (PITCH_CLASSES[lowest % 12], quality)


@pytest.mark.parametrize(("mode", "word"), [("ionian", "major"), ("aeolian", "minor")])
def test_a_cadence_has_its_key_on_every_tonic(mode, word):
    for tonic in range(60, 72):
        chords = [diatonic_triad(tonic, mode, degree) for degree in (1, 4, 5, 1)]
        audio = np.concatenate([together(chord, 0.5) for chord in chords])
        assert hear_key(audio, RATE) == (PITCH_CLASSES[tonic % 12], word)


def test_a_scale_ends_up_within_a_fifth_of_its_key():
    audio = np.concatenate([tone(degree_pitch(62, "ionian", d), 0.4) for d in range(1, 9)])
    assert key_score(hear_key(audio, RATE), "D", "major") >= 0.5


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


def test_noise_is_heard_as_many_things():
    """Chance level: a listener with a favourite answer would agree with its favourite label."""
    rng = np.random.default_rng(1)
    noises = [0.1 * rng.standard_normal(RATE).astype(np.float32) for _ in range(32)]
    assert len({hear_pitch_class(noise, RATE) for noise in noises}) >= 5
    assert len({hear_chord(noise, RATE) for noise in noises}) >= 10
    assert len({hear_key(noise, RATE) for noise in noises}) >= 8


def test_the_tempo_tolerance_is_four_percent_at_every_octave():
    heard = (96.1, 103.9, 95.9, 193, 288.5, 48.1, 34.6, 150)
    want = ["same", "same", "wrong", "octave", "octave", "octave", "octave", "wrong"]
    assert [tempo_agreement(bpm, 100) for bpm in heard] == want


def test_a_label_that_nobody_hears_is_refused():
    with pytest.raises(ValueError, match="heard_by"):
        verdict("program", Label("program"), {"program": 0}, tone(60), RATE)


@pytest.mark.parametrize("listener", LISTENERS)
def test_stereo_and_broken_sound_are_refused(listener):
    with pytest.raises(ValueError, match="mix it down"):
        LISTENERS[listener](np.ones((2, RATE), np.float32), RATE)
    with pytest.raises(ValueError, match="NaN"):
        LISTENERS[listener](np.full(RATE, np.nan, np.float32), RATE)
