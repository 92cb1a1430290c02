"""No file of somebody else runs code: not a model's own, not a pickle, whatever is typed."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
import torch

from curation.errors import BadInput
from sketch.loading import CONFIG, INDEX, load_sketch, shard_name
from steering.commands.convert import read_audiocraft
from steering.models import load_model
from steering.models.loading import is_public
from tests.toy import save_small_sketch

MODULE = "planted_model"


class Planted:
    """A pickle that makes a file when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.fixture
def marker(tmp_path, monkeypatch):
    """What planted code would leave; every question is answered with yes."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    yield tmp_path / "planted"
    assert not (tmp_path / "planted").exists()


@pytest.fixture
def folder(tmp_path, marker) -> Path:
    save_small_sketch(tmp_path / "model")
    (tmp_path / "model" / f"{MODULE}.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    return tmp_path / "model"


def refused(load, match: str) -> None:
    with pytest.raises(BadInput, match=match) as told:
        load()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("load", [load_model, load_sketch])
@pytest.mark.parametrize(
    "entries",
    [
        {"model_type": "planted", "auto_map": {"AutoConfig": f"{MODULE}.Config"}},
        {"auto_map": {"AutoModel": f"{MODULE}.Model"}},
        {"text_encoder": {"model_type": "gpt2", "auto_map": {"AutoModel": f"{MODULE}.Model"}}},
        {"list": [{"auto_map": {}}]},
    ],
)
def test_a_model_with_code_of_its_own_is_refused(folder, load, entries):
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | entries))
    name = folder if load is load_sketch else str(folder)
    refused(lambda: load(name), "asks for code of its own")


def test_code_of_a_tokenizer_is_passed_over(folder):
    path = folder / "tokenizer_config.json"
    own = {"tokenizer_class": "Planted", "auto_map": {"AutoTokenizer": [None, f"{MODULE}.Words"]}}
    path.write_text(json.dumps(json.loads(path.read_text()) | own))
    assert load_model(str(folder)).condition(["calm jazz"]).mask.sum() > 0


def test_weights_are_safetensors_and_no_pickle(folder, marker):
    for shard in (shard_name(1, 2), shard_name(2, 2), INDEX):
        (folder / shard).unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Planted(marker)))
    refused(lambda: load_model(str(folder)), "from safetensors alone, never from a pickle")


def test_an_index_that_leads_to_a_pickle_is_refused(folder, marker):
    index = json.loads((folder / INDEX).read_text())
    (folder / "weights.bin").write_bytes(pickle.dumps(Planted(marker)))
    index["weight_map"] = dict.fromkeys(index["weight_map"], "weights.bin")
    (folder / INDEX).write_text(json.dumps(index))
    refused(lambda: load_model(str(folder)), "cannot be loaded")
    refused(lambda: load_sketch(folder), "damaged")


@pytest.mark.parametrize("kind", ["cut", "empty", "absurd", "folder", "other"])
def test_damaged_weights_of_a_model_are_one_line(folder, kind):
    path = folder / shard_name(2, 2)
    whole = path.read_bytes()
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "other":
        path.symlink_to(folder / shard_name(1, 2))
    else:
        path.write_bytes({"cut": whole[:-9], "empty": b"", "absurd": b"\xff" * 64}[kind])
    if kind != "other":  # transformers only warns of weights that are not there
        refused(lambda: load_model(str(folder)), "cannot be loaded")
    refused(lambda: load_sketch(folder), "restore it with")


def test_sizes_that_the_weights_do_not_have_are_one_line(folder):
    config = json.loads((folder / CONFIG).read_text())
    config["decoder"]["ffn_dim"] = 4096
    (folder / CONFIG).write_text(json.dumps(config))
    refused(lambda: load_model(str(folder)), "cannot be loaded")
    refused(lambda: load_sketch(folder), "damaged")


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "[" * 100_000])
def test_a_configuration_that_is_none_is_one_line(folder, text):
    (folder / CONFIG).write_text(text)
    refused(lambda: load_model(str(folder)), "no folder with a model|is a None model")
    refused(lambda: load_sketch(folder), "damaged")


@pytest.mark.parametrize("best", [[1, 2], {"emb.0.weight": 3}, None])
def test_a_checkpoint_of_audiocraft_holds_tensors_alone(tmp_path, marker, best):
    torch.save({"best_state": best}, tmp_path / "state_dict.bin")
    refused(lambda: read_audiocraft(tmp_path), "save it again")
    torch.save({"best_state": {}, "more": Planted(marker)}, tmp_path / "state_dict.bin")
    refused(lambda: read_audiocraft(tmp_path), "could run code")


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("sketch", True),
        ("facebook/musicgen-small", True),
        ("here/model", False),
        ("here", False),
        ("/here/model", False),
        ("../model", False),
        ("./model", False),
        ("a/b/c", False),
        ("~/model", False),
        ("a/..", False),
        ("", False),
        ("a/b\0", False),
        ("a/" + "b" * 300, False),
    ],
)
def test_a_public_name_is_no_folders(tmp_path, monkeypatch, name, public):
    (tmp_path / "here" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert is_public(name) is public
