"""A study's clips: equally loud and long, from one noise, under names that say nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from benchmarks.study.toy import RATE, SECONDS, toy_design, toy_study, write_design
from curation.errors import BadInput
from listening.loudness import loudness
from steering.api import generate
from steering.directions.bank import Bank
from steering.interventions.gate import Gate
from steering.interventions.intervention import Intervention
from steering.interventions.monitor import Monitor
from studio.loaded_models import LoadedModel
from studio.study import stimuli
from studio.study.design import Abx, Condition, Design, Item, read_design
from studio.study.stimuli import make_stimuli, read_stimuli
from tests.studio_toy import toy_loaded, toy_recipe


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(home):
    there = toy_study(home)
    yield there
    there.close()


def test_a_study_is_made_once_and_not_over_another(home, study):
    design = toy_design(home)
    again = make_stimuli(design, home, home / "study", lambda line: None)
    assert (again.id, again.secret) == (study.stimuli.id, study.stimuli.secret)
    with pytest.raises(BadInput, match="another design"):
        make_stimuli(replace(design, seed=2), home, home / "study", lambda line: None)


def test_all_clips_are_equally_loud_and_long_under_names_that_say_nothing(study):
    there = study.stimuli
    names = [file for files in there.files.values() for file in files.values()]
    assert len(set(names)) == len(names) == 4 * 5
    lengths, levels = set(), []
    for item, files in there.files.items():
        for condition, file in files.items():
            assert condition not in file and item not in file
            sound = there.sound(item, condition)
            lengths.add(len(sound))
            levels.append(loudness(sound, RATE))
            assert np.abs(sound).max() < 1
    assert lengths == {round(SECONDS * RATE)}
    assert max(levels) - min(levels) < 0.05 and levels[0] == pytest.approx(there.lufs, abs=0.05)


def test_a_silent_or_short_clip_is_refused(tmp_path):
    import soundfile

    design = read_design(write_design(tmp_path))
    clip = tmp_path / "push" / "flute.wav"
    for sound, said in ((np.zeros(3 * RATE), "silent"), (np.ones(RATE) * 0.1, "lasts 1.00 s")):
        soundfile.write(clip, sound, RATE)
        with pytest.raises(BadInput, match=said):
            make_stimuli(design, tmp_path, tmp_path / "out", lambda line: None)
    assert not (tmp_path / "out" / "study.json").exists()


def test_a_damaged_study_is_refused_in_one_line(tmp_path, home, study):
    whole = (home / "study" / "study.json").read_text()
    for text in (
        "{",
        whole.replace("secret", "secrets", 1),
        whole.replace(".flac", ".flac/../x", 1),
    ):
        (tmp_path / "study.json").write_text(text)
        with pytest.raises(BadInput, match="is no study"):
            read_stimuli(tmp_path)


def test_a_models_clips_have_one_noise_and_a_random_push_as_hard_as_the_concepts(
    model, tmp_path, monkeypatch
):
    loaded = toy_loaded(model)
    monkeypatch.setattr(stimuli, "_loaded", lambda name: loaded)
    recipe = toy_recipe(3, seconds=2.0, revision=model.origin.revision)
    (tmp_path / "kept").mkdir()
    for name in ("training", "a"):
        (tmp_path / "kept" / f"{name}.json").write_text(json.dumps(recipe))
    design = Design(
        "played", "Played", 1, "training", seconds=2.0, abx=Abx(1),
        items=(Item("training", "jazz", "C"), Item("a", "calm jazz", "C", seed=3)),
        conditions=(
            Condition("push", "notes/ridge", 0.3), Condition("words", prompt="{prompt} in {concept}"),
            Condition("kept", folder="kept"),
        ),
    )  # fmt: skip
    made, rate = stimuli._made(design, tmp_path, lambda line: None)
    clips = made["a"]
    assert rate == model.sample_rate and set(clips) == {*design.compared, "broken"}
    banks = {"C": loaded.banks["notes/ridge"]["C"]}
    pushed = generate(loaded.decoder, "calm jazz", [Intervention(banks["C"], 0.3)], 2.0, 3)[
        0
    ].numpy()
    plain = generate(loaded.decoder, "calm jazz", (), 2.0, 3)[0].numpy()
    assert np.allclose(clips["unsteered"], plain[: 2 * rate], atol=1e-5)
    assert np.allclose(clips["push"], pushed[: 2 * rate], atol=1e-5)
    for one, other in (
        ("push", "unsteered"),
        ("random", "unsteered"),
        ("random", "push"),
        ("words", "unsteered"),
    ):
        assert not np.allclose(clips[one], clips[other], atol=1e-3), (one, other)
    assert len(clips["kept"]) == 2 * rate


def calibrated(loaded: LoadedModel) -> Bank:
    """The toy's bank of notes with probes that hear what they are told to."""
    bank = loaded.banks["notes/ridge"]
    layers = len(bank["C"].vectors)
    there = torch.tensor([[4.0, 0.0]]).repeat(layers, 1)
    heard = {name: replace(one, calibration=there) for name, one in bank.items()}
    return replace(bank, directions=heard)


def test_a_monitored_push_is_heard_as_it_plays_and_its_random_copy_hears_the_concept(
    model, tmp_path, monkeypatch
):
    loaded = toy_loaded(model)
    bank = calibrated(loaded)
    loaded = replace(loaded, banks={**loaded.banks, "notes/ridge": bank})
    monkeypatch.setattr(stimuli, "_loaded", lambda name: loaded)
    gated = toy_recipe(3, seconds=2.0, revision=model.origin.revision)
    part = gated["interventions"][0]
    part |= {"coefficient": 0.3, "monitor": {"target": 0.1, "rate": 8.0, "memory": 0.2}}
    part["gate"] = {"probability": 0.5, "per_layer": False, "seed": 4}
    (tmp_path / "gated").mkdir()
    for name in ("training", "a"):
        (tmp_path / "gated" / f"{name}.json").write_text(json.dumps(gated))
    design = Design(
        "heard", "Heard", 1, "training", seconds=2.0, abx=Abx(1), random_like="monitored",
        items=(Item("training", "jazz", "C"), Item("a", "calm jazz", "C", seed=3)),
        conditions=(
            Condition("push", "notes/ridge", 0.3),
            Condition("monitored", "notes/ridge", 0.3, monitored=True),
            Condition("gated", folder="gated"),
        ),
    )  # fmt: skip
    clips = stimuli._made(design, tmp_path, lambda line: None)[0]["a"]

    def alone(pushed: Intervention) -> np.ndarray:
        sound = generate(loaded.decoder, "calm jazz", [pushed], 2.0, 3)[0].numpy()
        return sound[: len(clips["push"])]

    own = Intervention(bank["C"], 0.3)
    followed = replace(own, monitor=Monitor())
    anywhere = replace(
        followed, direction=stimuli._random(bank["C"], design.items[1]), heard=bank["C"]
    )
    asked = replace(own, monitor=Monitor(0.1, 8.0, 0.2), gate=Gate(0.5, False, 4))
    for name, pushed in (
        ("push", own), ("monitored", followed), ("random", anywhere), ("gated", asked),
    ):  # fmt: skip
        assert np.allclose(clips[name], alone(pushed), atol=1e-5), name
    for one, other in combinations(clips, 2):
        assert not np.allclose(clips[one], clips[other], atol=1e-3), (one, other)


def test_a_monitored_push_of_what_cannot_be_heard_is_refused_in_one_line(
    model, tmp_path, monkeypatch
):
    monkeypatch.setattr(stimuli, "_loaded", lambda name: toy_loaded(model))
    design = Design(
        "deaf", "Deaf", 1, "training", seconds=2.0, abx=Abx(1),
        items=(Item("training", "jazz", "C"), Item("a", "calm jazz", "C", seed=3)),
        conditions=(Condition("push", "notes/ridge", 0.3, monitored=True),),
    )  # fmt: skip
    with pytest.raises(BadInput, match="no calibration") as told:
        make_stimuli(design, tmp_path, tmp_path / "out", lambda line: None)
    assert "\n" not in str(told.value) and not (tmp_path / "out" / "study.json").exists()
