"""Blind tests: the statistics are right, A and X stay hidden, nobody answers twice or for another."""

from __future__ import annotations

import csv
import io
import sqlite3

import pytest
from scipy.stats import binomtest

from curation.errors import BadInput
from studio.abx import LEAST_HEARD, ROUNDS, p_value
from studio.answers import ATTRIBUTES, Answers, new_listener

ME, CLIP = "listener-1", "clip-of-mine"
SECONDS = 4.0
WRONG = {"a": "b", "b": "a"}

OLD_TABLES = """
CREATE TABLE trials (
    trial TEXT PRIMARY KEY, listener TEXT NOT NULL, clip TEXT NOT NULL, concepts TEXT NOT NULL,
    hidden TEXT NOT NULL, answer TEXT, day TEXT NOT NULL DEFAULT CURRENT_DATE);
CREATE TABLE ratings (
    listener TEXT NOT NULL, clip TEXT NOT NULL, concepts TEXT NOT NULL, side TEXT NOT NULL,
    attribute TEXT NOT NULL, score REAL NOT NULL, day TEXT NOT NULL DEFAULT CURRENT_DATE,
    PRIMARY KEY (listener, clip, side, attribute));
INSERT INTO trials VALUES ('trial-old-1', 'listener-0', 'clip-0', 'C', 'steered', 'steered', '2025-01-01');
INSERT INTO trials VALUES ('trial-old-2', 'listener-0', 'clip-0', 'C', 'steered', NULL, '2025-01-01');
INSERT INTO ratings VALUES ('listener-0', 'clip-0', 'C', 'steered', 'quality', 90, '2025-01-01');
"""
"""A database as the page made it before A was drawn by lot."""


class Clock:
    """Seconds that a test lets pass."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def answers(tmp_path, clock):
    kept = Answers(tmp_path / "answers.sqlite", clock)
    yield kept
    kept.close()


def draw(answers, listener=ME, clip=CLIP, concepts="notes C"):
    return answers.draw(listener, clip, concepts, SECONDS)


def rounds(answers, clock, right, listener=ME, after=2 * SECONDS, count=ROUNDS):
    """Rounds of which some are right; what was told after each."""
    told = []
    for turn in range(count):
        trial = draw(answers, listener)
        x = "a" if trial.x == trial.a else "b"
        clock.now += after
        told.append(answers.answer(trial.id, x if turn < right else WRONG[x]))
    return told


def exported(answers):
    return list(csv.DictReader(io.StringIO(answers.as_csv())))


@pytest.mark.parametrize(
    ("correct", "trials"), [(0, 0), (0, 5), (3, 5), (9, 10), (16, 16), (600, 1000)]
)
def test_p_values_are_those_of_the_binomial_test(correct, trials):
    expected = binomtest(correct, trials, 0.5, "greater").pvalue if trials else 1.0
    assert p_value(correct, trials) == pytest.approx(expected, rel=1e-9)


def test_the_score_and_its_p_value_are_told_after_the_last_round_alone(answers, clock):
    *before, last = rounds(answers, clock, right=9)
    assert before == [{"round": n, "of": ROUNDS, "done": False} for n in range(1, ROUNDS)]
    assert last["done"] and (last["correct"], last["trials"], last["too_quick"]) == (9, ROUNDS, 0)
    assert last["p"] == pytest.approx(binomtest(9, ROUNDS, 0.5, "greater").pvalue)
    assert [one["right"] for one in last["rounds"]] == [True] * 9 + [False] * 3
    assert draw(answers).round == 1
    (by_concept,) = answers.results()["by_concept"]
    assert by_concept == {"concepts": "notes C", "trials": ROUNDS, "correct": 9, "p": last["p"]}


def test_a_test_that_goes_on_is_in_no_figure_and_no_export(answers, clock):
    rounds(answers, clock, right=3, count=5)
    results = answers.results()
    assert results["trials"] == results["listeners"] == 0 and results["unfinished"] == 5
    assert exported(answers) == []
    assert draw(answers).round == 6


def test_who_answers_sooner_than_x_can_be_heard_is_in_no_figure(answers, clock):
    last = rounds(answers, clock, right=ROUNDS, after=LEAST_HEARD * SECONDS - 0.1)[-1]
    assert (last["correct"], last["trials"], last["too_quick"]) == (0, 0, ROUNDS)
    results = answers.results()
    assert results["trials"] == 0 and results["too_quick"] == ROUNDS
    assert {row["counted"] for row in exported(answers)} == {"0"}
    rounds(answers, clock, right=ROUNDS, after=LEAST_HEARD * SECONDS)
    assert answers.results()["trials"] == ROUNDS


def test_a_and_x_are_drawn_by_lot_and_apart_from_each_other(answers):
    drawn = [draw(answers) for _ in range(300)]
    for lot in ([t.a for t in drawn], [t.x for t in drawn]):
        assert binomtest(lot.count("steered"), 300).pvalue > 1e-6
    assert binomtest(sum(t.a == t.x for t in drawn), 300).pvalue > 1e-6
    assert all({t.sides["a"], t.sides["b"]} == {"steered", "unsteered"} for t in drawn)


def test_a_trial_is_answered_once_and_only_by_its_own_id(answers):
    trial = draw(answers).id
    for said in ("x", "steered", None):
        with pytest.raises(BadInput, match="'a' or 'b'"):
            answers.answer(trial, said)
    answers.answer(trial, "a")
    with pytest.raises(BadInput, match="answered before"):
        answers.answer(trial, "b")
    for guess in ("' OR 1=1 --", ME):
        with pytest.raises(BadInput, match="no such trial"):
            answers.answer(guess, "a")


def test_a_draw_takes_the_place_of_one_that_was_left(answers):
    left, drawn = draw(answers), draw(answers)
    assert left.round == drawn.round == 1
    with pytest.raises(BadInput, match="no such trial"):
        answers.answer(left.id, "a")


def test_ratings_replace_each_other_and_have_bounds(answers):
    answers.rate(ME, CLIP, "C", "steered", {"quality": 10})
    answers.rate(ME, CLIP, "C", "steered", {"quality": 80, "presence": 100})
    means = {(r["attribute"], r["side"]): r["mean"] for r in answers.results()["ratings"]}
    assert means == {("quality", "steered"): 80, ("presence", "steered"): 100}
    for scores in ({"quality": 101}, {"quality": float("nan")}, {"charm": 5}, {}, 7):
        with pytest.raises(BadInput):
            answers.rate(ME, CLIP, "C", "steered", scores)


def test_an_export_groups_listeners_and_clips_and_names_none(answers, clock):
    rounds(answers, clock, right=ROUNDS)
    rounds(answers, clock, right=ROUNDS, listener="listener-2")
    answers.rate(ME, CLIP, "C", "unsteered", dict.fromkeys(ATTRIBUTES, 50))
    still_open = draw(answers)
    rows = exported(answers)
    assert [row["kind"] for row in rows] == ["abx"] * 2 * ROUNDS + ["rating"] * 4
    assert len({row["listener"] for row in rows}) == 2
    assert len({row["clip"] for row in rows}) == 1
    assert {row["listener"] for row in rows[-4:]} == {rows[0]["listener"]}
    for secret in (ME, "listener-2", CLIP, still_open.id):
        assert secret not in answers.as_csv()


def test_hashes_stay_in_one_database_and_differ_in_another(tmp_path):
    def hashes(name):
        kept = Answers(tmp_path / name)
        kept.rate(ME, CLIP, "C", "steered", {"quality": 1})
        (row,) = exported(kept)
        kept.close()
        return row["listener"], row["clip"]

    assert hashes("a.sqlite") == hashes("a.sqlite")
    assert not set(hashes("a.sqlite")) & set(hashes("b.sqlite"))


def test_an_older_database_goes_on(tmp_path, clock):
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as base:
        base.executescript(OLD_TABLES)
    for _ in range(2):
        answers = Answers(path, clock)
        old, rating = exported(answers)[0], exported(answers)[-1]
        assert (old["asked"], old["said"], old["a"], old["seconds"]) == ("steered",) * 3 + ("",)
        assert (rating["asked"], rating["said"]) == ("steered quality", "90.0")
        assert "listener-0" not in answers.as_csv() and "clip-0" not in answers.as_csv()
        with pytest.raises(BadInput, match="no such trial"):
            answers.answer("trial-old-2", "a")
        rounds(answers, clock, right=ROUNDS, listener="listener-0")
        answers.close()
    answers = Answers(path, clock)
    assert answers.results()["trials"] == 1 + 2 * ROUNDS
    answers.close()


def test_a_test_goes_on_when_the_page_was_started_again(tmp_path, clock):
    first = Answers(tmp_path / "a.sqlite", clock)
    rounds(first, clock, right=2, count=2)
    trial = draw(first)
    first.close()
    second = Answers(tmp_path / "a.sqlite", clock)
    clock.now += 3600
    assert second.answer(trial.id, "a")["round"] == 3
    second.close()


def test_listeners_are_random_and_others_ids_are_refused(answers):
    assert len({new_listener() for _ in range(50)}) == 50
    for name in ("me@example.org", "short", "x" * 99, None):
        with pytest.raises(BadInput, match="listener's id"):
            draw(answers, name)
