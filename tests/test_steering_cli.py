"""The steering command line as a user meets it, on an untrained model in a folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from curation.build import build as build_clips
from curation.recipe import make_recipe
from steering.cli import main
from tests.toy import save_small_sketch


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a small untrained model, and one with a few clips of four chords."""
    home = tmp_path_factory.mktemp("steering")
    save_small_sketch(home / "model")
    recipe, fonts = make_recipe("chords", "small", clips=96)
    build_clips(recipe, home / "chords", fonts, workers=1)
    return home


def run(place, *arguments: str) -> int:
    return main([part.format(home=place) for part in arguments])


def test_from_clips_to_a_steered_pair(place, capsys):
    model = ("--model", "{home}/model", "--store", "{home}/store")
    assert run(place, "activations", "{home}/chords", *model) == 0
    assert "2 layers x 32" in capsys.readouterr().out
    bank = ("{home}/chords", "quality", "--out", "{home}/bank", "--method", "ridge")
    assert run(place, "train", *bank, *model) == 0
    shown = capsys.readouterr().out
    assert "4 concepts by ridge" in shown and "minor" in shown
    assert run(place, "inspect", "{home}/bank") == 0
    assert (place / "bank" / "bank.png").stat().st_size > 5_000
    steer = ("--bank", "{home}/bank", "--steer", "minor=2@linear_rise:end=0.5", "--seconds", "0.6")
    assert run(place, "generate", "calm jazz", *model[:2], *steer, "--out", "{home}/pair") == 0
    steered, rate = soundfile.read(place / "pair" / "steered.wav")
    unsteered, _ = soundfile.read(place / "pair" / "unsteered.wav")
    assert rate == 32_000 and len(steered) == len(unsteered) == 30 * 640
    recipe = json.loads((place / "pair" / "recipe.json").read_text())
    assert recipe["interventions"][0]["schedule"] == {"shape": "linear_rise", "end": 0.5}
    own = ("--steer", "{home}/bank:minor=2@linear_rise:end=0.5", "--seconds", "0.6")
    assert run(place, "generate", "calm jazz", *model[:2], *own, "--out", "{home}/own") == 0
    named, _ = soundfile.read(place / "own" / "steered.wav")
    assert np.array_equal(named, steered)
    again = ("--out", "{home}/again")
    assert run(place, "generate", "calm jazz", *model[:2], *steer, *again) == 0
    repeated, _ = soundfile.read(place / "again" / "steered.wav")
    assert np.array_equal(repeated, steered)
    for name, options in (("replayed", ()), ("hooks", ("--decoder", "hooks"))):
        given = (
            ("--recipe", "{home}/pair/recipe.json", "--banks", "{home}/bank")
            if name == "replayed"
            else ("calm jazz", *steer)
        )
        into = ("--out", f"{{home}}/{name}")
        assert run(place, "generate", *given, *model[:2], *options, *into) == 0
        heard, _ = soundfile.read(place / name / "steered.wav")
        assert np.array_equal(heard, steered)


def test_a_recipe_chooses_no_folder(place, tmp_path, capsys):
    """Neither a model nor a bank, unless whoever plays it names the folder too."""
    push = {"concept": "minor", "bank": str(place / "bank"), "coefficient": 1.0}
    for model, allowed, said in (
        ("{home}/model", (), "name it with --model too"),
        ("../model", ("--model", "{home}/model"), "name it with --model too"),
        ("{home}/./model/", ("--model", "{home}/model"), ""),
    ):
        named = model.format(home=place)
        recipe = {"format": 1, "model": named, "revision": "x", "prompt": "jazz", "seconds": 0.2}
        (tmp_path / "recipe.json").write_text(json.dumps(recipe | {"interventions": [push]}))
        replay = ("generate", "--recipe", str(tmp_path / "recipe.json"), *allowed)
        assert run(place, *replay) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert (said or "the recipe was played by") in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["activations", "{home}/nothing", "--model", "{home}/model"], "curation build"),
        (["activations", "{home}/chords", "--model", "{home}/none"], "no folder with a model"),
        (["activations", "{home}/chords", "--model", "{home}/model", "--backend", "jax"], "no backend"),
        (["inspect", "{home}/none"], "no bank"),
        (
            ["train", "{home}/chords", "mood", "--model", "{home}/model", "--out", "{home}/x",
             "--store", "{home}/store"],
            "no label 'mood'",
        ),
        (
            ["generate", "jazz", "--model", "{home}/model", "--bank", "{home}/none", "--steer", "C=1"],
            "no bank",
        ),
        (["generate", "jazz", "--model", "{home}/model"], "there is no steer"),
        (["generate", "jazz", "--model", "{home}/model", "--steer", "C=1"], "there is no bank"),
        (["generate", "jazz", "--model", "{home}/model", "--bank", "b", "--steer", "C"], "write it as"),
        (["generate", "jazz", "--model", "{home}/model", "--bank", "{home}/bank", "--steer",
          "minor=1@pulse:period=often"], "pulse:NAME=SECONDS"),
        (["generate", "jazz", "--recipe", "{home}/none.json"], "its own prompt"),
        (["generate", "--recipe", "{home}/none.json"], "none.json cannot be read"),
        (["generate", "--recipe", "{home}/model/config.json"], "not of format 1"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(place, arguments, message, capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert run(place, *arguments) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("steering: ") and message in error
