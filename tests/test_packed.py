"""Banks as text: the bank of the file bit for bit, or one line that says what is wrong."""

from __future__ import annotations

import base64
import json
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from curation.errors import BadInput
from steering.api import play
from steering.decoding.clip import Clip
from steering.directions.bank import KEPT, Bank, load_bank
from steering.directions.direction import Direction
from steering.directions.packed import MOST_PACKED, MOST_UNPACKED, pack, rounded, unpack
from steering.interventions.intervention import Intervention
from steering.interventions.plan import compile_plan
from steering.models.origin import Origin
from tests.toy import SIZE, toy_bank, toy_model

NAME = "own/staccato"


def exact(bank: Bank) -> Bank:
    """The same with vectors as `teach` rounds them, calibrated, and a word on where it is from."""
    directions = {
        name: replace(
            one,
            vectors=rounded(one.vectors),
            calibration=torch.tensor([[0.25, 1 / 3]] * len(one.vectors)),
        )
        for name, one in bank.items()
    }
    return replace(bank, family="own", directions=directions, facts={"clips": 5, "share": 0.1})


@pytest.fixture(scope="module")
def toy():
    return toy_model()


@pytest.fixture(scope="module")
def bank(toy) -> Bank:
    return exact(toy_bank(toy, ("staccato",)))


def put_together(content: bytes, seal: str = "0" * 64) -> str:
    return f"{seal}.{base64_of(zlib.compress(content, 9))}"


def bytes_of(packed: str) -> bytes:
    return base64.urlsafe_b64decode(packed)


def test_a_bank_out_of_a_text_is_the_bank_of_its_file(bank, tmp_path):
    again = unpack(pack(bank), NAME)
    bank.save(tmp_path / "file")
    again.save(tmp_path / "text")
    for name in ("directions.json", "directions.safetensors"):
        assert (tmp_path / "file" / name).read_bytes() == (tmp_path / "text" / name).read_bytes()
    assert again.source == again["staccato"].source == NAME
    assert pack(load_bank(tmp_path / "text")).startswith(f"{bank.seal}.")


def test_it_plays_the_same_codes_from_its_file_and_from_its_text(toy, bank, tmp_path):
    bank.save(tmp_path)
    played = []
    for one in (load_bank(tmp_path, toy.origin), unpack(pack(bank), NAME, toy.origin), None):
        pushes = [Intervention(one["staccato"], 0.8)] if one else []
        plan = compile_plan(pushes, 0.5, toy.frame_rate) if pushes else None
        played.append(play(toy, [Clip("jazz", 3, plan)], 0.5))
    assert torch.equal(played[0], played[1]) and not torch.equal(played[0], played[2])


def test_a_concept_of_the_built_in_model_is_short_enough_for_a_link():
    origin = Origin("sketch", "0" * 16, 8, 256)
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(8, 256, generator=generator)
    one = Direction("x", vectors, torch.ones(8), origin).unit()
    text = pack(exact(Bank("own", "ridge", origin, {"x": one}, torch.ones(8))))
    assert 4_000 < len(text) < 7_000


def test_vectors_that_would_change_are_not_packed(toy):
    with pytest.raises(BadInput, match="not exact in float16"):
        pack(toy_bank(toy, ("C",)))


def test_a_large_bank_is_not_packed(toy):
    with pytest.raises(BadInput, match="characters as text, 24,000 are carried"):
        pack(exact(toy_bank(toy, tuple(f"concept {n}" for n in range(200)))))


def test_a_bank_of_another_model_is_refused(toy, bank):
    with pytest.raises(BadInput, match="'own/staccato' that the recipe carries was made for"):
        unpack(pack(bank), NAME, replace(toy.origin, revision="another"))


def base64_of(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()


DAMAGE: dict[str, Callable[[str, str], str]] = {
    "empty": lambda seal, packed: "",
    "a seal alone": lambda seal, packed: seal,
    "cut off": lambda seal, packed: f"{seal}.{packed[:-101]}",
    "cut off at a byte": lambda seal, packed: f"{seal}.{packed[:100]}",
    "a letter changed": lambda seal, packed: f"{seal}.{packed[:99]}{packed[98:99]}{packed[100:]}",
    "another seal": lambda seal, packed: f"{seal[::-1]}.{packed}",
    "no seal": lambda seal, packed: packed,
    "no base64": lambda seal, packed: f"{seal}.!{packed[1:]}",
    "other letters": lambda seal, packed: f"{seal}.é{packed[1:]}",
    "not compressed": lambda seal, packed: f"{seal}.{base64_of(b'abcdefgh')}",
    "something behind it": lambda seal, packed: f"{seal}.{base64_of(bytes_of(packed) + b'more')}",
    "too long": lambda seal, packed: f"{seal}.{packed}{'A' * MOST_PACKED}",
    "nothing in it": lambda seal, packed: put_together(b""),
    "no tensors": lambda seal, packed: put_together(b"{}\n"),
    "no object": lambda seal, packed: put_together(b"[]\n" + safetensors.torch.save({})),
    "nested": lambda seal, packed: put_together(b"[" * 50_000 + b"\n"),
    "an absurd head": lambda seal, packed: put_together(b"{}\n" + b"\xff" * 64),
}


def refused(text: str) -> None:
    match = r"^the bank 'own/staccato' .* is damaged \(.*\): ask for the recipe again$"
    with pytest.raises(BadInput, match=match):
        unpack(text, NAME)


@pytest.mark.parametrize("case", DAMAGE)
def test_what_is_no_packed_bank_is_told_in_one_line(bank, case):
    refused(DAMAGE[case](*pack(bank).split(".")))


LIES: dict[str, Callable[[dict, dict], object]] = {
    "no family": lambda facts, tensors: facts.pop("family"),
    "origin a list": lambda facts, tensors: facts.update(origin=[1, 2]),
    "another size": lambda facts, tensors: facts["origin"].update(size=2 * SIZE),
    "concepts a text": lambda facts, tensors: facts.update(concepts="x"),
    "two names": lambda facts, tensors: facts.update(concepts=["a", "b"]),
    "a name of two lines": lambda facts, tensors: facts.update(concepts=["a\nb"]),
    "facts a list": lambda facts, tensors: facts.update(facts=[]),
    "long vectors": lambda facts, tensors: tensors["vectors"].mul_(1000),
    "zero vectors": lambda facts, tensors: tensors["vectors"].zero_(),
    "vectors not finite": lambda facts, tensors: tensors["vectors"].fill_(torch.nan),
    "norms below zero": lambda facts, tensors: tensors["norms"].mul_(-1),
    "no scores": lambda facts, tensors: tensors.pop("scores"),
    "another tensor": lambda facts, tensors: tensors.update(more=torch.ones(1)),
    "finer vectors": lambda facts, tensors: tensors.update(vectors=tensors["vectors"].float()),
    "whole numbers": lambda facts, tensors: tensors.update(norms=tensors["norms"].long()),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_cannot_be_a_bank_is_refused_although_it_is_sealed(bank, lie):
    said, _, kept = zlib.decompress(bytes_of(pack(bank).split(".")[1])).partition(b"\n")
    facts, tensors = json.loads(said), safetensors.torch.load(kept)
    assert unpack(sealed(facts, tensors), NAME).seal == bank.seal
    LIES[lie](facts, tensors)
    refused(sealed(facts, tensors))


def sealed(facts: dict, tensors: dict[str, torch.Tensor]) -> str:
    content = json.dumps(facts).encode() + b"\n" + safetensors.torch.save(tensors)
    return put_together(content, KEPT.seal(facts, tensors))


def test_a_text_that_swells_is_never_decompressed_whole():
    """Ten megabytes of zeros in some ten thousand characters: a hundredth of them is ever seen."""
    swollen = put_together(bytes(MOST_UNPACKED * 100))
    assert len(swollen) < MOST_PACKED
    tracemalloc.start()
    with pytest.raises(BadInput, match="decompresses to more than 100,000 bytes"):
        unpack(swollen, NAME)
    assert tracemalloc.get_traced_memory()[1] < 10 * MOST_UNPACKED
    tracemalloc.stop()
