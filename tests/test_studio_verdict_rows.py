"""What a verdict says of pairs whose sound is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from listening.spans import length, whole_seconds
from studio.clips import Pair
from studio.pushed import pushed_away, pushed_spans
from studio.verdict_rows import verdict
from tests.studio_toy import toy_recipe

RATE = 32_000


def chord(*midi: int, seconds: float) -> np.ndarray:
    times = np.arange(round(seconds * RATE)) / RATE
    waves = [np.sin(2 * np.pi * 440 * 2 ** ((one - 69) / 12) * times) for one in midi]
    return (5_000 * np.sum(waves, axis=0)).astype(np.int16)


def pushed(concept: str, bank: str = "", **changes) -> dict:
    one = toy_recipe()["interventions"][0] | {"concept": concept} | changes
    return one | ({"bank": bank} if bank else {})


def pair(sound: np.ndarray, *interventions: dict, **changes) -> Pair:
    seconds = sound.shape[1] / RATE
    recipe = toy_recipe(seconds=seconds, interventions=list(interventions)) | changes
    return Pair(recipe, sound, torch.zeros(0), RATE)


def test_a_note_is_heard_in_the_time_that_it_is_pushed_and_pauses_do_not_count():
    pulses = {"shape": "pulse", "period": 2.0, "width": 1.0}
    sound = np.stack(
        [np.concatenate([chord(60, seconds=1), chord(66, seconds=1)] * 2), chord(66, seconds=4)]
    )
    said = verdict(pair(sound, pushed("C", schedule=pulses)))
    row = said["rows"][0]
    assert (row["target"], row["of"]) == ("C", 2.0)
    assert row["steered"] >= 90 and row["unsteered"] == 0
    assert said["headline"] == (
        f"C is the loudest note in {row['steered']} % of the 2 s in which it is pushed; unsteered: 0 %."
    )


def test_a_chord_is_heard_in_the_seconds_that_it_is_pushed():
    sound = np.zeros((2, 4 * RATE), np.int16)
    sound[0, 2 * RATE :] = chord(60, 64, 67, seconds=2)
    late = pair(sound, pushed("C major", schedule={"shape": "constant", "start": 2.0}))
    said = verdict(late)
    row = said["rows"][0]
    assert (row["steered"], row["unsteered"], row["of"]) == (2, 0, 2)
    assert "C major is heard in 2 of the 2 seconds" in said["headline"]
    cut = replace(late, sound=sound[:, :RATE])
    assert verdict(cut)["headline"] == "" and "target" not in verdict(cut)["rows"][0]


def test_three_chords_are_told_together():
    chords = {"C major": (60, 64, 67), "G major": (67, 71, 74), "A minor": (69, 72, 76)}
    sound = np.concatenate([chord(*midi, seconds=2) for midi in chords.values()])
    other = chord(62, 66, 69, seconds=6)
    pushes = [
        pushed(name, schedule={"shape": "constant", "start": 2.0 * n, "end": 2.0 * n + 2})
        for n, name in enumerate(chords)
    ]
    said = verdict(pair(np.stack([sound, other]), *pushes))
    assert said["headline"] == (
        "The chord that is pushed is heard in 6 of 6 seconds; unsteered: 0."
    )


def test_beginnings_of_notes_are_counted_and_a_mode_is_no_chord():
    sound = np.zeros((2, 4 * RATE), np.int16)
    for start in range(0, 4 * RATE, RATE // 4):  # four clicks a second
        sound[0, start : start + 800] = 8_000 * np.sin(np.arange(800) / 5)
    sound[1, : 2 * RATE] = sound[0, : 2 * RATE]
    late = {"shape": "constant", "start": 2.0}
    said = verdict(pair(sound, pushed("bpm", "tempos/ridge", schedule=late)))
    row = said["rows"][0]
    assert row["steered"] == pytest.approx(4, abs=0.5) and row["unsteered"] == 0
    assert said["headline"].startswith("Notes begin")
    said = verdict(pair(sound, pushed("minor", "modes/ridge")))
    assert said["headline"] == "" and not any("target" in row for row in said["rows"])
    (begin,) = [row for row in said["rows"] if row["what"] == "Notes begin"]
    assert begin["unsteered"] == pytest.approx(2, abs=0.3)


def test_spans_follow_the_schedule_and_the_moves():
    rise = pushed("C", schedule={"shape": "linear_rise"}, coefficient=0.05)
    recipe = toy_recipe(seconds=8.0, interventions=[rise])
    assert pushed_spans(recipe, 0, 8.0) == [(4.0, 8.0)]
    assert pushed_spans(recipe, 0, 5.0) == [(4.0, 5.0)]
    still = pushed("C", schedule={"shape": "constant"}, coefficient=0.0)
    moved = toy_recipe(seconds=8.0, interventions=[still]) | {
        "moves": [
            {"step": 100, "concept": 0, "coefficient": -0.1},
            {"step": 200, "concept": 0, "coefficient": 0.0},
        ]
    }
    assert pushed_spans(moved, 0, 8.0) == [(2.0, 4.0)] and pushed_away(moved, 0)
    assert pushed_spans(toy_recipe(seconds=8.0, interventions=[still]), 0, 8.0) == []


def test_a_second_counts_when_most_of_it_is_pushed():
    assert whole_seconds([(0.0, 2.1), (3.3, 4.6)]) == [0, 1, 3, 4]
    assert length([(0.0, 2.1), (3.3, 4.6)]) == pytest.approx(3.4)
