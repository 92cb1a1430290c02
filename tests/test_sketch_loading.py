"""Loading, playing and training as a user meets them: what goes wrong is said in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from transformers import AutoProcessor, MusicgenForConditionalGeneration

from curation.errors import BadInput
from sketch import SketchCodec, SketchCodecConfig
from sketch.checkpoints import Checkpoint, Stopwatch
from sketch.cli import main
from sketch.codec.books import Codebooks
from sketch.export import save_sketch
from sketch.language.model import LanguageModel, assemble
from sketch.language.text import make_tokenizer
from sketch.loading import INDEX, load_codec, load_sketch, shard_name
from tests.test_sketch_codec import SMALL
from tests.toy import centres


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """An untrained sketch with a small codec, exported."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("sketch")
    tokenizer = make_tokenizer(hours=4.0)
    parts = LanguageModel(tokenizer, Codebooks(centres()).places)
    model = assemble(SketchCodec(SketchCodecConfig(**SMALL)), parts)
    save_sketch(model, tokenizer, Codebooks(centres()), folder)
    return folder


@pytest.fixture
def copy(folder, tmp_path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_transformers_loads_it_as_a_musicgen_and_plays(folder):
    model = MusicgenForConditionalGeneration.from_pretrained(folder)
    processor = AutoProcessor.from_pretrained(folder)
    words = processor(text=["calm jazz", "flute"], padding=True, return_tensors="pt")
    sound = model.generate(**words, max_new_tokens=25 + 4)
    assert sound.shape == (2, 1, 25 * 640)
    assert model.config.audio_encoder.frame_rate == 50
    assert model.generation_config.guidance_scale == 3.0


def test_the_same_seed_plays_the_same_and_leaves_torchs_own_state(folder):
    sketch = load_sketch(folder)
    state = torch.get_rng_state()
    told = []
    one = sketch.play(["calm jazz"], 0.4, 1, progress=lambda *step: told.append(step))
    again, other = (sketch.play(["calm jazz"], 0.4, seed) for seed in (1, 2))
    assert told == [(step + 1, told[-1][1]) for step in range(told[-1][1])] and len(told) >= 20
    assert one.shape == (1, 20 * 640)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("prompt", "seconds", "message"),
    [
        ("", 1.0, "the prompt is empty"),
        ("  \n", 1.0, "the prompt is empty"),
        ("calm jazz " * 40, 1.0, "64 are read: shorten it"),
        ("ein ruhiger Walzer", 1.0, "knows none of these words"),
        ("静かなジャズ", 1.0, "knows none of these words"),
        ("calm jazz", 0.0, "cannot be played"),
        ("calm jazz", 41.0, "ask for 0.02 to 40 s"),
        ("calm jazz", float("nan"), "cannot be played"),
    ],
)
def test_a_request_that_cannot_be_played_is_refused(folder, prompt, seconds, message):
    with pytest.raises(BadInput, match=message):
        load_sketch(folder).play([prompt], seconds)


def test_words_that_are_passed_over_are_named(folder, caplog):
    load_sketch(folder).play(["calm zydeco jazz"], 0.1)
    assert "zydeco" in caplog.text and "calm" not in caplog.text


def test_missing_files_are_named(copy):
    (copy / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match=r"has no tokenizer.json: restore it with 'git checkout"):
        load_sketch(copy)


def test_truncated_weights_are_noticed(copy):
    weights = copy / shard_name(2, 2)
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(BadInput, match="truncated or damaged"):
        load_sketch(copy)


def test_weights_that_do_not_belong_together_are_noticed(copy):
    shutil.copy(copy / shard_name(1, 2), copy / shard_name(2, 2))
    with pytest.raises(BadInput, match="do not belong together"):
        load_sketch(copy)


def test_a_config_of_another_model_than_the_weights_is_told(copy):
    config = json.loads((copy / "config.json").read_text())
    config["decoder"]["num_hidden_layers"] += 1
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match="of different models"):
        load_sketch(copy)


def test_weights_of_another_format_are_refused(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"sketch_format": 99}))
    with pytest.raises(BadInput, match="format 99, this code reads 3"):
        load_sketch(copy)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "[]"),
        ("config.json", "{"),
        (INDEX, "{}"),
        (INDEX, '{"weight_map": []}'),
        (INDEX, '{"weight_map": {"a": "../model.safetensors"}}'),
        (INDEX, '{"weight_map": {"a": 3}}'),
        ("tokenizer.json", "{"),
        ("tokenizer_config.json", "["),
        ("processor_config.json", "nothing"),
        ("generation_config.json", ""),
    ],
)
def test_damaged_files_are_one_line(copy, name, content):
    (copy / name).write_text(content)
    with pytest.raises(BadInput, match=r"damaged .*restore it with") as told:
        load_sketch(copy)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("wrong", [None, [], {"model_type": "sketch_codec", "bands": "many"}])
def test_a_damaged_codec_is_one_line(copy, wrong):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"audio_encoder": wrong}))
    with pytest.raises(BadInput, match=r"damaged .*restore it with"):
        load_codec(copy)


@pytest.mark.parametrize("content", [b"", b"\xff" * 64])
def test_damaged_codebooks_are_one_line(tmp_path, content):
    path = tmp_path / "books.safetensors"
    for spoil in (lambda: None, lambda: path.write_bytes(content)):
        spoil()
        with pytest.raises(BadInput, match=r"cannot be read .*git checkout"):
            Codebooks.load(path)
    for tables in ({"1": centres()[0]}, {"a": centres()[0]}):
        save_file(tables, path)
        with pytest.raises(BadInput, match="cannot be read"):
            Codebooks.load(path)
    for table in (np.ones(3, np.float32), np.full((2, 2), np.nan, np.float32)):
        save_file({"0": table}, path)
        with pytest.raises(BadInput, match="holds no codebooks"):
            Codebooks.load(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["play", "", "--weights", "{folder}"], "the prompt is empty"),
        (["play", "jazz", "--out", "no/where.wav"], "no is no folder"),
        (["play", "jazz", "--weights", "nowhere"], "nowhere has no config.json"),
        (["train", "encoder", "--minutes", "0"], "--minutes 0: give a number above 0"),
        (["train", "encoder", "--minutes", "nan"], "--minutes nan: give a number above 0"),
        (["train", "lm", "--steps", "-3"], "--steps -3: give a number above 0"),
        (["train", "lm"], "give --minutes or --steps"),
        (["train", "lm", "--steps", "3", "--minutes", "3"], "give --minutes or --steps"),
        (["export", "out"], "has no decoders.pt yet: run 'python -m sketch train decoders'"),
    ],
)
def test_bad_input_is_one_line(arguments, message, folder, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([part.format(folder=folder) for part in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("sketch: ") and message in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_prompt_becomes_a_file(folder, tmp_path, capsys):
    out = tmp_path / "jazz.wav"
    assert (
        main(["play", "jazz", "--seconds", "0.3", "--out", str(out), "--weights", str(folder)]) == 0
    )
    assert "0.3 s" in capsys.readouterr().out
    assert out.stat().st_size == 44 + 2 * 15 * 640


def test_a_damaged_checkpoint_is_not_exported(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    for name in ("decoders.pt", "encoder.pt", "lm.pt"):
        (tmp_path / "work" / name).write_bytes(b"half of it")
    assert main(["export", "out", "--work", "work"]) == 2
    assert "damaged or no checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def linear() -> tuple[torch.nn.Linear, torch.optim.Optimizer]:
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2)
    return layer, torch.optim.AdamW(layer.parameters(), 0.1)


def train_for(steps: int, checkpoint: Checkpoint, parts: dict) -> torch.Tensor:
    numbers = checkpoint.load() or {"step": 0}
    for _ in range(steps):
        parts["optimiser"].zero_grad()
        parts["layer"](torch.randn(8, 3)).square().mean().backward()
        parts["optimiser"].step()
        numbers["step"] += 1
    checkpoint.save(numbers)
    return parts["layer"].weight.detach().clone()


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(tmp_path):
    weights = []
    for name, stints in (("one", [6]), ("two", [2, 4])):
        for steps in stints:
            parts = dict(zip(("layer", "optimiser"), linear(), strict=True))
            torch.manual_seed(1)
            weights.append(train_for(steps, Checkpoint(tmp_path / name, {}, parts), parts))
    assert torch.equal(weights[0], weights[-1])
    assert not torch.equal(weights[0], weights[1])


def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    parts = dict(zip(("layer", "optimiser"), linear(), strict=True))
    checkpoint = Checkpoint(tmp_path / "c.pt", {}, parts)
    checkpoint.save({"step": 1})

    def full_disk(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save({"step": 2})
    assert checkpoint.load() == {"step": 1}


def test_a_damaged_checkpoint_and_another_recipe_are_refused(tmp_path):
    parts = dict(zip(("layer", "optimiser"), linear(), strict=True))
    Checkpoint(tmp_path / "c.pt", {"hours": 4}, parts).save({"step": 1})
    with pytest.raises(BadInput, match="another hours"):
        Checkpoint(tmp_path / "c.pt", {"hours": 5}, parts).load()
    whole = (tmp_path / "c.pt").read_bytes()
    for damaged in (
        b"not a checkpoint",
        b"NaN" + whole[1:],
        whole.replace(b"torch._utils", b"torch._ut\xe9ls"),
        whole.replace(b"optimiser", b"optimisee"),
        whole[: len(whole) // 2],
    ):
        (tmp_path / "c.pt").write_bytes(damaged)
        with pytest.raises(BadInput, match="delete it to begin again"):
            Checkpoint(tmp_path / "c.pt", {"hours": 4}, parts).load()


def test_the_stopwatch_goes_on_from_before_and_says_what_is_due():
    now = 100.0
    watch = Stopwatch(before=50.0, clock=lambda: now)
    assert watch.seconds == 50.0
    assert not watch.due("log", 10)
    now += 9
    assert not watch.due("log", 10)
    now += 1
    assert watch.due("log", 10) and not watch.due("log", 10)
    assert watch.seconds == 60.0
