"""Sparse autoencoders find what vectors are made of, and the labels name the right latent of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from curation.errors import BadInput
from steering.activations.store import Activations
from steering.cli import main
from steering.finders import dictionary, finders, sae
from steering.finders.dictionary import learn
from steering.finders.sae import finder, latents_for, named
from steering.finders.ways import find_bank
from steering.models.origin import Origin
from steering.probes.fitted import ProbeData
from steering.probes.scores import every_auc
from steering.training.banks import table
from steering.training.workshop import Workshop
from studio.catalogue import catalogue
from tests.studio_toy import toy_loaded

SIZE, PARTS, LAYERS = 24, 32, 2
NOTES = ("C", "D", "E")


def made_of(parts: torch.Tensor, count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums ``[N, D]`` of about three of the parts ``[P, D]``, off 0, and how much there is of each."""
    generator = torch.Generator().manual_seed(seed)
    there = torch.rand(count, len(parts), generator=generator) < 3 / len(parts)
    amounts = there * (5 + 5 * torch.rand(count, len(parts), generator=generator))
    return amounts @ parts + 3, amounts


@pytest.fixture(scope="module")
def parts() -> torch.Tensor:
    generator = torch.Generator().manual_seed(9)  # none that a dictionary starts with
    return torch.nn.functional.normalize(torch.randn(PARTS, SIZE, generator=generator), dim=-1)


@pytest.fixture(scope="module")
def learnt(parts):
    return learn(made_of(parts, 6000, 1)[0], torch.Generator().manual_seed(0), 64, 4, 500)


@pytest.fixture(scope="module")
def planted(parts) -> ProbeData:
    """Three of the parts are notes, the first of them C at layer 0 and E at layer 1."""
    sums, amounts = made_of(parts, 7000, 2)
    y = (amounts[:, :3] > 0).float()
    swapped = sums - amounts[:, :3] @ parts[:3] + amounts[:, [2, 1, 0]] @ parts[:3]
    x = torch.stack([sums, swapped], 1)
    return ProbeData(x[:6000], y[:6000], x[6000:], y[6000:], NOTES)


@pytest.fixture
def workshop(monkeypatch) -> Workshop:
    """Few clips of two seconds, soon learnt; a note is a direction of its own."""
    monkeypatch.setattr(sae, "learn", partial(learn, steps=150))
    rng = np.random.default_rng(0)
    note = rng.integers(3, size=160)
    values = rng.standard_normal((160, 2, LAYERS, SIZE)) + 6 * np.eye(SIZE)[note][:, None, None]
    splits = ["train", "train", "validation", "test"] * 40
    labels = [{"note": NOTES[n], "split": s} for n, s in zip(note, splits, strict=True)]
    store = Activations(values.astype(np.float16), labels, {"dataset": "toys"})
    data = table(replace(store, values=store.values.mean(1, keepdims=True)), "note")
    model = SimpleNamespace(origin=Origin("toy", "abc", LAYERS, SIZE), device="cpu")
    return Workshop(model, kept={"genres": (data, store)})  # type: ignore[arg-type]


def test_what_vectors_are_made_of_is_found(parts, learnt):
    likeness = (parts @ learnt.decoder.T).amax(1)
    assert likeness.min() > 0.9
    assert torch.allclose(learnt.decoder.norm(dim=-1), torch.ones(64), atol=1e-5)


def test_few_latents_of_a_vector_are_used_and_give_it_back(parts, learnt):
    sums, amounts = made_of(parts, 500, 3)
    latents = learnt.encode(sums)
    assert (latents >= 0).all() and ((latents > 0).sum(1) <= 4).all()
    easy = (amounts > 0).sum(1) <= 4
    assert learnt.explained(sums[easy]) > 0.95 > 0.05 > learnt.explained(sums[easy].flip(1))
    unused = (latents == 0).all(0)
    assert learnt.dead(sums) == int(unused.sum()) < 40


def test_the_same_seed_learns_the_same(parts):
    sums = made_of(parts, 600, 1)[0]
    one, same, other = (
        learn(sums, torch.Generator().manual_seed(seed), 64, 4, 20) for seed in (0, 0, 1)
    )
    assert torch.equal(one.decoder, same.decoder) and torch.equal(one.encoder, same.encoder)
    assert not torch.equal(one.decoder, other.decoder)


def test_a_latent_that_is_not_used_learns_from_what_the_others_leave(parts):
    x = made_of(parts, 64, 1)[0]
    decoder = torch.nn.functional.normalize(torch.randn(8, SIZE), dim=-1).requires_grad_(True)
    encoder = torch.cat([x.mean(0).expand(7, -1), -x.mean(0)[None]]).requires_grad_(True)
    for dead, learns in ((torch.zeros(8, dtype=torch.bool), False), (torch.arange(8) == 7, True)):
        encoder.grad = decoder.grad = None
        where = torch.zeros(SIZE) if not learns else 2 * x.mean(0)
        dictionary._loss(x, encoder, decoder, where, 2, dead)[0].backward()
        assert bool(decoder.grad[7].any()) == learns


def test_labels_name_the_latent_of_the_planted_note(parts, planted):
    dictionaries = [
        learn(x, torch.Generator().manual_seed(0), 64, 4, 500) for x in planted.x.unbind(1)
    ]
    fitted = named(planted, dictionaries)
    for place in range(3):
        assert fitted.vectors[place, 0] @ parts[place] > 0.9
        assert fitted.vectors[place, 1] @ parts[2 - place] > 0.9
    assert fitted.scores.min() > 0.85
    chosen = torch.tensor(fitted.settings["latents"])
    assert torch.equal(fitted.vectors[:, 0], dictionaries[0].decoder[chosen[:, 0]])


def test_a_bank_says_how_good_its_dictionaries_are(workshop):
    bank = find_bank(workshop, "genres", "sae")
    assert list(bank) == list(NOTES) and bank.method == "sae"
    assert min(float(direction.scores.max()) for direction in bank.values()) > 0.9
    assert all(direction.calibration is not None for direction in bank.values())
    assert bank.facts["dataset"] == "toys" and bank.facts["label"] == "genre"
    assert bank.facts["dictionary"] == [40] * LAYERS and bank.facts["active"] == [32] * LAYERS
    assert min(bank.facts["explained"]) > 0.5
    assert len(bank.facts["dead"]) == LAYERS and bank.facts["seconds"] > 0


def test_labels_that_are_dealt_out_anew_leave_the_dictionary_and_name_nothing(workshop):
    one, shuffled = (find_bank(workshop, "genres", "sae", deal) for deal in (False, True))
    assert shuffled.facts["shuffled"] and "shuffled" not in one.facts
    assert shuffled.facts["explained"] == one.facts["explained"]
    score, dealt = (
        np.mean([float(direction.scores.mean()) for direction in bank.values()])
        for bank in (one, shuffled)
    )
    assert score > 0.9 > 0.75 > dealt


def test_every_area_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    values, y = rng.integers(0, 6, size=(60, 200)), rng.random((60, 3)) < 0.4
    ours = every_auc(torch.from_numpy(values).float(), torch.from_numpy(y).float())
    theirs = [[roc_auc_score(labels, numbers) for labels in y.T] for numbers in values.T]
    assert np.allclose(ours.numpy(), theirs, atol=1e-6)


def test_few_clips_have_a_small_dictionary():
    assert [latents_for(count) for count in (10, 1000, 10**6)] == [32, 250, 1024]


def test_numbers_are_refused_in_one_line(workshop):
    assert not finder.suits("tempos") and finder.suits("notes")
    with pytest.raises(BadInput, match="sae finds no directions of tempos: choose one of notes"):
        find_bank(workshop, "tempos", "sae")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("banks", "--methods", "magic"), "no method 'magic': choose one of mean_difference"),
        (("banks", "--methods", "sae", "--families", "tempos"), "sae finds no directions of tempos"),
        (("train", "build", "bpm", "--out", "b", "--method", "sae"), "python -m steering banks"),
        (("train", "build", "bpm", "--out", "b", "--method", "magic"), "no method 'magic'"),
    ],
)  # fmt: skip
def test_what_cannot_be_found_is_refused_before_anything_is_read(arguments, said, capsys):
    assert main(list(arguments)) == 2
    assert said in capsys.readouterr().err


def test_the_page_knows_a_finders_word(model):
    loaded = toy_loaded(model)
    loaded.banks["notes/sae"] = replace(loaded.banks["notes/ridge"], method="sae")
    assert catalogue(loaded, ("toy",))["methods"]["sae"] == finders()["sae"].word
