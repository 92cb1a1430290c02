"""From a dataset to banks and adapters that were learned by gradient, on an untrained small model."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from benchmarks import methods
from curation import extras
from curation.errors import BadInput
from steering.api import generate
from steering.directions.bank import load_bank
from steering.families import families, get_family
from steering.families.family import Training
from steering.finders import finders, learned, reft_r1, supervised_vector
from steering.finders.ways import find_bank, suits
from steering.interventions.intervention import Intervention
from steering.interventions.monitor import Monitor
from steering.models import load_model
from steering.rivals import Wanted, lora, rivals
from steering.training import likelihood
from steering.training.likelihood import Course
from steering.training.workshop import Workshop
from tests.toy import CHORD_CLIPS

SHORT = Course(steps=2, rate=0.05, batch=4, every=1)


@pytest.fixture
def workshop(place, monkeypatch) -> Workshop:
    """A few steps on chords; their qualities."""
    small = Training("chords", "quality", clips=CHORD_CLIPS)
    monkeypatch.setitem(families(), "chords", replace(get_family("chords"), training=small))
    for module in (supervised_vector, reft_r1, lora):
        monkeypatch.setattr(module, "COURSE", SHORT)
    for module in (learned, lora):
        monkeypatch.setattr(module, "some", lambda windows, *_: windows.rows(range(4)))
    home = place / "build"
    return Workshop(load_model(str(place / "model")), home, home / "activations", workers=0)


@pytest.mark.parametrize("method", ["supervised_vector", "reft_r1"])
def test_a_learned_bank_is_kept_loaded_and_steers(workshop, method, tmp_path):
    assert suits("chords", method) and not suits("tempos", method)
    find_bank(workshop, "chords", method).save(tmp_path)
    bank = load_bank(tmp_path, workshop.model.origin)
    assert bank.method == method and list(bank) == list(workshop.table("chords")[0].concepts)
    assert bank.facts["seconds"] > 0 and len(bank.facts["nats"]) == 2
    lengths = torch.stack([one.vectors for one in bank.values()]).norm(dim=-1)
    assert torch.allclose(lengths, torch.ones_like(lengths), atol=1e-4)
    push = Intervention(bank["minor"], 0.5, monitor=Monitor())
    plain, pushed = (
        generate(workshop.model, "calm jazz", steers, seconds=0.6) for steers in ([], [push])
    )
    assert not torch.equal(plain, pushed)


def test_shuffled_labels_teach_other_vectors(workshop):
    find = finders()["supervised_vector"].find
    one, other = (find(workshop, "chords", shuffled) for shuffled in (False, True))
    assert other.facts["shuffled"] and "shuffled" not in one.facts
    assert not torch.allclose(one["minor"].vectors, other["minor"].vectors, atol=0.1)


def test_shuffled_labels_are_judged_by_shuffled_ones(workshop):
    """What is left of learning is chosen by validation windows: their own labels would choose it."""
    plain, dealt = (learned.material(workshop, "chords", deal)[1] for deal in (False, True))
    assert torch.equal(plain.codes, dealt.codes)
    assert torch.equal(plain.places.flatten().sort()[0], dealt.places.flatten().sort()[0])
    assert not torch.equal(plain.places, dealt.places)


def test_codes_are_read_once(workshop, monkeypatch):
    first = likelihood.read_examples(workshop, "chords")
    monkeypatch.setattr(likelihood, "read_codes", None)
    again = likelihood.read_examples(workshop, "chords")
    assert torch.equal(first.train.codes, again.train.codes)
    seconds = first.train.places
    assert seconds.shape[1] == 4 and (seconds == seconds[:, :1]).all()
    assert len(seconds) + len(again.validation) < CHORD_CLIPS


def test_adapters_are_trained_once_and_say_what_they_cost(workshop, monkeypatch):
    wanted = [Wanted("calm jazz", "calm jazz", name, 3) for name in ("minor", "major")]
    first = rivals()["lora"].prepare(workshop, "chords")(wanted, 0.6)
    monkeypatch.setattr(lora.Student, "learn", None)
    again = rivals()["lora"].prepare(workshop, "chords")(wanted, 0.6)
    assert torch.equal(first, again) and len(first) == 2
    costs = {
        name: facts["seconds"] for name, (_, facts) in lora.trained(workshop, "chords").items()
    }
    assert list(costs) == list(workshop.table("chords")[0].concepts)
    assert all(seconds > 0 for seconds in costs.values())


def test_adapters_of_other_settings_are_not_taken_for_these(workshop, monkeypatch):
    lora.trained(workshop, "chords")
    monkeypatch.setattr(lora, "COURSE", replace(SHORT, rate=0.01))
    monkeypatch.setattr(lora.Student, "learn", None)
    with pytest.raises(TypeError):
        lora.trained(workshop, "chords")


def test_what_cannot_be_learned_is_refused(workshop, monkeypatch):
    with pytest.raises(BadInput, match="tempos are numbers, and seconds have classes"):
        finders()["supervised_vector"].find(workshop, "tempos", False)
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(
        BadInput, match=r"peft not installed: pip install 'steering-music\[rivals\]'"
    ):
        rivals()["lora"].prepare(workshop, "chords")


def test_what_every_way_costs_is_told_side_by_side(workshop, place, tmp_path, capsys):
    out = tmp_path / "costs.json"
    build = ("--builds", str(place / "build"), "--model", str(place / "model"))
    ways = ["ridge", "mean_difference", "supervised_vector", "reft_r1", "lora"]
    methods.main([*build, "--family", "chords", "--only", *ways, "--json", str(out)])
    table = json.loads(out.read_text())
    assert set(table["learning"]) == set(ways)
    assert set(table["reading"]) == {"clips", "sound to codes", "codes to activations"}
    for figure in table["learning"].values():
        each, whole = (float(part.split()[0]) for part in figure.split(", "))
        assert 4 * each == pytest.approx(whole, abs=0.1)
    assert "s a concept" in capsys.readouterr().out
