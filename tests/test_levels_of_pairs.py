"""One gain for a pair: where it brings it, what it leaves alone, and what a first listen knows of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from listening.loudness import loudness
from studio.clips import Pair
from studio.encodings import as_flac, unpacked
from studio.levels import CEILING_DB, TARGET_LUFS, LevelSoFar, level_db
from studio.playback import packed

RATE = 32_000


def music(seconds: float, level: float, seed: int = 0) -> np.ndarray:
    """Two sides of noise with a beat, int16 ``[2, N]``; the second one is half as loud."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(0, level, (2, len(time)))
    noise *= 0.6 + 0.4 * np.cos(2 * np.pi * 2 * time)
    return np.round(32767 * np.clip(noise * [[1], [0.5]], -1, 1)).astype(np.int16)


def pair_of(sound: np.ndarray, **recipe) -> Pair:
    asked = {"prompt": "calm jazz", "seed": 7, "interventions": []} | recipe
    return Pair(asked, sound, torch.zeros(2, 4, 1), RATE)


def test_both_sides_together_stand_at_the_target():
    pair = pair_of(music(4.0, 0.03))
    levelled = np.concatenate([pair.levelled("steered"), pair.levelled("unsteered")]) / 32768
    assert loudness(levelled, RATE) == pytest.approx(TARGET_LUFS, abs=0.1)


def test_one_gain_leaves_what_steering_changed():
    pair = pair_of(music(4.0, 0.03))
    before = [loudness(pair.floating(side), RATE) for side in ("steered", "unsteered")]
    after = [loudness(pair.levelled(side) / 32768, RATE) for side in ("steered", "unsteered")]
    assert after[0] - after[1] == pytest.approx(before[0] - before[1], abs=0.05)
    assert before[0] - before[1] > 4


def test_a_click_keeps_its_shape_under_the_ceiling():
    sound = music(4.0, 0.005)
    sound[1, 1000] = 30_000
    pair = pair_of(sound)
    assert pair.level_db == pytest.approx(CEILING_DB - 20 * np.log10(30_000 / 32768), abs=0.01)
    assert np.abs(pair.levelled("unsteered")).max() <= 32768 * 10 ** (CEILING_DB / 20) + 1


def test_silence_stays_silence():
    pair = pair_of(np.zeros((2, RATE), dtype=np.int16))
    assert pair.level_db == 0 and not pair.levelled("steered").any()


def test_a_level_leaves_the_hash_alone():
    pair = pair_of(music(1.0, 0.01))
    raw = pair.hashes
    assert pair.level_db > 1
    assert pair.hashes == raw


def test_estimates_come_near_the_level_and_never_over_the_peak():
    sound = music(8.0, 0.04)
    so_far, seen = LevelSoFar(RATE), []
    for at in range(0, sound.shape[1], RATE // 4):
        seen.append(so_far.add(sound[:, at : at + RATE // 4]))
    final = pair_of(sound)
    assert len({one["match_db"] for one in seen}) <= 5
    assert seen[-1]["match_db"] == pytest.approx(final.match_db, abs=0.5)
    assert all(one["level_db"] <= final.level_db + 0.5 for one in seen)


def test_a_long_take_is_not_kept_for_its_level():
    so_far = LevelSoFar(RATE)
    for _ in range(40):
        so_far.add(music(1.0, 0.04))
    assert not so_far._parts
    assert so_far.add(music(1.0, 0.4))["level_db"] == so_far.add(music(1.0, 0.001))["level_db"]


@pytest.mark.parametrize("samples", [0, 1, 5760])
def test_flac_carries_the_very_same_samples(samples):
    extremes = np.array([[32767], [-32768]], dtype=np.int16)
    sound = np.concatenate([extremes, music(1.0, 0.1)], axis=1)[:, :samples]
    event = {"event": "audio", "encoding": "pcm", "done": 3}
    event |= {side: packed(row) for side, row in zip(("steered", "unsteered"), sound, strict=True)}
    given = as_flac(event, RATE)
    assert given["done"] == 3
    assert given["encoding"] == ("flac" if samples else "pcm")
    for row, side in zip(sound, ("steered", "unsteered"), strict=True):
        assert np.array_equal(unpacked(given)[side], row)
        assert np.array_equal(unpacked(event)[side], row)


def test_silent_pairs_are_level_nowhere():
    assert level_db(np.zeros((2, 10), dtype=np.int16), RATE) == 0


def test_a_file_is_named_by_what_it_is():
    recipe = {"prompt": "calm jazz with a flute", "interventions": [{"concept": "C"}]}
    assert pair_of(music(0.1, 0.1), **recipe).title == "C in calm jazz with a flute, seed 7"
    assert pair_of(music(0.1, 0.1)).title == "calm jazz, seed 7"


def test_no_prompt_makes_a_path_of_a_name():
    named = pair_of(music(0.1, 0.1), prompt='../..\\etc: "passwd"\n<x>|' + "a" * 300).title
    assert not set(named) & set('/\\:"<>|.\n') and len(named) < 100
