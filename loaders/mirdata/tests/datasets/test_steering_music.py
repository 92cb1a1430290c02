"""Tests for the steering_music dataset; the sample is two chords of its `chords` version"""

import numpy as np
import pretty_midi
from mirdata import annotations
from mirdata.datasets import steering_music
from tests.test_utils import run_track_tests

DATA_HOME = "tests/resources/mir_datasets/steering_music"


def test_track():
    dataset = steering_music.Dataset(DATA_HOME, version="test")
    track = dataset.track(dataset.track_ids[0])
    labels = track.labels
    expected_attributes = {
        "track_id": track.track_id,
        "audio_path": f"{DATA_HOME}/audio/{track.track_id}.flac",
        "midi_path": f"{DATA_HOME}/midi/{track.track_id}.mid",
        "tempo": None,
        "genre": None,
        "key": None,
    }
    expected_property_types = {
        "audio": tuple,
        "caption": str,
        "chord": annotations.ChordData,
        "group": str,
        "labels": dict,
        "midi": pretty_midi.PrettyMIDI,
        "notes": annotations.NoteData,
        "split": str,
    }
    run_track_tests(track, expected_attributes, expected_property_types)
    assert labels["root"] == track.chord.labels[0].split(":")[0]
    assert set(labels) >= {"quality", "root", "inversion", "program", "instrument"}


def test_load_audio():
    dataset = steering_music.Dataset(DATA_HOME, version="test")
    audio, sr = steering_music.load_audio(dataset.choice_track().audio_path)
    assert sr == 32000
    assert audio.shape == (4 * sr,)
    assert 0.01 < np.abs(audio).max() <= 1


def test_load_midi():
    dataset = steering_music.Dataset(DATA_HOME, version="test")
    track = dataset.choice_track()
    midi = steering_music.load_midi(track.midi_path)
    assert len(midi.instruments) == 1
    assert len(midi.instruments[0].notes) == 12
    assert track.notes.pitches.min() % 12 in {note.pitch % 12 for note in midi.instruments[0].notes}


def test_get_track_splits():
    dataset = steering_music.Dataset(DATA_HOME, version="test")
    splits = dataset.get_track_splits()
    assert set(splits) <= {"train", "validation", "test"}
    ids = [track_id for split in splits.values() for track_id in split]
    assert sorted(ids) == sorted(dataset.track_ids)
