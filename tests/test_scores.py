"""Scores by people: what the catalogue says is what the files of music21's corpus say."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from curation import corpus
from curation.concepts import get_family
from curation.corpus import COLLECTIONS, corpus_folder, excerpts, notes_of
from curation.errors import BadInput
from curation.extras import there
from curation.survey import SHARED, survey, tunes
from listening.theory import PITCH_CLASSES
from steering.families.labels import class_weights

FAMILY = get_family("scores")


def spec_of(path: str):
    place = next(n for n, one in enumerate(excerpts()) if one.piece.path == path)
    return FAMILY.spec(0, place)


@pytest.mark.parametrize("path", ["bach/bwv66.6.mxl", "ryansMammoth/BullDozerReel.abc"])
def test_the_catalogue_is_what_a_survey_of_the_file_says(path):
    made = survey(corpus_folder() / path, corpus_folder())
    there = [one for one in excerpts() if one.piece.path == path]
    piece = there[0].piece
    assert made is not None
    assert made[:6] == (path, piece.digest, piece.title, piece.tonic, piece.mode, piece.metre)
    starts = [float(one.split(":")[0]) for one in made[7].split()]
    assert starts == [one.start for one in there]


def test_a_known_chorale_has_its_key_its_voices_and_its_first_chord():
    """BWV 66.6 is in F# minor and begins with C# and E over A in both lower voices."""
    spec = spec_of("bach/bwv66.6.mxl")
    assert (spec.labels["key"], spec.labels["mode"]) == ("F#", "minor")
    assert spec.labels["time_signature"] == "4/4" and "BWV66.6" in spec.caption
    first = [n.pitch for n in notes_of(excerpts()[spec.index].piece) if n.start == 0]
    assert sorted(first) == [57, 57, 64, 73]


def test_clips_begin_at_a_bar_line_at_the_tempo_that_they_are_labelled_with():
    spec = spec_of("ryansMammoth/BullDozerReel.abc")
    one = excerpts()[spec.index]
    notes = [n for n in notes_of(one.piece) if n.start >= one.start]
    played = sorted(spec.score().instruments[0].notes, key=lambda n: n.start)
    assert played[0].start == 0 and played[0].pitch == notes[0].pitch
    assert np.diff([n.start for n in played[:6]]) == pytest.approx(
        np.diff([n.start for n in notes[:6]]) * 60 / spec.labels["bpm"], abs=1e-3
    )


def test_the_tonic_and_its_fifth_lead_where_the_clip_is_in_its_key():
    """Most of what sounds is of the labelled key's scale: ten clips whose key their notes confirm."""
    clear = [n for n, one in enumerate(excerpts()) if one.agreed][::190]
    for spec in (FAMILY.spec(0, n) for n in clear):
        weights = class_weights(spec.score(), spec.seconds)
        tonic = PITCH_CLASSES.index(spec.labels["key"])
        steps = (
            (0, 2, 4, 5, 7, 9, 11) if spec.labels["mode"] == "major" else (0, 2, 3, 5, 7, 8, 10, 11)
        )
        inside = sum(weights[(tonic + step) % 12] for step in steps)
        assert inside > 0.85 * weights.sum()


def test_stretches_of_a_piece_share_no_note_and_stay_within_it():
    ends = defaultdict(float)
    for one in excerpts():
        assert one.start >= ends[one.piece.path]
        ends[one.piece.path] = (
            one.start + corpus.SECONDS * one.bpm / 60 * corpus.BEATS[one.piece.metre]
        )


def test_every_clip_says_where_it_is_from_and_what_may_be_done_with_it():
    for index in range(0, FAMILY.size, 97):
        spec = FAMILY.spec(0, index)
        assert spec.source_id.startswith(("music21/bach/bwv", "music21/ryansMammoth/"))
        assert "public domain" in spec.labels["terms"]
    assert {one.folder for one in COLLECTIONS} == {"bach", "ryansMammoth"}


def test_melodies_with_a_stretch_in_common_are_one_tune_in_any_key():
    tune = list(range(SHARED))
    assert tunes([tune, [9, 9, *tune], [1] * 30, tune[:-1]]) == [0, 0, 2, 3]


def test_another_file_than_the_catalogues_is_refused():
    piece = replace(excerpts()[0].piece, digest="00000000")
    with pytest.raises(BadInput, match=r"bwv\S+ is not the file that the catalogue tells of"):
        notes_of(piece)


def test_without_music21_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    monkeypatch.setattr("curation.extras._installed", lambda name: name != "music21")
    with pytest.raises(
        BadInput, match=r"music21 not installed: pip install 'steering-music\[scores\]'"
    ):
        notes_of(excerpts()[0].piece)
    assert not there("scores")
    assert FAMILY.spec(0, 0).caption  # counting needs no score
