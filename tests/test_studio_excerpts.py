"""What a blind test plays: X is the same music as one of the two, and a copy of neither."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate

from listening.loudness import loudness
from studio.clips import SIDES, Pair
from studio.excerpts import LATE_SECONDS, LEVEL_DB, SECONDS, encoded, excerpt

RATE = 32_000
LONG = round((SECONDS + LATE_SECONDS) * RATE)
LOTS = [{"a": a, "b": b, "x": x} for a, b in (SIDES, SIDES[::-1]) for x in SIDES]


def tones(*frequencies, seconds=10.0, level=0.2):
    """A chord with partials that swell, float ``[N]``."""
    time = np.arange(round(seconds * RATE)) / RATE
    parts = [np.sin(2 * np.pi * f * time) * (1 + 0.5 * np.sin(f * time)) for f in frequencies]
    return level * np.mean(parts, axis=0)


def pair(steered, unsteered):
    sound = np.round(32767 * np.stack([steered, unsteered])).astype(np.int16)
    return Pair({"interventions": []}, sound, None, RATE)


def heard(one, sides):
    return encoded(excerpt(one), RATE, sides)


@pytest.fixture
def chords():
    return pair(tones(262, 330, 392, level=0.4), tones(220, 262, 330, level=0.1))


def lined_up(one, other):
    """The largest correlation of two sounds over the shifts that there may be."""
    late, length = round(LATE_SECONDS * RATE), RATE // 4
    part = one[2 * late : 2 * late + length].astype(float)
    there = other[late : 3 * late + length].astype(float)
    dots = correlate(there, part, "valid")
    powers = correlate(there**2, np.ones(length), "valid")
    return np.max(dots / np.sqrt(powers * np.sum(part**2)))


@pytest.mark.parametrize("sides", LOTS)
def test_x_is_the_music_of_its_side(chords, sides):
    a, b, x = heard(chords, sides).values()
    match, rest = (a, b) if sides["x"] == sides["a"] else (b, a)
    assert lined_up(x, match) > 0.9999 > lined_up(x, rest)


@pytest.mark.parametrize("sides", LOTS)
def test_x_is_a_copy_of_neither_in_any_sample(chords, sides):
    a, b, x = heard(chords, sides).values()
    assert a.dtype == b.dtype == x.dtype == np.int16 and len(a) == len(b) == len(x) == 4 * RATE
    assert not np.any(x == a) and not np.any(x == b)


def test_levels_differ_by_less_than_is_heard():
    cut = np.stack([0.2 * np.sin(np.arange(4 * RATE) / 8)] * 2)
    sounds = [sound for sides in LOTS for sound in encoded(cut, RATE, sides).values()]
    levels = [loudness(sound / 32768, RATE) for sound in sounds]
    assert LEVEL_DB / 10 < max(levels) - min(levels) < LEVEL_DB + 0.02


def test_dither_turns_what_rounding_would_bend_into_noise(chords):
    """A tone of half a step is lost by rounding; with dither it is still there."""
    quiet = 0.5 / 32768 * np.sin(2 * np.pi * 1000 * np.arange(4 * RATE) / RATE)
    sound = encoded(np.stack([quiet, quiet]), RATE, LOTS[0])["x"]
    spectrum = np.abs(np.fft.rfft(sound - sound.mean()))
    at = round(1000 * len(sound) / RATE)
    assert spectrum[at - 2 : at + 3].max() > 20 * np.median(spectrum)
    assert np.std(sound) < 2


def test_full_scale_stays_in_range():
    loud = np.stack([np.ones(RATE), -np.ones(RATE)])
    for sides in LOTS:
        for name, sound in encoded(loud, RATE, sides).items():
            inner = sound[RATE // 10 : -RATE // 10].astype(int)
            assert np.all(np.sign(inner) == (1 if sides[name] == "steered" else -1))
            assert np.ptp(inner) < 10


def test_each_round_has_other_seconds_of_the_clip(chords):
    cuts = [excerpt(chords) for _ in range(6)]
    assert all(cut.shape == (2, LONG) for cut in cuts)
    assert len({cut.tobytes() for cut in cuts}) == 6


def test_an_excerpt_begins_where_the_two_have_parted():
    late = tones(262, 330)
    late[: 6 * RATE] = tones(220)[: 6 * RATE]
    for _ in range(5):
        steered, unsteered = excerpt(pair(late, tones(220)))
        assert np.corrcoef(steered, unsteered)[0, 1] < 0.9


def test_what_is_shorter_than_an_excerpt_is_heard_whole():
    brief = pair(tones(262, seconds=0.3), tones(220, seconds=0.3))
    assert excerpt(brief).shape == (2, round(0.3 * RATE))
    same = pair(tones(220), tones(220))
    assert excerpt(same).shape == (2, LONG)
