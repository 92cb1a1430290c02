"""A planted concept, from activations on disk to a bank that steers the model that it is for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from steering.activations.store import Activations
from steering.directions.bank import load_bank
from steering.models.origin import Origin
from steering.training.banks import table, train_bank

LAYERS, SIZE = 3, 16
ORIGIN = Origin("toy", "abc", LAYERS, SIZE)


def planted(clips: int = 900, spread: float = 0.5) -> tuple[Activations, np.ndarray]:
    """Notes C, D and E along three directions, a tempo along a fourth, in noise of this spread."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.standard_normal((SIZE, SIZE)))[0][:4]
    notes, bpm = rng.integers(3, size=clips), rng.uniform(60, 180, size=clips)
    values = rng.standard_normal((clips, 1, LAYERS, SIZE)) * spread
    values += (
        3 * directions[notes][:, None, None] + (bpm[:, None, None, None] - 120) / 20 * directions[3]
    )
    splits = rng.choice(["train", "validation", "test"], p=[0.7, 0.15, 0.15], size=clips)
    labels = [
        {
            "note": "CDE"[n],
            "bpm": b,
            "split": str(s),
            "random_split": "train" if s == "test" else str(s),
        }
        for n, b, s in zip(notes.tolist(), bpm.tolist(), splits, strict=True)
    ]
    return Activations(values.astype(np.float16), labels, {}), directions


@pytest.mark.parametrize("method", ["mean_difference", "ridge", "logistic"])
def test_a_bank_holds_the_planted_notes(method, tmp_path):
    activations, directions = planted()
    bank, fitted = train_bank(table(activations, "note"), ORIGIN, "notes", method, {"dataset": "d"})
    bank.save(tmp_path)
    loaded = load_bank(tmp_path, ORIGIN)
    assert list(loaded) == ["C", "D", "E"]
    for place, name in enumerate("CDE"):
        others = directions[[other for other in range(3) if other != place]].mean(0)
        wanted = torch.from_numpy(directions[place] - others).float()
        cosine = loaded[name].vectors @ wanted / wanted.norm()
        assert cosine.min() > 0.9
    assert fitted.scores.min() > 0.95
    assert loaded.norms.shape == (LAYERS,) and loaded.norms.min() > 3
    assert loaded.facts["dataset"] == "d" and loaded.facts["seed"] == 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="training on a GPU needs one")
@pytest.mark.parametrize("method", ["mean_difference", "ridge", "logistic", "rfm"])
def test_a_gpu_finds_the_same_directions(method):
    data = table(planted()[0], "note")
    here, there = (
        train_bank(data, ORIGIN, "notes", method, {}, device=device)[0]
        for device in ("cpu", "cuda")
    )
    for name in here:
        assert (here[name].vectors * there[name].vectors).sum(-1).min() > 0.99


@pytest.mark.parametrize("method", ["mean_difference", "logistic"])
def test_a_bank_says_how_likely_a_planted_note_is(method, tmp_path):
    activations, _ = planted(6000, spread=2.0)
    data = table(activations, "note")
    train_bank(data, ORIGIN, "notes", method, {})[0].save(tmp_path)
    for place, direction in enumerate(load_bank(tmp_path).values()):
        present = data.y["test"][:, place]
        for layer in range(LAYERS):
            projected = data.x["test"][:, layer] @ direction.vectors[layer]
            said = direction.probabilities(projected, layer)
            assert said.min() < 0.1 and said.max() > 0.7
            assert float(said.mean()) == pytest.approx(float(present.mean()), abs=0.04)
            bins = list(said.argsort().chunk(5))
            errors = [abs(float(said[part].mean() - present[part].mean())) for part in bins]
            assert float(np.mean(errors)) < 0.05


def test_a_number_gives_one_direction_that_points_upwards():
    activations, directions = planted()
    bank, fitted = train_bank(table(activations, "bpm"), ORIGIN, "tempos", "ridge", {})
    assert list(bank) == ["bpm"] and bank["bpm"].calibration is None
    assert (bank["bpm"].vectors @ torch.from_numpy(directions[3]).float()).min() > 0.95
    assert fitted.scores.min() > 0.8


def test_the_test_split_is_never_looked_at():
    activations, _ = planted()
    spoiled = activations.values.copy()
    spoiled[activations.column("split") == "test"] = 100
    one, two = (
        train_bank(table(a, "note"), ORIGIN, "notes", "ridge", {})[0]
        for a in (activations, replace(activations, values=spoiled))
    )
    assert all(torch.equal(one[name].vectors, two[name].vectors) for name in one)


def test_plain_random_splits_are_another_division():
    activations, _ = planted()
    grouped, plain = (table(activations, "note", by) for by in ("split", "random_split"))
    assert len(plain.x["train"]) > len(grouped.x["train"]) and not len(plain.x["test"])


def test_some_classes_can_be_kept_apart_from_all_others():
    activations, _ = planted()
    one = table(activations, "note", concepts=["E"])
    assert one.concepts == ("E",)
    assert float(one.y["train"].mean()) == pytest.approx(1 / 3, abs=0.06)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda a: a, {"label": "chord"}, "no label 'chord': it has note, bpm"),
        (lambda a: a, {"label": "note", "concepts": ["H"]}, "no clip has note 'H': it has C, D, E"),
        (
            lambda a: replace(a, labels=[r | {"note": "C"} for r in a.labels]),
            {},
            "all clips have note",
        ),
        (
            lambda a: replace(a, labels=[r | {"bpm": 90.0} for r in a.labels]),
            {"label": "bpm"},
            "one value",
        ),
        (
            lambda a: replace(a, labels=[r | {"split": "train"} for r in a.labels]),
            {},
            "no validation split",
        ),
        (
            lambda a: replace(a, values=a.values.repeat(2, axis=1)),
            {},
            "use the pooling mean or last",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_refused(change, options, message):
    activations, _ = planted(120)
    with pytest.raises(BadInput, match=message):
        table(change(activations), **({"label": "note"} | options))
