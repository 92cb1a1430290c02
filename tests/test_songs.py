"""Songs: the labels are true of the notes, the melody sings, the captions say what is heard."""

from __future__ import annotations

import numpy as np
import pretty_midi
import pytest

from curation.arrangement.melody import SCALES
from curation.arrangement.song_styles import LEADS, MOODS
from curation.concepts.songs import SECONDS, caption, family
from curation.general_midi import instrument_family
from curation.spec import ClipSpec
from listening.key import hear_key
from listening.theory import PITCH_CLASSES

SONGS = [family.spec(3, index) for index in range(0, 900, 7)]


def part(spec: ClipSpec, name: str) -> pretty_midi.Instrument:
    return next(i for i in spec.score().instruments if i.name == name)


def steps_in_key(spec: ClipSpec) -> list[int]:
    tonic = PITCH_CLASSES.index(spec.labels["key"])
    return [(n.pitch - tonic) % 12 for n in part(spec, "lead").notes]


def test_melodies_keep_to_the_labelled_scale():
    for spec in SONGS:
        scale = SCALES["diatonic"][spec.labels["mode"]]
        assert np.mean([step in scale for step in steps_in_key(spec)]) >= 0.95


def test_melodies_move_mostly_by_step_and_each_starts_in_the_tonic_chord():
    small, first = [], []
    for spec in SONGS:
        pitches = [n.pitch for n in part(spec, "lead").notes]
        small += list(np.abs(np.diff(pitches)) <= 4)
        first.append(steps_in_key(spec)[0])
    assert np.mean(small) > 0.7
    assert np.mean(np.isin(first, (0, 3, 4, 7))) > 0.9


def test_a_motif_comes_back_in_its_own_rhythm():
    spec = next(s for s in SONGS if s.labels["bpm"] > 110 and s.labels["time_signature"] == "3/4")
    bar = 3 * 60 / spec.labels["bpm"]
    starts = np.array([n.start for n in part(spec, "lead").notes])
    first, third = (
        starts[(starts > b * bar - 0.05) & (starts < (b + 1) * bar - 0.05)] for b in (0, 2)
    )
    assert np.allclose(first, third - 2 * bar, atol=0.08)


def test_the_chords_change_on_the_bars_that_the_tempo_makes():
    quarters = {"4/4": 4, "3/4": 3, "6/8": 2}
    on_bar = []
    for spec in SONGS:
        if spec.labels["backing"] == "chords":
            continue
        bar = quarters[spec.labels["time_signature"]] * 60 / spec.labels["bpm"]
        starts = np.array([n.start for n in part(spec, "bass").notes])
        bars = np.arange(0, int(SECONDS / bar)) * bar
        on_bar.append(np.mean([np.abs(starts - at).min() < 0.05 for at in bars]))
    assert np.mean(np.array(on_bar) > 0.9) > 0.7  # some grooves lay the first beat out


def test_every_combination_of_key_mode_metre_lead_and_mood_turns_up_and_labels_agree():
    specs = [family.spec(0, index) for index in range(6000)]
    for names, cells in ((("key", "mode", "time_signature"), 72), (("lead", "mood"), 160)):
        assert len({tuple(s.labels[n] for n in names) for s in specs}) == cells
    for spec in specs[:500]:
        assert spec.labels["lead_family"] == instrument_family(LEADS[spec.labels["lead"]])
        assert 60 <= spec.labels["bpm"] <= 180
        assert spec.group == spec.source_id
        for name, value in spec.labels.items():
            family.labels[name].check(name, value)


def test_scores_hold_what_the_labels_say():
    for spec in SONGS:
        score, labels = spec.score(), spec.labels
        names = {i.name for i in score.instruments}
        assert ("drums" in names) == (labels["drums"] == "drums")
        assert ("bass" in names) == (labels["backing"] != "chords")
        assert part(spec, "lead").program == LEADS[labels["lead"]]
        assert len([i for i in score.instruments if i.program == LEADS[labels["lead"]]]) >= 1
        notes = [n for i in score.instruments for n in i.notes]
        assert all(0 <= n.pitch <= 127 and 0 < n.velocity < 128 and n.end > n.start for n in notes)


@pytest.mark.parametrize(("low", "high"), [("sad", "cheerful"), ("dark", "dreamy")])
def test_moods_part_in_register(low, high):
    middle = {
        mood: np.mean(
            [n.pitch for s in SONGS if s.labels["mood"] == mood for n in part(s, "lead").notes]
        )
        for mood in (low, high)
    }
    assert middle[low] + 5 < middle[high]


def test_calm_songs_have_fewer_and_longer_notes_than_playful_ones():
    def notes(mood: str) -> list[pretty_midi.Note]:
        return [n for s in SONGS if s.labels["mood"] == mood for n in part(s, "lead").notes]

    calm, playful = notes("calm"), notes("playful")
    assert np.median([n.end - n.start for n in calm]) > 2 * np.median(
        [n.end - n.start for n in playful]
    )
    assert set(MOODS) == {s.labels["mood"] for s in SONGS}


def test_the_same_spec_plays_the_same_notes_past_the_end_of_the_grid_too():
    for index in (5, 12, family.size + 3):
        one, two = family.spec(8, index), family.spec(8, index)
        assert [str(i.notes) for i in one.score().instruments] == [
            str(i.notes) for i in two.score().instruments
        ]


def test_captions_name_what_the_labels_say():
    long = caption(SONGS[0].labels, "{a_mood} {genre} {shape} led by {a_lead} in {key} {mode}")
    for word in ("mood", "lead", "key", "mode"):
        assert SONGS[0].labels[word] in long
    for spec in SONGS:
        words, labels = spec.caption, spec.labels
        named = labels["genre"].split(" swing")[0] in words or labels["lead"] in words
        assert named and words and "{" not in words
        if "bpm" in words:
            assert f"{labels['bpm']:.0f} bpm" in words
        assert all(other not in words for other in MOODS if other != labels["mood"])
        assert ("waltz" in words) <= (labels["time_signature"] == "3/4")


def test_songs_sound_clean_and_in_their_key(renderer):
    specs = SONGS[::5]
    clips = [renderer.render(spec.score(), SECONDS) for spec in specs]
    peaks = np.array([np.abs(clip.audio).max() for clip in clips])
    assert 0.3 < np.median(peaks) < 0.7 and np.mean(peaks < 1.0) > 0.95
    assert not any(clip.unsounded for clip in clips)
    heard = [hear_key(clip.audio, renderer.sample_rate)[0] for clip in clips]
    near = [
        (PITCH_CLASSES.index(h) - PITCH_CLASSES.index(s.labels["key"])) % 12 in (0, 3, 5, 7, 9)
        for h, s in zip(heard, specs, strict=True)
    ]  # right, or the relative or a neighbour by a fifth
    assert np.mean(near) > 0.8
    assert np.mean([h == s.labels["key"] for h, s in zip(heard, specs, strict=True)]) > 0.5
