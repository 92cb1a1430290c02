"""What the page draws of a pair: the probe's curve is a probability where the bank is calibrated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from studio.analysis import probe_readings
from studio.clips import Pair
from studio.judging import verdict
from studio.loaded_models import LoadedModel
from studio.panels.explore import report_figures
from tests.studio_toy import toy_loaded, toy_recipe
from tests.test_steering_toy import model  # noqa: F401


def pair(model) -> Pair:  # noqa: F811
    codes = torch.randint(32, (2, 4, 100), generator=torch.Generator().manual_seed(0))
    rate = model.sample_rate
    return Pair(toy_recipe(seconds=2.0), np.zeros((2, 2 * rate), np.int16), codes, rate)


def calibrated(loaded: LoadedModel, slope: float, intercept: float) -> LoadedModel:
    bank = loaded.banks["notes/ridge"]
    lines = torch.tensor([[slope, intercept]]).repeat(bank.origin.layers, 1)
    directions = {name: replace(one, calibration=lines) for name, one in bank.items()}
    return replace(loaded, banks={"notes/ridge": replace(bank, directions=directions)})


def test_a_calibrated_direction_is_read_in_probabilities(model):  # noqa: F811
    loaded, clips = toy_loaded(model), pair(model)
    plain = probe_readings(clips, loaded)[0]
    chances = probe_readings(clips, calibrated(loaded, 0.3, 0.5))[0]
    assert (plain["kind"], chances["kind"]) == ("deviations", "probability")
    for side in ("steered", "unsteered"):
        assert 0 < min(chances[side]) < max(chances[side]) < 1
        odds = np.log(np.array(chances[side]) / (1 - np.array(chances[side])))
        assert np.corrcoef(odds, plain[side])[0, 1] > 0.98
    level = probe_readings(clips, calibrated(loaded, 0.0, float(torch.tensor(0.25).logit())))[0]
    assert level["steered"] == pytest.approx([0.25] * len(plain["steered"]))


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


def test_own_figures_stand_in_for_the_shipped_ones_of_the_same_name(tmp_path):
    for home, folder, text in (("shipped", "notes-test", "theirs"), ("own", "notes-test", "ours"),
                               ("shipped", "pairs-test", "theirs")):  # fmt: skip
        (tmp_path / home / folder).mkdir(parents=True)
        (tmp_path / home / folder / "report.md").write_text(text)
    (tmp_path / "own" / "notes-test" / "secret.txt").write_text("no")
    shown = report_figures((tmp_path / "shipped", tmp_path / "own", tmp_path / "nowhere"))
    assert [(one["title"], one["text"]) for one in shown] == [
        ("notes-test: report", "ours"), ("pairs-test: report", "theirs"),
    ]  # fmt: skip
