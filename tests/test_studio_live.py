"""Live sessions: they go on, take concepts in, end for a reason, and give a recipe that plays them again."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from curation.errors import BadInput
from steering.decoding.generation import Window
from studio import live
from studio.clips import SIDES
from studio.engine import Engine
from studio.permalink import decode
from tests.studio_toy import Listener, toy_models, toy_recipe


@pytest.fixture(scope="module")
def models(model):
    models = toy_models(model)
    models["toy"].decoder.window = Window.of(50)  # a second, so that it slides soon
    return models


@pytest.fixture
def engine(models):
    running = Engine(models, playing=2, waiting=3)
    running.pace.admits = lambda *_: True  # two play, however busy the machine is that tests
    yield running
    running.close()


def intervention(concept, coefficient=0.0):
    return toy_recipe(concept=concept)["interventions"][0] | {"coefficient": coefficient}


def played(engine, recipe):
    listener = Listener(engine, recipe)
    return listener.end(), listener.sound


def test_it_goes_on_past_the_window_and_its_link_plays_it_again(engine):
    listener = Listener(engine, toy_recipe(), live=True)
    assert listener.until("started")["seconds"] is None
    last = listener.stopped_after(3.0)
    assert last["event"] == "done" and last["seconds"] > 3.0 and "why" not in last
    assert all(event["total"] is None for event in listener.events[1:-2] if "total" in event)
    opened = engine.check(decode(last["permalink"])).record()
    assert opened == last["recipe"]
    again, sound = played(engine, opened)
    assert again["sha256"] == last["sha256"]
    for side in SIDES:
        assert np.array_equal(sound[side], listener.sound[side])


def test_a_concept_that_joins_is_heard_and_in_the_recipe(engine):
    listener = Listener(engine, toy_recipe(concept="C"), live=True)
    listener.until("audio")
    assert engine.add(listener.session, intervention("G")) == 1
    listener.until("audio")
    engine.move(listener.session, 1, 0.3)
    engine.move(listener.session, 0, 0.0)
    last = listener.stopped_after(2.0)
    first, joined = last["recipe"]["interventions"]
    assert (first["concept"], joined["concept"], joined["coefficient"]) == ("C", "G", 0.0)
    assert [move["coefficient"] for move in last["recipe"]["moves"] if move["concept"] == 1] == [
        0.3
    ]
    again, _ = played(engine, last["recipe"])
    assert again["sha256"] == last["sha256"]
    without, _ = played(engine, last["recipe"] | {"moves": []})
    assert without["sha256"]["steered"] != last["sha256"]["steered"]


def test_a_concept_can_join_music_that_was_left_alone(engine):
    listener = Listener(engine, toy_recipe(interventions=[]), live=True)
    listener.until("audio")
    assert engine.add(listener.session, intervention("E", 0.4)) == 0
    last = listener.stopped_after(2.0)
    assert last["sha256"]["steered"] != last["sha256"]["unsteered"]
    again, _ = played(engine, last["recipe"])
    assert again["sha256"] == last["sha256"]


def test_of_a_long_one_a_recipe_has_the_beginning(engine, monkeypatch):
    monkeypatch.setattr(live, "LONGEST_SECONDS", 2.0)
    listener = Listener(engine, toy_recipe(), live=True)
    listener.until("audio")
    engine.move(listener.session, 0, 0.25)
    last = listener.stopped_after(4.0)
    assert last["event"] == "stopped" and last["played_seconds"] > 4.0
    assert last["recipe"]["seconds"] == 2.0 and last["seconds"] == 1.5
    again, sound = played(engine, last["recipe"])
    kept = engine.clips[last["clip"]]
    for side in SIDES:
        assert len(listener.sound[side]) == round(32_000 * last["played_seconds"])
        assert np.array_equal(kept.side(side), sound[side][:48_000])
        assert np.array_equal(kept.side(side), listener.sound[side][:48_000])
    assert kept.codes.shape[-1] == 75 and again["seconds"] == 2.0


def test_little_is_kept_of_a_long_one(engine, monkeypatch):
    monkeypatch.setattr(live, "LONGEST_SECONDS", 1.0)
    listener = Listener(engine, toy_recipe(), live=True)
    listener.until("started")
    one = engine._open[listener.session]
    listener.stopped_after(4.0)
    assert sum(codes.shape[-1] for codes in one._codes) < 100


def test_a_schedule_that_repeats_goes_on_and_one_that_ends_keeps_its_end(engine):
    parts = [
        intervention("C", 0.4) | {"schedule": {"shape": "pulse", "period": 0.5, "width": 0.25}},
        intervention("G", 0.4) | {"schedule": {"shape": "linear_rise"}},
    ]
    last = Listener(engine, toy_recipe(interventions=parts), live=True).stopped_after(2.0)
    assert last["recipe"]["interventions"][1]["schedule"] == {"shape": "linear_rise", "end": 1.0}
    again, _ = played(engine, last["recipe"])
    assert again["sha256"] == last["sha256"]


def test_more_concepts_than_a_recipe_holds_are_left_out_if_they_rested(engine, monkeypatch):
    monkeypatch.setattr(live, "MOST_CONCEPTS", 2)
    monkeypatch.setattr(live, "MOST_LIVE_CONCEPTS", 4)
    ends = []
    for pushed in (2, 3):
        listener = Listener(engine, toy_recipe(interventions=[]), live=True)
        places = [engine.add(listener.session, intervention(name)) for name in ("C", "E", "G", "C")]
        with pytest.raises(BadInput, match="has 4 concepts at most"):
            engine.add(listener.session, intervention("E"))
        for place in places[-pushed:]:
            engine.move(listener.session, place, 0.3)
        ends.append(listener.stopped_after(1.5))
    assert [one["concept"] for one in ends[0]["recipe"]["interventions"]] == ["G", "C"]
    again, _ = played(engine, ends[0]["recipe"])
    assert again["sha256"] == ends[0]["sha256"]
    assert ends[1]["clip"] is None and "a recipe holds 2 concepts" in ends[1]["why"]


def test_one_that_nobody_is_heard_of_ends_and_one_that_is_goes_on(engine, monkeypatch):
    monkeypatch.setattr(live, "UNHEARD_SECONDS", 1.0)
    silent, there = (Listener(engine, toy_recipe(seed), live=True) for seed in (1, 2))
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        engine.hear_of(there.session)
        time.sleep(0.2)
    last = silent.end()
    assert last["why"] == "nobody was heard of for a minute, so the session ended"
    assert engine.busy["playing"] == 1
    assert "why" not in there.stopped_after(0.0)


def test_it_ends_after_an_hour_and_sooner_while_others_wait(engine, monkeypatch):
    monkeypatch.setattr(live, "UNHEARD_SECONDS", math.inf)
    monkeypatch.setattr(live, "MOST_LIVE_SECONDS", 1.5)
    assert "an hour" in Listener(engine, toy_recipe(), live=True).end()["why"]
    monkeypatch.setattr(live, "MOST_LIVE_SECONDS", 3600.0)
    monkeypatch.setattr(live, "SHARED_LIVE_SECONDS", 1.0)
    playing = [Listener(engine, toy_recipe(seed), live=True) for seed in (1, 2)]
    for listener in playing:
        while listener.until("audio")["done"] < 55:
            pass
    assert engine.busy["playing"] == 2
    assert Listener(engine, toy_recipe(3)).end()["event"] == "done"
    reasons = [listener.stopped_after(0.0).get("why", "") for listener in playing]
    assert sorted("others wait in line" in reason for reason in reasons) == [False, True]


def test_what_a_session_cannot_take_in_is_said(engine):
    listener = Listener(engine, toy_recipe(), live=True)
    listener.until("started")
    for raw, message in (
        ("C", "not an object"),
        (intervention("H"), "no concept"),
        (intervention("C") | {"bank": "../notes"}, "no bank"),
        (intervention("C", 7.0), "from -1 to 1"),
    ):
        with pytest.raises(BadInput, match=message):
            engine.add(listener.session, raw)
    listener.stopped_after(0.5)
    clip = Listener(engine, toy_recipe(seconds=30.0))
    clip.until("started")
    with pytest.raises(BadInput, match="not live"):
        engine.add(clip.session, intervention("C"))
    with pytest.raises(BadInput, match="not live"):
        engine.hear_of(clip.session)
    engine.stop(clip.session)
    with pytest.raises(BadInput, match="session is over"):
        engine.hear_of(listener.session)
