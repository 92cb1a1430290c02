"""One contract for every family, and the grids' own truths re-derived from the notes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pretty_midi
import pytest

from curation.concepts import families, get_family
from curation.errors import BadInput
from listening.theory import MODES, PITCH_CLASSES, TRIADS

SYNTHEORY = {
    "notes": 9_936,
    "intervals": 39_744,
    "scales": 15_456,
    "chords": 13_248,
    "progressions": 20_976,
    "tempos": 4_025,
    "time_signatures": 1_200,
}


def some(name: str, count: int = 40) -> list:
    family = get_family(name)
    indices = np.random.default_rng(1).choice(family.size, count, replace=False)
    return [family.spec(0, int(index)) for index in indices]


def notes_of(score: pretty_midi.PrettyMIDI) -> list[pretty_midi.Note]:
    return sorted(
        (note for instrument in score.instruments for note in instrument.notes),
        key=lambda note: (note.start, note.pitch),
    )


def test_grids_have_syntheorys_counts():
    counts = {
        name: len({get_family(name).spec(0, i).clip_id for i in range(get_family(name).size)})
        for name in SYNTHEORY
    }
    assert counts == SYNTHEORY


@pytest.mark.parametrize("name", SYNTHEORY)
def test_no_two_cells_of_a_grid_have_the_same_labels(name):
    family = get_family(name)
    cells = {tuple(family.spec(0, i).labels.values()) for i in range(family.size)}
    assert len(cells) == family.size


@pytest.mark.parametrize("name", families())
def test_labels_are_declared_and_captions_written(name):
    family = get_family(name)
    for spec in some(name):
        assert set(spec.labels) == set(family.labels)
        for label, value in spec.labels.items():
            family.labels[label].check(label, value)
        assert spec.caption[0].isupper() or family.open_ended
        assert spec.group


@pytest.mark.parametrize("name", families())
def test_a_score_is_a_pure_function_of_its_spec(name):
    family = get_family(name)
    for index in (0, 7, family.size - 1):
        once, again = (
            [(n.pitch, n.velocity, n.start, n.end) for n in notes_of(family.spec(3, index).score())]
            for _ in range(2)
        )
        assert once == again
        assert once


@pytest.mark.parametrize("name", families())
def test_scores_stay_within_midi_and_reach_to_the_clips_end(name):
    for spec in some(name, 20):
        notes = notes_of(spec.score())
        assert all(0 <= n.pitch <= 127 and 1 <= n.velocity <= 127 for n in notes)
        assert all(n.start >= 0 and n.end > n.start for n in notes)
        assert max(n.end for n in notes) > 0.6 * spec.seconds


def test_notes_play_their_label_four_times():
    for spec in some("notes"):
        notes = notes_of(spec.score())
        assert [PITCH_CLASSES[n.pitch % 12] for n in notes] == [spec.labels["pitch_class"]] * 4
        assert [n.start for n in notes] == [0, 1, 2, 3]


def test_intervals_have_their_size_and_direction():
    for spec in some("intervals"):
        first, second = notes_of(spec.score())[:2]
        step = second.pitch - first.pitch
        style = spec.labels["play_style"]
        assert abs(step) == spec.labels["semitones"]
        assert (step > 0) == (style != "down")
        assert (first.start == second.start) == (style == "unison")


def test_scales_hold_the_seven_notes_of_their_mode():
    for spec in some("scales"):
        pitches = [n.pitch for n in notes_of(spec.score())]
        root = PITCH_CLASSES.index(spec.labels["root"])
        assert sorted({(p - root) % 12 for p in pitches}) == sorted(MODES[spec.labels["mode"]])
        assert (pitches[0] < pitches[-1]) == (spec.labels["play_style"] == "up")


def test_chords_hold_their_triad_with_the_right_note_lowest():
    for spec in some("chords"):
        chord = [n.pitch for n in notes_of(spec.score()) if n.start == 0]
        root = PITCH_CLASSES.index(spec.labels["root"])
        triad = TRIADS[spec.labels["quality"]]
        assert {(p - root) % 12 for p in chord} == set(triad)
        inversion = ("root position", "first inversion", "second inversion").index(
            spec.labels["inversion"]
        )
        assert (min(chord) - root) % 12 == triad[inversion]


def test_progressions_are_triads_on_the_labelled_degrees():
    for spec in some("progressions"):
        mode, degrees = spec.labels["progression"].split("-")
        key = PITCH_CLASSES.index(spec.labels["key"])
        notes = notes_of(spec.score())
        for place, degree in enumerate(degrees):
            chord = [n.pitch for n in notes if n.start == place]
            steps = MODES[mode]
            expected = {(key + steps[(int(degree) - 1 + s) % 7]) % 12 for s in (0, 2, 4)}
            assert {p % 12 for p in chord} == expected
            assert min(chord) % 12 == (key + steps[int(degree) - 1]) % 12


def test_tempo_clicks_come_at_the_labelled_rate():
    for spec in some("tempos"):
        starts = [n.start for n in notes_of(spec.score())]
        assert np.diff(starts) == pytest.approx(60 / spec.labels["bpm"])
        assert 0 <= starts[0] < 60 / spec.labels["bpm"]


def test_time_signatures_accent_every_bar():
    for spec in some("time_signatures", 80):
        velocities = [n.velocity for n in notes_of(spec.score())]
        downbeats = [i for i, velocity in enumerate(velocities) if velocity == 100]
        assert set(np.diff(downbeats)) <= {spec.labels["beats"]}
        lifted = any(velocity == 88 for velocity in velocities)
        assert lifted == (spec.labels["compound"] == "compound")


def test_takes_of_one_metronome_start_at_different_moments():
    family = get_family("tempos")
    starts = Counter(notes_of(family.spec(0, i).score())[0].start for i in range(5))
    assert len(starts) == 5


def test_an_unknown_family_names_those_there_are():
    with pytest.raises(BadInput, match=r"no concept family 'note'.*notes"):
        get_family("note")
