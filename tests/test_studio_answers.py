"""Blind tests: the statistics are right, X stays hidden, nobody answers twice."""

from __future__ import annotations

import csv
import io

import pytest
from scipy.stats import binomtest

from curation.errors import BadInput
from studio.abx import p_value
from studio.answers import ATTRIBUTES, Answers, new_listener

ME = "listener-1"


@pytest.fixture
def answers(tmp_path):
    kept = Answers(tmp_path / "answers.sqlite")
    yield kept
    kept.close()


@pytest.mark.parametrize(
    ("correct", "trials"), [(0, 0), (0, 5), (3, 5), (9, 10), (16, 16), (600, 1000)]
)
def test_p_values_are_those_of_the_binomial_test(correct, trials):
    expected = binomtest(correct, trials, 0.5, "greater").pvalue if trials else 1.0
    assert p_value(correct, trials) == pytest.approx(expected, rel=1e-9)


def test_a_score_counts_right_answers(answers):
    other = {"steered": "unsteered", "unsteered": "steered"}
    for turn in range(6):
        trial = answers.draw(ME, "clip", "notes C")
        hidden = answers.hidden(trial)[1]
        told = answers.answer(trial, hidden if turn < 5 else other[hidden])
        assert told["right"] == (turn < 5) and told["trials"] == turn + 1
    assert told["correct"] == 5 and told["p"] == pytest.approx(7 / 64)
    results = answers.results()
    assert results["by_concept"] == [
        {"concepts": "notes C", "trials": 6, "correct": 5, "p": told["p"]}
    ]
    assert answers.score("listener-2")["trials"] == 0


def test_x_is_either_side_about_as_often(answers):
    hidden = [answers.hidden(answers.draw(ME, "clip", "C"))[1] for _ in range(200)]
    assert binomtest(hidden.count("steered"), 200).pvalue > 1e-6


def test_a_trial_is_answered_once_and_only_where_it_was_drawn(answers):
    trial = answers.draw(ME, "clip", "C")
    with pytest.raises(BadInput, match="'steered' or 'unsteered'"):
        answers.answer(trial, "x")
    answers.answer(trial, "steered")
    with pytest.raises(BadInput, match="answered before"):
        answers.answer(trial, "unsteered")
    with pytest.raises(BadInput, match="no such trial"):
        answers.answer("' OR 1=1 --", "steered")


def test_ratings_replace_each_other_and_have_bounds(answers):
    answers.rate(ME, "clip", "C", "steered", {"quality": 10})
    answers.rate(ME, "clip", "C", "steered", {"quality": 80, "presence": 100})
    means = {(r["attribute"], r["side"]): r["mean"] for r in answers.results()["ratings"]}
    assert means == {("quality", "steered"): 80, ("presence", "steered"): 100}
    for scores in ({"quality": 101}, {"quality": float("nan")}, {"charm": 5}, {}, 7):
        with pytest.raises(BadInput):
            answers.rate(ME, "clip", "C", "steered", scores)


def test_what_is_exported_says_nothing_of_open_trials_or_persons(answers):
    answers.draw(ME, "clip", "C")
    trial = answers.draw(ME, "clip", "C")
    answers.answer(trial, "steered")
    answers.rate(ME, "clip", "C", "unsteered", dict.fromkeys(ATTRIBUTES, 50))
    rows = list(csv.DictReader(io.StringIO(answers.as_csv())))
    assert [row["kind"] for row in rows] == ["abx"] + ["rating"] * 4
    assert set(rows[0]) == {"kind", "listener", "clip", "concepts", "asked", "said", "day"}


def test_answers_outlive_the_page(tmp_path):
    first = Answers(tmp_path / "a.sqlite")
    first.answer(first.draw(ME, "clip", "C"), "steered")
    first.close()
    second = Answers(tmp_path / "a.sqlite")
    assert second.score(ME)["trials"] == 1
    second.close()


def test_listeners_are_random_and_others_ids_are_refused(answers):
    assert len({new_listener() for _ in range(50)}) == 50
    for name in ("me@example.org", "short", "x" * 99, None):
        with pytest.raises(BadInput, match="listener's id"):
            answers.draw(name, "clip", "C")
