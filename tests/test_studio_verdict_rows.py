"""What the table of verdicts says of pairs whose sound is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from studio.clips import Pair
from studio.verdict_rows import verdict
from tests.studio_toy import toy_recipe


def test_a_chord_is_heard_in_the_seconds_that_it_is_pushed():
    rate = 32_000
    times = np.arange(2 * rate) / rate
    chord = sum(np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * times) for midi in (60, 64, 67))
    sound = np.zeros((2, 4 * rate), np.int16)
    sound[0, 2 * rate :] = 5_000 * chord
    pushed = toy_recipe()["interventions"][0] | {
        "concept": "C major", "schedule": {"shape": "constant", "start": 2.0},
    }  # fmt: skip
    late = Pair(toy_recipe(seconds=4.0, interventions=[pushed]), sound, torch.zeros(0), rate)
    rows = {row["what"]: row for row in verdict(late)}
    heard = rows["C major while it is pushed"]
    assert (heard["steered"], heard["unsteered"]) == (100, 0)
    assert rows["most frequent chord"]["steered"] == "C major"
    cut = replace(late, sound=sound[:, :rate])
    assert "C major while it is pushed" not in {row["what"] for row in verdict(cut)}


def test_beginnings_of_notes_are_counted_and_a_mode_is_no_chord():
    rate = 32_000
    sound = np.zeros((2, 4 * rate), np.int16)
    for start in range(0, 4 * rate, rate // 4):  # four clicks a second
        sound[0, start : start + 800] = 8_000 * np.sin(np.arange(800) / 5)
    faster, minor = (
        toy_recipe()["interventions"][0] | {"bank": bank, "concept": concept}
        for bank, concept in (("tempos/ridge", "bpm"), ("modes/ridge", "minor"))
    )
    late = faster | {"schedule": {"shape": "constant", "start": 2.0}}
    sound[1, : 2 * rate] = sound[0, : 2 * rate]
    clips = Pair(toy_recipe(seconds=4.0, interventions=[late]), sound, torch.zeros(0), rate)
    rows = {row["what"]: row for row in verdict(clips)}
    heard = rows["notes begin while pushed"]
    assert heard["steered"] == pytest.approx(4, abs=0.5)
    assert heard["unsteered"] == 0 and heard["target"]
    clips = replace(clips, recipe=toy_recipe(seconds=4.0, interventions=[minor]))
    rows = {row["what"]: row for row in verdict(clips)}
    assert rows["notes begin"]["unsteered"] == pytest.approx(2, abs=0.3)
    assert "minor while it is pushed" not in rows and "target" not in rows["notes begin"]
