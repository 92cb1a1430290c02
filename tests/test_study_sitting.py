"""What a listener gets and says: nothing is read from bytes or order, nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.study.toy import SECONDS, toy_study
from curation.errors import BadInput
from studio.study.lots import HEADPHONES, PITCH, TRAINING, Asked
from studio.study.sitting import MOST_PLAYS, open_study
from studio.study.trials import MOST_GIVEN, UNUSED_SECONDS, Trials
from tests.study_toy import Clock, heard, person, sounds, step_to


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(home, clock):
    there = toy_study(home, clock=clock)
    yield there
    there.close()


def test_no_step_says_what_is_heard(study, clock):
    listener, me = study.begin(), person(study)
    secret = {*study.design.compared, "broken", *(one.name for one in study.design.heard)}
    secret |= {file for files in study.stimuli.files.values() for file in files.values()}
    shapes: dict[str, set[str]] = {}
    while (step := study.next(listener))["step"] != "done":
        told = {
            name: value for name, value in step.items() if name not in ("sounds", "both", "trial")
        }
        assert not [word for word in secret if word in json.dumps(told)]
        asked = study.trials.find(step["trial"]).asked
        lengths = {len(sound) for sound in sounds(step).values()} if "sounds" in step else {0}
        assert len(lengths) == 1
        shape = f"{sorted(step)} {list(step.get('sounds', ()))} {lengths}"
        if step["step"] in ("abx", "preference"):
            shapes.setdefault(step["step"], set()).add(shape)
        clock.now += 2 * SECONDS
        study.answer(step["trial"], me.says(asked), heard(step))
    assert {kind: len(found) for kind, found in shapes.items()} == {"abx": 1, "preference": 1}
    assert step["code"] in study.codes() and len(step["code"]) == 10


def test_x_is_a_copy_of_neither_and_no_two_givings_are_equal(study, clock):
    listener = study.begin()
    step = step_to(study, listener, "abx", person(study), clock)
    one, again = sounds(step), sounds(study.next(listener))
    assert study.next(listener)["trial"] == step["trial"]
    assert not np.isin(one["x"] % 2, 0).any()
    assert not (one["a"] % 2).any() and not (one["b"] % 2).any()
    for label in "abx":
        assert not np.array_equal(one[label], again[label])


def test_a_trial_is_answered_once_with_what_it_asks_after_listening(study, clock):
    listener = study.begin()
    step = step_to(study, listener, "abx", person(study), clock)
    trial = step["trial"]
    for said, played, line in (
        ({"x": "x"}, heard(step), "an answer here is 'x': a, b"),
        ({}, heard(step), "an answer here"),
        ({"x": "a"}, heard(step)[:2], "listen to X first"),
        ({"x": "a"}, [["a", 2, 1]], "the second not before the first"),
        ({"x": "a"}, [["push", 0, 1]], "what was heard is a list"),
        ({"x": "a"}, [["a", 0, float("nan")]], "times in seconds"),
        ({"x": "a"}, [["a", 0, 10**400]], "times in seconds"),
        ({"x": "a"}, [["a", 0, 1]] * (MOST_PLAYS + 1), "plays of one trial"),
    ):
        with pytest.raises(BadInput, match=line):
            study.answer(trial, said, played)
    study.answer(trial, {"x": "a"}, heard(step))
    study.answer(trial, {"x": "a"}, heard(step))
    with pytest.raises(BadInput, match="answered before"):
        study.answer(trial, {"x": "b"}, heard(step))
    for guess in ("nothing", listener):
        with pytest.raises(BadInput, match="no such trial"):
            study.answer(guess, {"x": "a"}, [])
    with pytest.raises(BadInput, match="nobody"):
        study.next("somebody")


def test_ratings_are_of_all_and_from_0_to_100(study, clock):
    listener = study.begin()
    step = step_to(study, listener, "quality", person(study, seed=3), clock)
    full = dict.fromkeys(step["labels"], 50)
    for scores in (None, {}, full | {"1": 101}, full | {"1": True}, full | {"9": 1}):
        with pytest.raises(BadInput, match=r"rate|a rating"):
            study.answer(step["trial"], {"scores": scores}, heard(step))
    study.answer(step["trial"], {"scores": full}, heard(step))


def test_who_has_no_headphones_tries_twice_and_is_thanked(study, clock):
    listener, attempts = study.begin(), []
    while (step := study.next(listener))["step"] == HEADPHONES:
        asked = study.trials.find(step["trial"]).asked
        wrong = next(
            label for label, what in zip(asked.labels, asked.shown, strict=True) if what != PITCH
        )
        attempts.append(step["attempt"])
        study.answer(step["trial"], {"interval": wrong}, [["all", 0, 4]])
    assert step == {"step": "refused"} and attempts == [1] * 3 + [2] * 3


def test_every_trial_is_kept_with_time_plays_switches_and_version(study, clock):
    listener = study.begin()
    step = step_to(study, listener, "preference", person(study), clock)
    study.next(listener)
    clock.now += 7
    played = [["a", 0, 1], ["b", 1.5, 3], ["a", 3, 4], ["a", 5, 6]]
    study.answer(step["trial"], {"prefer": "tie"}, played)
    kept = next(one for one in study.trials.kept() if one.trial == step["trial"])
    assert (kept.seconds, kept.plays, kept.switches, kept.givings) == (7.0, 4, 2, 2)
    assert kept.said == {"prefer": "tie"} and kept.version.count("+") == 1


KILLED = """
import sys
from pathlib import Path
from studio.study.trials import Trials
from studio.study.lots import Asked
trials = Trials(Path(sys.argv[1]), "v")
listener = trials.begin(9)
print(listener, flush=True)
for place in range(10_000):
    trial = trials.give(listener, place, Asked("abx", "item", ("a", "b", "a")))
    trials.answer(trial, {"x": "a"}, [("a", 0.0, 1.0)])
    print(place, flush=True)
"""


def test_what_was_acknowledged_outlives_a_kill(tmp_path):
    path = tmp_path / "answers.sqlite"
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        listener = child.stdout.readline().strip()
        while int(child.stdout.readline()) < 20:
            pass
        child.kill()
        last = [line for line in child.stdout.read().splitlines() if line.isdigit()]
    acknowledged = max([20, *map(int, last)])
    trials = Trials(path, "v")
    said = trials.said(listener)
    assert set(said) >= set(range(acknowledged + 1)) and len(said) <= acknowledged + 2
    assert all(len(one.heard) == 1 for one in trials.kept())
    trials.close()


def test_a_listener_goes_on_where_they_were_when_the_page_was_started_again(home, study, clock):
    listener = study.begin()
    step = step_to(study, listener, TRAINING, person(study), clock)
    other = open_study(home / "study", clock)
    again = other.next(listener)
    assert (again["trial"], again["step"]) == (step["trial"], TRAINING)
    other.answer(again["trial"], {}, [])
    other.close()
    assert study.next(listener)["place"] == 1


def test_listeners_are_numbered_by_one_counter_and_bounded(tmp_path):
    one, other = (Trials(tmp_path / "a.sqlite", "v") for _ in range(2))
    names = [trials.begin(4) for trials in (one, other, one, other)]
    assert [one.number(name) for name in names] == [0, 1, 2, 3]
    with pytest.raises(BadInput, match="no more listeners"):
        other.begin(4)
    one.close()
    other.close()


def test_a_place_that_was_never_used_is_the_next_ones_after_an_hour(tmp_path):
    clock = Clock()
    trials = Trials(tmp_path / "a.sqlite", "v", clock)
    asked = Asked("abx", "item", ("a", "b", "a"))
    answered, idle, looking = (trials.begin(3) for _ in range(3))
    trials.answer(trials.give(answered, 0, asked), {"x": "a"}, [("a", 0.0, 1.0)])
    trials.give(idle, 0, asked)
    clock.now += UNUSED_SECONDS - 1
    trials.give(looking, 0, asked)
    with pytest.raises(BadInput, match="no more listeners"):
        trials.begin(3)
    clock.now += 2
    late = trials.begin(3)
    assert [trials.number(one) for one in (answered, late, looking)] == [0, 1, 2]
    with pytest.raises(BadInput, match="begin it anew"):
        trials.number(idle)
    with pytest.raises(BadInput, match="no more listeners"):
        trials.begin(3)
    trials.close()


def test_who_asks_without_end_leaves_no_more_than_who_does_not(tmp_path):
    clock, path = Clock(), tmp_path / "a.sqlite"
    trials = Trials(path, "v", clock)
    listener = trials.begin(1)
    for _ in range(5 * MOST_GIVEN):
        clock.now += 1
        trial = trials.give(listener, 0, Asked("abx", "item", ("a", "b", "a")))
    clock.now += 7
    trials.answer(trial, {"x": "a"}, [])
    (kept,) = trials.kept()
    assert (kept.givings, kept.seconds) == (MOST_GIVEN, 7.0)
    trials.close()
