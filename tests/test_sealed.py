"""Tensors and what they are: two files that are read together or not at all, whatever is in them."""

from __future__ import annotations

import json
import struct

import pytest
import torch
from safetensors.torch import save_file

from curation.errors import BadInput
from steering.sealed import Sealed

KEPT = Sealed("the thing", "thing", again="make it anew", unsealed="bind {folder}")
ONE = torch.arange(6.0).reshape(2, 3)


@pytest.fixture
def folder(tmp_path):
    KEPT.write(tmp_path, {"names": ["a", "b"], "share": 0.1}, {"one": ONE})
    return tmp_path


def refused(folder, match: str) -> str:
    with pytest.raises(BadInput, match=match) as told:
        KEPT.read(folder)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_what_is_written_is_read(folder):
    facts, tensors = KEPT.read(folder)
    assert facts == {"format": 2, "names": ["a", "b"], "share": 0.1}
    assert torch.equal(tensors["one"], ONE) and list(tensors) == ["one"]


def test_layout_of_the_json_is_nobodys_business(folder):
    path = folder / KEPT.facts
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(facts.items()))))
    assert KEPT.read(folder)[0] == facts


def test_the_seal_tells_names_shapes_and_numbers_apart(tmp_path):
    seen = set()
    for tensors in ({"one": ONE}, {"two": ONE}, {"one": ONE.reshape(3, 2)}, {"one": -ONE}):
        for names in (["a", "b"], ["b", "a"], ["ab"]):
            KEPT.write(tmp_path, {"names": names}, tensors)
            seen.add((tmp_path / KEPT.tensors).read_bytes().split(b"sha256")[1][:80])
    assert len(seen) == 12


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        b"\xff" * 64,
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 90_000_000) + b"{" * 1000,
    ],
)
def test_what_is_no_file_of_tensors_is_told(folder, content):
    (folder / KEPT.tensors).write_bytes(content)
    refused(folder, r"^the thing in .* is damaged \(.*\): make it anew$")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b'{"a": NaN}',
     b'{"a": 1' + b"0" * 5000 + b"}"],
)  # fmt: skip
def test_what_is_no_json_object_is_told(folder, content):
    (folder / KEPT.facts).write_bytes(content)
    refused(folder, "is damaged")


@pytest.mark.parametrize("name", [KEPT.facts, KEPT.tensors])
def test_a_folder_or_nothing_in_the_place_of_a_file_is_told(folder, name):
    (folder / name).unlink()
    refused(folder, "is damaged .*No such file")
    (folder / name).mkdir()
    refused(folder, "is damaged .*is no file")


def test_a_file_that_may_not_be_read_is_told(folder, monkeypatch):
    def deny(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.read_bytes", deny)
    refused(folder, "thing.json may not be read: give yourself the right to")


def test_files_of_absurd_length_are_not_read(folder):
    for name, said in (
        (KEPT.tensors, "longer than 268,435,456 bytes"),
        (KEPT.facts, "longer than"),
    ):
        with (folder / name).open("rb+") as file:
            file.truncate(2**30)  # takes no space on the disk
        refused(folder, said)


def test_other_numbers_than_float32_are_told(folder):
    save_file({"one": ONE.long()}, folder / KEPT.tensors)
    refused(folder, "'one' in thing.safetensors is not of dtype F32")


def test_formats_are_told_and_only_the_older_one_is_ever_read_without_a_seal(folder):
    save_file({"one": ONE}, folder / KEPT.tensors)
    path = folder / KEPT.facts
    refused(folder, "not as they were saved together")
    path.write_text(json.dumps({"format": 1}))
    refused(folder, "of format 1, where nothing binds names to numbers: bind ")
    assert KEPT.read(folder, trusted=True)[0] == {"format": 1}
    for format_ in (3, None, "2", [2]):
        path.write_text(json.dumps({"format": format_}))
        refused(folder, "this code reads 2: make it anew")
