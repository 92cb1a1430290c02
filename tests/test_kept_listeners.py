"""Listeners to prompts come back from disk as they were, and the page asks them of what is asked."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from curation.errors import BadInput
from listening.classifier import linear
from listening.features import features
from sketch.measures.adherence import Listener
from steering.cli import main
from steering.metrics.adherence import PromptListeners, asked_in
from steering.metrics.kept_listeners import (
    FACTS,
    KEPT,
    TENSORS,
    KeptListeners,
    load_listeners,
)
from studio.clips import Pair
from studio.verdict_rows import verdict
from tests.studio_toy import toy_recipe

RATE = 32_000


def fitted(x: np.ndarray, y: list[str]) -> Pipeline:
    return linear(1.0).fit(x, y)


@pytest.mark.parametrize("classes", [("drums", "no drums"), ("rock", "blues", "funk")])
def test_probabilities_are_those_of_what_was_fitted(classes, tmp_path):
    x = np.random.default_rng(0).normal(3, 2, size=(90, 5))
    y = [classes[n % len(classes)] for n in range(90)]
    x[:, 0] += [classes.index(name) for name in y]
    model = fitted(x, y)
    listeners = PromptListeners({"label": Listener("label", model, 0.5)})
    KeptListeners(listeners, 8.0, {"label": "fair"}).save(tmp_path)
    kept = load_listeners(tmp_path)
    assert kept is not None and (kept.seconds, kept.errors) == (8.0, {"label": "fair"})
    again = kept.listeners.probabilities("label", x)
    for name, chances in listeners.probabilities("label", x).items():
        assert np.allclose(again[name], chances, atol=1e-5)
    one = kept.listeners.listeners["label"]
    assert one.chance == 0.5 and np.array_equal(one.hits(x, y), model.predict(x) == np.array(y))
    with pytest.raises(BadInput, match="fit it anew"):
        kept.listeners.probabilities("label", x[:, :4])
    kept.save(tmp_path / "copy")
    assert (tmp_path / "copy" / TENSORS).read_bytes() == (tmp_path / TENSORS).read_bytes()


def test_missing_listeners_are_none_and_damaged_ones_are_told(tmp_path):
    assert load_listeners(tmp_path) is None
    x = np.random.default_rng(0).normal(size=(20, 3))
    one = Listener("genre", fitted(x, ["rock", "funk"] * 10), 0.5)
    KeptListeners(PromptListeners({"genre": one}), 8.0, {}).save(tmp_path)
    facts = json.loads((tmp_path / FACTS).read_text())
    facts["listeners"]["genre"]["classes"].reverse()
    (tmp_path / FACTS).write_text(json.dumps(facts))
    with pytest.raises(
        BadInput, match=r"damaged .*not as they were saved together.* fit them anew"
    ):
        load_listeners(tmp_path)  # else rock would be heard as funk
    (tmp_path / TENSORS).unlink()
    with pytest.raises(BadInput, match="damaged"):
        load_listeners(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": 0},
        {"seconds": "8"},
        {"seconds": True},
        {"seconds": 10**400},
        {"errors": None},
        {"errors": {"genre": 3}},
        {"listeners": []},
        {"listeners": {"genre": None}},
        {"listeners": {"mood": {"classes": ["rock", "funk"], "chance": 0.5}}},
        {"listeners": {"genre": {"classes": ["rock", "funk"]}}},
        {"listeners": {"genre": {"classes": ["rock"], "chance": 0.5}}},
        {"listeners": {"genre": {"classes": ["rock", "rock"], "chance": 0.5}}},
        {"listeners": {"genre": {"classes": ["rock", 3], "chance": 0.5}}},
        {"listeners": {"genre": {"classes": "rf", "chance": 0.5}}},
        {"scale": 0.0},
        {"mean": float("nan")},
    ],
)
def test_what_no_listener_can_be_is_told_in_one_line(tmp_path, wrong):
    x = np.random.default_rng(0).normal(size=(20, 3))
    one = Listener("genre", fitted(x, ["rock", "funk"] * 10), 0.5)
    KeptListeners(PromptListeners({"genre": one}), 8.0, {}).save(tmp_path)
    facts, tensors = KEPT.read(tmp_path)
    for part in ("scale", "mean"):
        tensors[f"genre.{part}"][0] = wrong.pop(part, tensors[f"genre.{part}"][0])
    KEPT.write(tmp_path, facts | wrong, tensors)
    with pytest.raises(BadInput, match=r"is damaged .*fit them anew") as told:
        load_listeners(tmp_path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("a calm jazz waltz led by a flute in D minor, 96 bpm", ("jazz swing", "pipe", None)),
        ("energetic rock with electric guitar, drums", ("rock", "guitar", "drums")),
        ("Hip-Hop, no drums", ("hip-hop", None, "no drums")),
        ("rock or funk, with trumpet and trombone", (None, "brass", None)),
        ("rocking horses", (None, None, None)),
    ],
)
def test_a_prompt_asks_for_what_its_words_name(prompt, asked):
    found = asked_in(prompt)
    assert tuple(found.get(name) for name in ("genre", "lead_family", "drums")) == asked


def bursts(rate: float) -> np.ndarray:
    """Two seconds of noise in so many bursts a second."""
    time = np.arange(2 * RATE) / RATE
    noise = np.random.default_rng(int(rate)).normal(size=len(time))
    return (0.1 * noise * np.exp(-20 * (time * rate % 1) / rate)).astype(np.float32)


def test_the_verdict_tells_how_far_a_clip_is_what_its_prompt_asks_for():
    slow, fast = bursts(2), bursts(9)
    rng = np.random.default_rng(0)
    known = np.stack([features(one, RATE) for one in (slow, fast)] * 10)
    known = known + rng.normal(0, 0.01, known.shape)
    one = Listener("genre", fitted(known, ["blues", "metal"] * 10), 0.5)
    kept = KeptListeners(PromptListeners({"genre": one}), 2.0, {"genre": "90% right"})
    sound = np.round(32767 * np.stack([fast, slow])).astype(np.int16)
    asking = toy_recipe(prompt="metal with drums", interventions=[], seconds=2.0)
    rows = {row["what"]: row for row in verdict(Pair(asking, sound, None, RATE), kept)["rows"]}
    row = rows["Sounds like the prompt's 'metal'"]
    assert row["steered"] > 90 and row["unsteered"] < 10 and "90% right" in row["about"]
    for recipe, heard in ((asking | {"prompt": "calm"}, sound), (asking, sound[:, :RATE])):
        for listeners in (kept, None):
            said = verdict(Pair(recipe, heard, None, RATE), listeners)
            assert not any("Sounds like" in row["what"] for row in said["rows"])


@pytest.mark.parametrize("amount", [("--hours", "0.1"), ("--seconds", "60")])
def test_too_little_to_fit_on_is_refused_at_once(amount, tmp_path, capsys):
    assert main(["listeners", "--out", str(tmp_path), *amount]) == 2
    assert "hours or more" in capsys.readouterr().err
