"""Genres: each has its own groove, bass and harmony, and no instrument gives it away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pretty_midi
import pytest
from sklearn.ensemble import RandomForestClassifier

from curation.arrangement.bands import BANDS
from curation.arrangement.drums import GROOVES
from curation.arrangement.grid import BEAT_STEPS, strokes
from curation.arrangement.styles import GENRES
from curation.concepts.genres import SECONDS, family
from curation.spec import ClipSpec
from curation.splits import assign_groups
from listening.classifier import confusion, linear
from listening.features import features
from listening.theory import PITCH_CLASSES

SCALE = {"major": {0, 2, 4, 5, 7, 9, 11}, "minor": {0, 2, 3, 5, 7, 8, 10}}


def clips(genre: str, count: int = 12, **wanted: str) -> Iterator[ClipSpec]:
    """The first clips of a genre whose labels are as wanted."""
    start, found = GENRES.index(genre), 0
    for index in range(start, 12 * 400, 12):
        spec = family.spec(3, index)
        if all(spec.labels[name] == value for name, value in wanted.items()):
            found += 1
            yield spec
        if found == count:
            return


def part(spec: ClipSpec, name: str) -> pretty_midi.Instrument:
    return next(i for i in spec.score().instruments if i.name == name)


def beats(spec: ClipSpec, notes: list[pretty_midi.Note]) -> np.ndarray:
    """When notes start, in beats."""
    return np.array([note.start for note in notes]) * spec.labels["bpm"] / 60


def struck(spec: ClipSpec, *drums: int) -> np.ndarray:
    return beats(spec, [n for n in part(spec, "drums").notes if n.pitch in drums])


def near(places: np.ndarray, at: float, every: float = 1.0, slack: float = 0.08) -> np.ndarray:
    """Which places lie next to ``at`` of each ``every`` beats."""
    return np.abs((places - at + every / 2) % every - every / 2) < slack


def test_every_genre_has_six_bands_and_indices_run_through_all_of_them_evenly():
    assert len(GENRES) == 12 and all(len(set(bands)) >= 6 for bands in BANDS.values())
    bands = [family.spec(0, index).labels["band"] for index in range(144)]
    assert all(bands.count(band) == 2 for band in family.labels["band"].classes)


def test_a_band_stays_on_one_side_of_the_split_and_bears_its_genre():
    for index in range(0, 5000, 97):  # past the size too
        spec = family.spec(0, index)
        assert spec.group == spec.labels["band"] and spec.stratum == spec.labels["genre"]
        assert spec.group.startswith(spec.stratum)


def test_the_same_spec_plays_the_same_notes_whatever_was_asked_for_before():
    def played(index: int) -> list[tuple[int, float, float, int]]:
        score = family.spec(5, index).score()
        return [(n.pitch, n.start, n.end, n.velocity) for i in score.instruments for n in i.notes]

    first = {index: played(index) for index in (0, 7, 4400)}
    assert {index: played(index) for index in (4400, 0, 7)} == first
    assert family.spec(5, 0).score() is not family.spec(5, 0).score()
    assert played(0) != played(72)


@pytest.mark.parametrize("genre", GENRES)
def test_scores_are_playable_and_fill_the_clip(genre):
    for spec in clips(genre, 8):
        score = spec.score()
        assert len(score.instruments) <= 15
        notes = [n for i in score.instruments for n in i.notes]
        assert all(0 <= n.pitch <= 127 and 0 < n.velocity < 128 and n.end > n.start for n in notes)
        assert min(n.start for n in notes) < 0.2
        starts = [n.start for i in score.instruments for n in i.notes if n.start < SECONDS]
        assert max(starts) > SECONDS - 4.1  # a bar at 60 bpm
        assert any(i.is_drum for i in score.instruments) == (spec.labels["drums"] == "drums")


@pytest.mark.parametrize(
    "genre", ["classical", "rock", "reggae", "country", "bossa nova", "ambient"]
)
def test_most_notes_are_of_the_key(genre):
    inside = total = 0
    for spec in clips(genre):
        tonic = PITCH_CLASSES.index(spec.labels["key"])
        for instrument in spec.score().instruments:
            if not instrument.is_drum:
                steps = [(n.pitch - tonic) % 12 for n in instrument.notes]
                inside += sum(step in SCALE[spec.labels["mode"]] for step in steps)
                total += len(steps)
    assert inside / total > 0.85


@pytest.mark.parametrize(
    ("genre", "least", "most"), [("jazz swing", 0.6, 0.7), ("rock", 0.45, 0.55)]
)
def test_jazz_delays_the_off_beats_and_rock_does_not(genre, least, most):
    hits = np.concatenate([struck(spec, 42, 51) for spec in clips(genre, drums="drums")])
    inside = hits % 1
    off = inside[(inside > 0.3) & (inside < 0.8)]
    assert least < np.median(off) < most


def test_a_walking_bass_plays_on_every_beat():
    for spec in clips("jazz swing"):
        places = beats(spec, part(spec, "bass").notes)
        whole = int(SECONDS * spec.labels["bpm"] / 60)
        assert all(np.abs(places - beat).min() < 0.1 for beat in range(whole))


def test_reggae_chords_come_off_the_beat_and_its_kick_on_the_third():
    for spec in clips("reggae", drums="drums"):
        places = beats(spec, part(spec, "comp").notes)
        assert not near(places, 0.0, slack=0.12).any()
        assert near(places, 0.5, slack=0.1).mean() > 0.45
        assert (near(places, 0.5, slack=0.1) | near(places, 0.77, slack=0.11)).all()
        assert near(struck(spec, 36), 2.0, 4.0).any()


def test_the_kick_of_house_is_on_each_beat_and_its_bass_off_it():
    for spec in clips("house"):
        kick = struck(spec, 36)
        whole = int(SECONDS * spec.labels["bpm"] / 60)
        assert all(np.abs(kick - beat).min() < 0.05 for beat in range(whole))
        assert near(beats(spec, part(spec, "bass").notes), 0.5, slack=0.3).all()


def test_a_waltz_has_its_bass_on_one_and_chords_on_two_and_three():
    for spec in clips("country", time_signature="3/4"):
        comp = part(spec, "comp").notes
        low = [n for n in comp if n.pitch < 52]
        high = [n for n in comp if n.pitch >= 52]
        assert near(beats(spec, low), 0.0, 3.0, 0.15).mean() > 0.9
        assert not near(beats(spec, high), 0.0, 3.0, 0.3).any()


def test_blues_starts_its_lines_on_one_of_three_roots_and_metal_plays_power_chords():
    for spec in clips("blues", mode="major"):
        tonic = PITCH_CLASSES.index(spec.labels["key"])
        roots = {(n.pitch - tonic) % 12 for n in part(spec, "bass").notes if n.start < 0.1}
        assert roots <= {0, 5, 7}
    for spec in clips("metal"):
        starts: dict[int, set[int]] = {}
        for note in part(spec, "comp").notes:
            starts.setdefault(round(note.end * 2000), set()).add(note.pitch % 12)
        assert max(map(len, starts.values())) <= 2  # a root and a fifth, doubled


@pytest.mark.parametrize("name", GROOVES)
def test_grooves_fill_whole_bars(name):
    for pattern in GROOVES[name].values():
        assert len(pattern) % 16 == 0 or len(pattern) == 12
        assert all(stroke.sign in "Xxo?" for stroke in strokes(pattern))


def test_captions_name_what_the_labels_say():
    for index in range(200):
        spec = family.spec(0, index)
        words, labels = spec.caption.lower(), spec.labels
        assert labels["genre"] in words
        if "bpm" in words or "beats per" in words:
            assert f"{labels['bpm']:.0f} b" in words
        if labels["mode"] in words:
            assert f"{labels['key'].lower()} {labels['mode']}" in words


def test_every_metre_is_one_the_grid_knows():
    assert {band.signature for bands in BANDS.values() for band in bands} <= set(BEAT_STEPS)


def test_sound_carries_the_genre_to_unseen_bands_and_instruments_and_tempo_do_not(renderer):
    specs = [family.spec(11, index) for index in range(12 * 6 * 2)]
    heard, hot, tempo = [], np.zeros((len(specs), 257)), []
    for row, spec in enumerate(specs):
        score = spec.score()
        heard.append(features(renderer.render(score, SECONDS).audio, renderer.sample_rate))
        tempo.append([spec.labels["bpm"]])
        for instrument in score.instruments:
            hot[row, 128 * instrument.is_drum + instrument.program] = 1
            hot[row, 256] = max(hot[row, 256], instrument.is_drum)
    genre = np.array([spec.labels["genre"] for spec in specs])
    side: dict[str, str] = {}
    for name in GENRES:
        side |= assign_groups({f"{name}/{band + 1}": 60 for band in range(6)}, seed=11)
    test = np.array([side[spec.group] == "test" for spec in specs])
    forest = RandomForestClassifier(60, random_state=0)

    def accuracy(x: np.ndarray, model) -> float:
        return float(model.fit(x[~test], genre[~test]).score(x[test], genre[test]))

    audio = accuracy(np.array(heard), linear(0.03))
    assert audio > 0.5
    assert accuracy(hot, forest) < 0.5 and accuracy(hot, linear(0.1)) < 0.5
    assert accuracy(np.array(tempo), forest) < 0.35
    assert confusion(genre, genre, GENRES).trace() == len(specs)
