"""Variation changes the sound, one kind at a time, and never a label."""

from __future__ import annotations

import numpy as np
import pytest

from curation.concepts import get_family
from curation.nuisance import KINDS, sound_font_choice, vary


def spread(name: str, kinds: tuple[str, ...], value, count: int = 60) -> list:
    family = get_family(name)
    return [value(vary(family.spec(0, index), kinds)) for index in range(0, 37 * count, 37)]


def test_nothing_varies_when_nothing_is_asked_for():
    spec = get_family("chords").spec(0, 11)
    plain, varied = spec.score(), vary(spec, ())
    assert [vars(n) for n in plain.instruments[0].notes] == [
        vars(n) for n in varied.instruments[0].notes
    ]


def test_each_kind_varies_its_own_thing():
    def first(score):
        return score.instruments[0].notes[0]

    assert np.std(spread("chords", ("velocity",), lambda s: first(s).velocity)) > 5
    assert (
        0 < np.std(spread("chords", ("timing",), lambda s: s.instruments[0].notes[3].start)) < 0.02
    )
    bends = spread("chords", ("tuning",), lambda s: s.instruments[0].pitch_bends[0].pitch)
    assert np.ptp(bends) > 1000 and np.abs(bends).max() <= 30 * 8192 / 200 + 1
    sends = spread("chords", ("reverb",), lambda s: s.instruments[0].control_changes[-1].value)
    assert np.ptp(sends) > 50
    lows = spread("chords", ("register",), lambda s: min(n.pitch for n in s.instruments[0].notes))
    assert min(lows) < 60 and max(lows) >= 72


@pytest.mark.parametrize("name", ["chords", "scales", "intervals", "progressions"])
def test_moving_the_register_keeps_the_pitch_classes(name):
    family = get_family(name)
    for index in range(0, 3000, 101):
        spec = family.spec(0, index)
        plain = [n.pitch % 12 for n in spec.score().instruments[0].notes]
        varied = [n.pitch % 12 for n in vary(spec, KINDS).instruments[0].notes]
        assert plain == varied


def test_notes_never_change_their_octave():
    for index in range(0, 9000, 333):
        spec = get_family("notes").spec(0, index)
        pitches = {n.pitch for n in vary(spec, KINDS).instruments[0].notes}
        assert pitches == {spec.labels["pitch"]}


def test_reverb_stays_where_reverb_is_a_label():
    spec = get_family("time_signatures").spec(0, 0)
    changes = vary(spec, KINDS).instruments[0].control_changes
    sends = [change.value for change in changes if change.number == 91]
    assert sends == [0]


def test_both_sound_fonts_get_their_share():
    family = get_family("notes")
    chosen = [sound_font_choice(family.spec(0, index), 2) for index in range(200)]
    assert 60 < sum(chosen) < 140


def test_turning_one_kind_off_moves_no_other():
    spec = get_family("chords").spec(0, 500)
    everything, one = vary(spec, KINDS), vary(spec, ("velocity",))
    assert [n.velocity for n in everything.instruments[0].notes] == [
        n.velocity for n in one.instruments[0].notes
    ]
