"""What the page draws of a pair: the probe's curve is a probability where the bank is calibrated."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from steering.interventions.monitor import Monitor
from studio.analysis import curves, probe_readings
from studio.catalogue import catalogue
from studio.clips import Pair
from studio.loaded_models import LoadedModel
from studio.reports import picture, reports
from tests.studio_toy import toy_loaded, toy_recipe


def pair(model) -> Pair:
    codes = torch.randint(32, (2, 4, 100), generator=torch.Generator().manual_seed(0))
    rate = model.sample_rate
    return Pair(toy_recipe(seconds=2.0), np.zeros((2, 2 * rate), np.int16), codes, rate)


def calibrated(loaded: LoadedModel, slope: float, intercept: float) -> LoadedModel:
    bank = loaded.banks["notes/ridge"]
    lines = torch.tensor([[slope, intercept]]).repeat(bank.origin.layers, 1)
    directions = {name: replace(one, calibration=lines) for name, one in bank.items()}
    return replace(loaded, banks={"notes/ridge": replace(bank, directions=directions)})


def test_what_is_drawn_of_a_push_is_what_its_monitor_let_through(model):
    loaded, plain = toy_loaded(model), pair(model)
    plain = replace(plain, recipe=plain.recipe | {"revision": model.origin.revision})
    full = np.array(curves(plain, loaded)[0]["levels"])
    followed = replace(plain, strengths=np.linspace(1, 0, 103)[:, None])
    drawn = np.array(curves(followed, loaded)[0]["levels"])
    assert full[0] != 0 and drawn[0] == pytest.approx(full[0], rel=0.05)
    assert abs(drawn[-1]) < 0.05 * abs(full[-1])


def test_strengths_that_set_themselves_are_offered_where_a_bank_can_be_heard_by(model):
    for loaded, heard in (
        (toy_loaded(model), False),
        (calibrated(toy_loaded(model), 0.3, 0.5), True),
    ):
        choices = catalogue(loaded, ("toy",))
        assert choices["banks"]["notes/ridge"]["heard"] is heard
    assert choices["intervention"]["monitor"] is None
    assert Monitor(**choices["monitor"]) == Monitor()


def test_a_calibrated_direction_is_read_in_probabilities(model):
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


def test_own_figures_stand_in_for_the_shipped_ones_of_the_same_name(tmp_path):
    for home, folder, text in (("shipped", "notes-test", "theirs"), ("own", "notes-test", "ours"),
                               ("shipped", "pairs-test", "theirs")):  # fmt: skip
        (tmp_path / home / folder).mkdir(parents=True)
        (tmp_path / home / folder / "report.md").write_text(text)
    (tmp_path / "own" / "notes-test" / "secret.txt").write_text("no")
    (tmp_path / "own" / "notes-test" / "controls.png").write_bytes(b"png")
    homes = (tmp_path / "shipped", tmp_path / "own", tmp_path / "nowhere")
    assert reports(homes) == [
        {"name": "notes-test", "text": "ours", "pictures": ["controls"]},
        {"name": "pairs-test", "text": "theirs", "pictures": []},
    ]
    assert picture("notes-test", "controls", homes) == base64.b64encode(b"png").decode()
    for report, name in (
        ("notes-test", "secret"),
        ("..", "controls"),
        ("notes-test", "../controls"),
    ):
        with pytest.raises(BadInput, match="no picture"):
            picture(report, name, homes)
