"""Many listeners on one toy model: nobody hears another's steering, and nobody waits for ever."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from curation.errors import BadInput
from steering.directions.carried import carried, named
from studio import engine as engines
from studio.analysis import curves, probe_readings
from studio.asked import Busy
from studio.clips import Clips, Pair
from studio.engine import Engine
from studio.limits import MOVES_A_SECOND
from studio.permalink import decode, encode
from studio.playback import Playback
from tests.studio_toy import Listener, toy_models, toy_recipe
from tests.test_packed import exact


@pytest.fixture(scope="module")
def models(model):
    return toy_models(model)


@pytest.fixture
def engine(models):
    running = Engine(models, playing=2, waiting=3)
    running.pace.admits = lambda *_: True  # two play, however busy the machine is that tests
    yield running
    running.close()


def played(engine, recipe):
    listener = Listener(engine, recipe)
    return listener.end(), listener.sound


def test_a_clip_and_its_twin_are_streamed_and_kept(engine):
    last, sound = played(engine, toy_recipe())
    assert last["event"] == "done"
    pair = engine.clips[last["clip"]]
    assert len(sound["steered"]) == len(sound["unsteered"]) == 32_000
    assert not np.array_equal(sound["steered"], sound["unsteered"])
    for side in sound:
        assert np.array_equal(pair.side(side), sound[side])
    assert last["first_sound_after"] <= last["took"]


def test_the_recipe_that_comes_back_plays_the_same_clip(engine):
    first, _ = played(engine, toy_recipe(seed=3))
    again, _ = played(engine, first["recipe"])
    other, _ = played(engine, first["recipe"] | {"seed": 4})
    assert again["sha256"] == first["sha256"] != other["sha256"]


def test_a_link_with_a_taught_bank_plays_where_nobody_taught_it(engine):
    """The page draws it, reads it and gives a link of it again; the bank itself stays nowhere."""
    loaded = engine.models["toy"]
    notes = loaded.banks["notes/ridge"]
    bank = exact(replace(notes, directions={"staccato": replace(notes["C"], name="staccato")}))
    push = toy_recipe(concept="staccato")["interventions"][0] | {"bank": "own/staccato"}
    sent = toy_recipe(interventions=[push], banks=carried([named(bank)]))
    first, _ = played(engine, decode(encode(sent)))
    pair = engine.clips[first["clip"]]
    assert pair.hashes["steered"] != pair.hashes["unsteered"]
    assert [one["kind"] for one in probe_readings(pair, loaded)] == ["probability"]
    assert [one["family"] for one in curves(pair, loaded)] == ["own"]
    again, _ = played(engine, decode(first["permalink"]))
    assert again["sha256"] == first["sha256"] and "own/staccato" not in loaded.banks
    with pytest.raises(BadInput, match="no bank 'own/staccato'"):
        engine.check(sent | {"banks": {}})


def test_a_taught_concept_joins_a_live_session_that_carries_it(engine):
    notes = engine.models["toy"].banks["notes/ridge"]
    bank = exact(replace(notes, directions={"staccato": replace(notes["C"], name="staccato")}))
    listener = Listener(engine, toy_recipe(banks=carried([named(bank)])), live=True)
    listener.until("audio")
    push = toy_recipe(concept="staccato")["interventions"][0] | {"bank": "own/staccato"}
    assert engine.add(listener.session, push) == 1
    engine.stop(listener.session)
    assert listener.end()["event"] in (
        "stopped",
        "done",
    )  # done where a recipe holds all that was heard


def test_listeners_side_by_side_hear_what_each_hears_alone(engine):
    recipes = [toy_recipe(seed, concept) for seed, concept in ((1, "C"), (2, "G"), (3, "E"))]
    alone = [played(engine, recipe)[0]["sha256"] for recipe in recipes]
    together = [Listener(engine, recipe) for recipe in recipes]
    assert [listener.end()["sha256"] for listener in together] == alone
    assert len({name["steered"] for name in alone}) == 3


def test_two_sessions_share_the_machine_evenly(engine):
    long = [Listener(engine, toy_recipe(seed, seconds=4.0)) for seed in (1, 2)]
    ends = [listener.end()["took"] for listener in long]
    assert max(ends) < 2 * min(ends)


def test_the_line_is_bounded_and_tells_places(engine):
    listeners = [Listener(engine, toy_recipe(n, seconds=30.0), live=True) for n in range(2)]
    for listener in listeners:
        listener.until("started")
    listeners += [Listener(engine, toy_recipe(n)) for n in range(3)]
    with pytest.raises(Busy, match="3 listeners are waiting already"):
        Listener(engine, toy_recipe())
    for listener in listeners:
        engine.stop(listener.session)
    for listener in listeners:
        assert listener.end()["event"] == "stopped"
    places = {
        event["place"] for one in listeners for event in one.events if event["event"] == "waiting"
    }
    assert places >= {1, 2, 3}
    assert engine.busy == {"playing": 0, "waiting": 0}


def test_a_stopped_session_is_over_and_keeps_what_was_played(engine):
    listener = Listener(engine, toy_recipe(seconds=30.0))
    listener.until("audio")
    assert engine.stop(listener.session)
    last = listener.end()
    assert last["event"] == "stopped" and 0 < last["seconds"] < 30
    assert not engine.stop(listener.session)
    with pytest.raises(BadInput, match="session is over"):
        engine.move(listener.session, 0, 0.1)


def test_live_moves_are_heard_recorded_and_played_again(engine):
    listener = Listener(engine, toy_recipe(seconds=3.0), live=True)
    listener.until("started")
    listener.until("audio")
    engine.move(listener.session, 0, -0.2)
    last = listener.stopped_after(2.0)
    assert last["event"] == "done" and 2.0 <= last["seconds"] == last["recipe"]["seconds"] < 4.0
    moves = last["recipe"]["moves"]
    assert moves and moves[-1]["coefficient"] == -0.2 and moves[-1]["step"] > 0
    again, _ = played(engine, last["recipe"])
    still, _ = played(engine, last["recipe"] | {"moves": []})
    assert again["sha256"] == last["sha256"]
    assert still["sha256"]["unsteered"] == last["sha256"]["unsteered"]
    assert still["sha256"]["steered"] != last["sha256"]["steered"]


def test_faders_that_never_rest_give_a_recipe_that_is_accepted(engine):
    listener = Listener(engine, toy_recipe(seconds=3.0), live=True)
    listener.until("started")
    sent, until = 0, time.monotonic() + 3.0
    while time.monotonic() < until:
        engine.move(listener.session, 0, math.sin(sent) / 3)
        sent += 1
    last = listener.stopped_after(0.0)
    moves = last["recipe"]["moves"]
    assert sent > 1000 and 5 < len(moves) < (last["seconds"] + 1) * MOVES_A_SECOND + 20
    opened = engine.check(decode(last["permalink"])).record()
    assert opened == last["recipe"]
    again, _ = played(engine, opened)
    assert again["sha256"] == last["sha256"]


def test_moves_of_a_session_that_waits_are_what_it_begins_with(engine):
    before = [Listener(engine, toy_recipe(n, seconds=30.0), live=True) for n in range(2)]
    for listener in before:
        listener.until("started")
    waiting = Listener(engine, toy_recipe(3))
    for value in (0.3, 0.1, -0.25):
        engine.move(waiting.session, 0, value)
    for listener in before:
        engine.stop(listener.session)
    recipe = waiting.end()["recipe"]
    assert recipe["interventions"][0]["coefficient"] == -0.25 and recipe["moves"] == []


def test_a_live_session_keeps_to_the_clock(engine):
    began = time.monotonic()
    Listener(engine, toy_recipe(), live=True).stopped_after(2.0)
    assert time.monotonic() - began > 1.0


@pytest.mark.parametrize(
    ("session", "concept", "value"),
    [
        ("nobody", 0, 0.1),
        (7, 0, 0.1),
        (None, 9, 0.1),
        (None, True, 0.1),
        (None, 0, float("nan")),
    ],
)
def test_a_bad_move_is_refused(engine, session, concept, value):
    listener = Listener(engine, toy_recipe(seconds=5.0), live=True)
    with pytest.raises(BadInput):
        engine.move(listener.session if session is None else session, concept, value)
    engine.stop(listener.session)
    listener.end()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "/etc/passwd"}, "no model"),
        ({"model": ["toy"]}, "no model"),
        ({"revision": "other"}, "revision"),
        ({"seconds": 10_000}, "seconds"),
        ({"interventions": [{"bank": "notes/ridge", "concept": "H", "coefficient": 0.1}]}, "no concept"),
        ({"interventions": [{"bank": "notes/ridge", "concept": "C", "coefficient": 0.1,
                             "schedule": {"shape": "zigzag"}}]}, "no schedule"),
        ({"interventions": [{"bank": "notes/ridge", "concept": "C", "coefficient": 0.1,
                             "layers": {"weighting": "only", "layers": [99]}}]}, "layers"),
    ],
)  # fmt: skip
def test_a_bad_recipe_is_refused_before_anyone_waits(engine, change, message):
    with pytest.raises(BadInput, match=message):
        engine.open(toy_recipe(**change), print)
    assert engine.busy == {"playing": 0, "waiting": 0}


def test_one_broken_session_does_not_silence_the_others(engine, monkeypatch, caplog):
    take = Playback._take

    def break_one(self, chunk):
        if self._recipe.seed == 666:
            raise RuntimeError("on purpose")
        take(self, chunk)

    monkeypatch.setattr(Playback, "_take", break_one)
    bad, good = (Listener(engine, toy_recipe(seed)) for seed in (666, 1))
    assert bad.end() == {"event": "error", "message": engines._BROKEN}
    assert good.end()["event"] == "done"


def test_old_clips_make_room():
    clips = Clips(most_bytes=3000)
    pairs = [
        Pair({"interventions": []}, np.zeros((2, 250), np.int16), None, 32_000) for _ in range(5)
    ]
    for pair in pairs:
        clips.add(pair)
    assert clips.bytes <= 3000 and clips[pairs[-1].id] is pairs[-1]
    with pytest.raises(BadInput, match="generate it again"):
        clips[pairs[0].id]
