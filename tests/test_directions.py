"""Directions have an algebra; banks are kept safely and for one model only."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from curation.errors import BadInput
from steering.directions.bank import FACTS, KEPT, TENSORS, Bank, bind_bank, load_bank
from steering.directions.bank_name import BankName
from steering.directions.direction import Direction
from steering.directions.hub import banks_in
from steering.directions.library import BANKS
from steering.models.origin import Origin

ORIGIN = Origin("toy", "abc", 3, 8)


def direction(name: str, seed: int) -> Direction:
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(3, 8, generator=generator)
    return Direction(name, vectors, torch.rand(3, generator=generator), ORIGIN)


A, B, C = (direction(name, seed) for seed, name in enumerate("ABC"))


def test_directions_add_scale_and_negate_as_vectors_do():
    assert torch.allclose((A + B).vectors, (B + A).vectors)
    assert torch.allclose((A - A).vectors, torch.zeros(3, 8))
    assert torch.allclose((2 * A + -B).vectors, 2 * A.vectors - B.vectors)
    assert torch.equal((-1 * (-A)).vectors, A.vectors)
    assert torch.allclose((0.5 * (A + B)).unit().vectors, (A + B).unit().vectors)
    assert torch.allclose((3 * A).unit().vectors.norm(dim=-1), torch.ones(3))


def test_a_sum_is_trusted_as_far_as_its_weaker_part():
    assert torch.equal((A + B).scores, torch.minimum(A.scores, B.scores))


def test_what_is_orthogonal_to_others_shares_nothing_with_them_and_loses_nothing_else():
    rest = A.orthogonal_to(B, C)
    for other in (B, C):
        assert (rest.vectors * other.vectors).sum(-1).abs().max() < 1e-5
    lost = A.vectors - rest.vectors
    for layer in range(3):
        span = torch.stack([B.vectors[layer], C.vectors[layer]], dim=1)
        solution = torch.linalg.lstsq(span, lost[layer][:, None]).solution
        assert torch.allclose(span @ solution, lost[layer][:, None], atol=1e-5)
    assert A.orthogonal_to(A).vectors.norm() < 1e-5
    assert torch.allclose(A.orthogonal_to(B, 2 * B).vectors, A.orthogonal_to(B).vectors, atol=1e-5)


def bank() -> Bank:
    directions = {d.name: d.unit() for d in (A, B)}
    return Bank("notes", "rfm", ORIGIN, directions, torch.ones(3), {"dataset": "xyz"})


def test_a_bank_comes_back_as_it_was_saved(tmp_path):
    bank().save(tmp_path)
    loaded = load_bank(tmp_path, ORIGIN)
    assert list(loaded) == ["A", "B"] and len(loaded) == 2
    assert torch.allclose(loaded["B"].vectors, B.unit().vectors)
    assert torch.allclose(loaded["A"].scores, A.scores)
    assert (loaded.family, loaded.method, loaded.facts) == ("notes", "rfm", {"dataset": "xyz"})
    assert loaded["A"].calibration is None and loaded["A"].probabilities(torch.ones(2), 0) is None


def calibrated(lines: torch.Tensor) -> Bank:
    directions = {d.name: replace(d.unit(), calibration=lines) for d in (A, B)}
    return replace(bank(), directions=directions)


def test_calibration_is_kept_and_belongs_to_the_very_vectors_it_was_fitted_for(tmp_path):
    calibrated(torch.tensor([[1.0, 0.0], [2.0, -2.0], [0.0, 3.0]])).save(tmp_path)
    one = load_bank(tmp_path)["B"]
    even = torch.tensor([[0.5, 0.5]])
    assert torch.equal(one.probabilities(torch.ones(1, 2), 1), even)
    assert one.probabilities(torch.tensor(2.0), 0) == torch.tensor(2.0).sigmoid()
    for other in (-one, 2 * one, one + one, one.unit(), one.orthogonal_to(A)):
        assert other.calibration is None
    for lines in (torch.ones(3, 3), torch.full((3, 2), torch.nan)):
        calibrated(lines).save(tmp_path)
        with pytest.raises(BadInput, match="damaged"):
            load_bank(tmp_path)


def test_an_unknown_concept_is_answered_with_the_known_ones():
    with pytest.raises(BadInput, match="no concept 'H' among notes: choose one of A, B"):
        bank()["H"]
    assert "A" in bank() and "H" not in bank()


@pytest.mark.parametrize(
    "other", [Origin("toy", "other", 3, 8), Origin("toy", "abc", 3, 8, "before the block")]
)
def test_a_bank_of_another_model_or_site_is_refused(tmp_path, other):
    bank().save(tmp_path)
    with pytest.raises(BadInput, match="train a bank for this model"):
        load_bank(tmp_path, other)
    assert load_bank(tmp_path).origin == ORIGIN


def test_missing_and_damaged_banks_are_told(tmp_path):
    with pytest.raises(BadInput, match="holds no bank"):
        load_bank(tmp_path)
    bank().save(tmp_path)
    tensors = tmp_path / TENSORS
    tensors.write_bytes(tensors.read_bytes()[:-50])
    with pytest.raises(BadInput, match="damaged"):
        load_bank(tmp_path)
    bank().save(tmp_path)
    facts = json.loads((tmp_path / FACTS).read_text())
    (tmp_path / FACTS).write_text(json.dumps(facts | {"concepts": ["A"]}))
    with pytest.raises(BadInput, match="damaged"):
        load_bank(tmp_path)
    (tmp_path / FACTS).write_text(json.dumps(facts | {"format": 9}))
    with pytest.raises(BadInput, match="format 9"):
        load_bank(tmp_path)


def edited(folder, **entries) -> None:
    facts = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps(facts | entries))


@pytest.mark.parametrize(
    "entries",
    [
        {"concepts": ["B", "A"]},
        {"concepts": ["A", "C"]},
        {"family": "genres"},
        {"facts": {"dataset": "xyz", "pooling": "last"}},
        {"origin": {**vars(ORIGIN), "revision": "other"}},
    ],
)
def test_what_a_bank_says_of_its_vectors_cannot_be_changed_unnoticed(tmp_path, entries):
    bank().save(tmp_path)
    edited(tmp_path, **entries)
    with pytest.raises(BadInput, match="not as they were saved together"):
        load_bank(tmp_path)


def test_vectors_belong_to_the_names_that_they_were_saved_with(tmp_path):
    """A turned note: the same header, the same names, the vectors of A under B."""
    bank().save(tmp_path)
    replace(bank(), directions={d.name: d.unit() for d in (B, C)}).save(tmp_path / "other")
    (tmp_path / TENSORS).write_bytes((tmp_path / "other" / TENSORS).read_bytes())
    with pytest.raises(BadInput, match="not as they were saved together"):
        load_bank(tmp_path)
    bank().save(tmp_path)
    whole = (tmp_path / TENSORS).read_bytes()
    (tmp_path / TENSORS).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(BadInput, match="not as they were saved together"):
        load_bank(tmp_path)


def unsealed(folder) -> dict[str, torch.Tensor]:
    """A bank as it was kept before names were bound."""
    bank().save(folder)
    tensors = {name: tensor.clone() for name, tensor in load_file(folder / TENSORS).items()}
    save_file(tensors, folder / TENSORS)
    edited(folder, format=1)
    return tensors


def test_an_older_bank_is_bound_by_hand_and_keeps_its_vectors(tmp_path):
    tensors = unsealed(tmp_path)
    with pytest.raises(BadInput, match=r"if you trust .* 'python -m steering bank bind"):
        load_bank(tmp_path)
    assert list(bind_bank(tmp_path)) == ["A", "B"]
    kept = load_file(tmp_path / TENSORS)
    assert all(torch.equal(kept[name], tensor) for name, tensor in tensors.items())
    assert torch.equal(load_bank(tmp_path, ORIGIN)["B"].vectors, tensors["vectors"][1])
    files = [(tmp_path / name).read_bytes() for name in (FACTS, TENSORS)]
    bind_bank(tmp_path)
    assert files == [(tmp_path / name).read_bytes() for name in (FACTS, TENSORS)]
    edited(tmp_path, concepts=["B", "A"])
    for read in (load_bank, bind_bank):  # binding is no way round the seal
        with pytest.raises(BadInput, match="not as they were saved"):
            read(tmp_path)
    edited(tmp_path, format=1)
    with pytest.raises(BadInput, match="not as they were saved"):
        bind_bank(tmp_path)


NAN = float("nan")
DAMAGED = {
    "family": [None, "", 3, "notes\n", "n" * 201],
    "method": [None, ["rfm"]],
    "origin": [
        None,
        [1],
        "toy",
        {},
        vars(ORIGIN) | {"layers": 3.0},
        vars(ORIGIN) | {"layers": True},
        vars(ORIGIN) | {"size": "8"},
        vars(ORIGIN) | {"layers": 10**12},
        vars(ORIGIN) | {"size": 0},
        vars(ORIGIN) | {"revision": 7},
        vars(ORIGIN) | {"room": "x"},
    ],
    "concepts": [
        None,
        "AB",
        [],
        ["A"],
        ["A", "A"],
        ["A", ""],
        ["A", 2],
        ["A", "\x1b[2J"],
        {"A": 1},
    ],
    "facts": [None, "none", []],
}
SPOILT = {
    "vectors": [torch.zeros(2, 3, 8), torch.ones(2, 3, 8), torch.ones(2, 3, 4), torch.ones(6)],
    "scores": [torch.ones(2, 2), torch.ones(3), torch.tensor([[1.0, 1.0, NAN]] * 2)],
    "norms": [torch.ones(2), torch.ones(3, 1), torch.zeros(3), -torch.ones(3),
              torch.tensor([1.0, NAN, 1.0]), torch.full((3,), 1e30)],
    "calibration": [torch.ones(2, 3), torch.full((2, 3, 2), torch.inf)],
    "more": [torch.ones(1)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "tensors"),
    [({name: value}, {}) for name, values in DAMAGED.items() for value in values]
    + [({}, {name: value}) for name, values in SPOILT.items() for value in values],
)
def test_what_no_bank_can_hold_is_refused_when_it_is_loaded_not_when_it_plays(
    tmp_path, facts, tensors
):
    bank().save(tmp_path)
    said, kept = KEPT.read(tmp_path)
    KEPT.write(tmp_path, said | facts, kept | tensors)
    with pytest.raises(BadInput, match=r"is damaged .*train or fetch it again") as told:
        load_bank(tmp_path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("missing", ["family", "method", "origin", "concepts", "facts"])
def test_an_entry_that_is_missing_is_told(tmp_path, missing):
    bank().save(tmp_path)
    said, kept = KEPT.read(tmp_path)
    KEPT.write(tmp_path, {name: one for name, one in said.items() if name != missing}, kept)
    with pytest.raises(BadInput, match="is damaged"):
        load_bank(tmp_path)


def test_a_layer_where_nothing_was_found_is_no_damage(tmp_path):
    silent = A.unit().vectors.clone()
    silent[1] = 0
    one = replace(A, vectors=silent)
    replace(bank(), directions={"A": one}).save(tmp_path)
    assert torch.equal(load_bank(tmp_path)["A"].vectors, silent)


def test_shipped_banks_are_bound_and_unit():
    found = banks_in(BANKS)
    assert len(found) >= 40
    for folder in found:
        loaded = load_bank(folder)
        assert (loaded.family, loaded.method) == folder.parts[-2:]


@pytest.mark.parametrize("text", ["notes", "notes/", "/ridge", "build/banks/notes", ""])
def test_a_banks_name_is_its_family_and_its_method(text):
    assert str(BankName.parse("notes/ridge-shuffled")) == "notes/ridge-shuffled"
    with pytest.raises(BadInput, match="write it as family/method"):
        BankName.parse(text)


def test_a_bank_that_is_killed_half_written_is_no_bank_of_two(tmp_path, monkeypatch):
    """The directions of one label are never taken for those of another."""
    norms = torch.ones(3)
    Bank("notes", "ridge", ORIGIN, {"A": A.unit(), "B": B.unit()}, norms).save(tmp_path)
    other = Bank("keys", "ridge", ORIGIN, {"B": B.unit(), "C": C.unit()}, norms)

    def dies(path, text):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("steering.sealed.write_whole", dies)
        other.save(tmp_path)
    with pytest.raises(BadInput, match="holds no bank"):
        load_bank(tmp_path)
    other.save(tmp_path)
    assert torch.equal(load_bank(tmp_path)["C"].vectors, C.unit().vectors)
    assert {path.name for path in tmp_path.iterdir()} == {FACTS, TENSORS}


def test_two_who_save_a_bank_at_once_leave_that_of_one_of_them(tmp_path):
    banks = [
        Bank(label, "ridge", ORIGIN, {"A": one, "B": one}, torch.ones(3))
        for label, one in (("notes", A.unit()), ("keys", C.unit()))
    ]

    def save(bank: Bank) -> None:
        for _ in range(30):
            bank.save(tmp_path)

    threads = [threading.Thread(target=save, args=(bank,)) for bank in banks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = load_bank(tmp_path)
    assert torch.equal(left["A"].vectors, (A if left.family == "notes" else C).unit().vectors)
