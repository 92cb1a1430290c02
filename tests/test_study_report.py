"""The report finds what was put in: each test against the library's own or a planted truth."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binom, wilcoxon

from benchmarks.study.__main__ import DESIGN, LISTENERS, SPARE, _stimuli, simulated
from benchmarks.study.toy import SECONDS, toy_study
from studio.study import cli
from studio.study.exports import MUSHRA, PAIRED
from studio.study.lots import Lots
from studio.study.report.bradley_terry import fit, pairs_of, worths
from studio.study.report.findings import findings
from studio.study.report.identification import identified, told_apart
from studio.study.report.mixed import mixed
from studio.study.report.power import USUAL, Spread, needed, of_rating, of_telling, powers
from studio.study.report.rating import shifted
from studio.study.simulated import Listener, Truth, answers
from studio.study.tables import Identified, hashed
from studio.study.tables import tables as tables_of

STRONG = Truth(
    told={"push": 2.0},
    worth={"push": 1.2, "random": -1.0},
    scores={"strength": {"push": 80.0, "unsteered": 30.0, "words": 50.0, "random": 35.0}},
)


@pytest.fixture(scope="module")
def tables():
    return simulated(1, truth=STRONG)


# ---- the tests ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("right", "trials"), [(5, 10), (9, 10), (130, 200)])
def test_the_chance_of_guessing_is_the_binomials_upper_tail(right, trials):
    found = told_apart(right, trials)
    assert found.p == pytest.approx(binom.sf(right - 1, trials, 0.5))
    assert binom.sf(right - 1, trials, found.low) == pytest.approx(0.025, rel=1e-3)
    assert binom.cdf(right, trials, found.high) == pytest.approx(0.025, rel=1e-3)


def test_planted_worths_and_ties_are_found_as_many_listeners_come():
    log, tie = np.array([0.9, 0.1, -0.3, -0.7]), -0.5
    pairs = pairs_of(4)
    one, other = np.exp(log[pairs]).T
    chances = np.stack([one, other, np.exp(tie) * np.sqrt(one * other)], axis=1)
    counts = 1e7 * chances / chances.sum(1, keepdims=True)
    found = fit(counts[None], 4)[0]
    assert found == pytest.approx([*log, tie], abs=1e-3)


def test_the_order_in_which_a_pair_is_heard_changes_nothing(tables):
    table = tables.preference
    turned = replace(table, first=table.second, second=table.first, outcome=-table.outcome)
    assert worths(turned, 4, 50).log == pytest.approx(worths(table, 4, 50).log)


def test_a_condition_that_always_wins_has_a_worth_that_is_finite(tables):
    table = tables.preference
    always = replace(
        table, outcome=np.where(table.first == 0, 1, np.where(table.second == 0, -1, 0))
    )
    found = worths(always, 4, 50)
    assert np.isfinite(found.high).all() and found.log.argmax() == 0


def test_the_mixed_model_sees_how_far_listeners_and_items_differ():
    lot = np.random.default_rng(2)
    people, items, trials = 40, 15, 30
    listener, item = np.repeat(np.arange(people), trials), np.tile(np.arange(items), people * 2)
    own = 0.8 + 1.0 * lot.standard_normal(people)[listener] + 0.2 * lot.standard_normal(items)[item]
    right = (lot.random(len(own)) < expit(own)).astype(float)
    found = mixed(Identified(listener, item, np.zeros_like(item), right))
    assert found.low < 0.8 < found.high and found.high - found.low < 0.8
    assert found.listeners == pytest.approx(1.0, abs=0.3) and found.items < 0.5
    assert found.share() == pytest.approx(right.mean(), abs=0.03)


def test_one_listeners_many_trials_are_not_many_listeners(tables):
    table = tables.abx
    those = table.condition == 0
    exact = identified(table)[0]
    found = mixed(Identified(*(getattr(table, name)[those] for name in ("listener", "item", "condition", "right"))))  # fmt: skip
    wide = found.share(found.high) - found.share(found.low)
    assert wide > exact.high - exact.low


def test_ranks_are_those_of_wilcoxon_and_the_interval_is_where_it_turns():
    difference = np.random.default_rng(0).normal(6, 10, 18)
    found = shifted(difference)
    assert found.p == pytest.approx(wilcoxon(difference).pvalue)
    for end, outwards in ((found.low, -1), (found.high, 1)):
        inside, outside = (
            wilcoxon(difference - end - by * outwards).pvalue for by in (-1e-6, 1e-6)
        )
        assert inside > 0.05 >= outside - 0.01 and outside < inside


def test_alike_ratings_differ_by_nothing():
    found = shifted(np.zeros(12))
    assert (found.shift, found.low, found.high, found.p) == (0, 0, 0, 1)


# ---- power -------------------------------------------------------------------------------------


def test_power_without_spread_is_the_binomials_own():
    least = binom.isf(0.05, 100, 0.5) + 1
    sure = Spread(listeners=1e-9, items=1e-9)
    assert of_telling(10, 10, 8, 0.15, sure) == pytest.approx(
        binom.sf(least - 1, 100, 0.65), rel=1e-6
    )
    assert of_telling(10, 10, 8, 0.0, sure) == pytest.approx(
        binom.sf(least - 1, 100, 0.5), rel=1e-6
    )
    assert of_telling(10, 10, 8, 0.15) < of_telling(10, 10, 8, 0.15, sure)


def test_more_listeners_find_more_and_as_many_as_are_needed_do():
    for of in powers(DESIGN, 15.0).values():
        few = needed(of, 0.8)
        assert few is not None and of(few) >= 0.8 > of(max(few // 2, 1))
    assert needed(lambda n: of_rating(n, 2, 0.01), 0.8) is None
    assert USUAL.listeners > 0


# ---- the whole -----------------------------------------------------------------------------------


def test_what_was_put_in_is_found(tables):
    found = findings(tables)
    assert tables.over and len(tables.counted) == LISTENERS
    assert found.told["push"].adjusted < 1e-6 < 0.05 < found.told["words"].heard.p
    names = tables.conditions
    worth = found.preferred
    assert worth is not None
    assert names[int(worth.log.argmax())] == "push" and names[int(worth.log.argmin())] == "random"
    assert worth.difference(names.index("push"), names.index("unsteered"))[1] > 0
    rated = found.ratings["strength"]
    assert rated["push"].low > 30 and rated["words"].adjusted < 0.05
    assert found.ratings["quality"]["push"].p > 0.01


def test_a_condition_that_is_always_told_has_no_model_of_others(tables):
    always = replace(tables, abx=replace(tables.abx, right=np.ones(len(tables.abx.right))))
    found = findings(always).told["push"]
    assert found.mixed is None and found.heard.share == 1 and found.heard.p < 1e-6


def test_who_does_not_listen_is_left_out_by_the_rules():
    kinds = ["guesser"] * 4 + ["idler"] * 4
    found = simulated(5, kinds)
    why = [one.left_out(DESIGN.most_missed) for one in found.people]
    assert all(why[:4]) and why[:4].count("no headphones") >= 3
    assert why[4:8].count("missed catch trials") >= 3 and why[8:].count("") >= 13


def test_who_ends_when_all_have_come_changes_nothing_and_who_races_is_told():
    stimuli, lot = _stimuli(1), np.random.default_rng(1)
    plans = [Lots(DESIGN, stimuli.secret).plan(number) for number in range(LISTENERS + SPARE)]
    kept, first = list(answers(DESIGN, plans, STRONG, lot)), hashed(stimuli, "listener-0")

    def told(**change: float) -> tuple[tuple[str, ...], str]:
        changed = [replace(o, **change) if o.listener == "listener-0" else o for o in kept]
        found = tables_of(stimuli, changed)
        return found.counted, found.standing(first)

    others = tables_of(stimuli, [one for one in kept if one.listener != "listener-0"]).counted
    assert first not in others and len(others) == LISTENERS
    assert first in told()[0] and told()[1] == "counts"
    assert told(at=1e9) == (others, "came when all who were planned had come")
    assert told(seconds=0.1) == (others, "is left out (too quick)")


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """A study that five simulated listeners went through, and a sixth has begun."""
    home = tmp_path_factory.mktemp("heard")

    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    clock = Clock()
    study = toy_study(home, clock=clock)
    for number in range(5):
        one = Listener(study.design, STRONG, {}, np.random.default_rng(number))
        listener = study.begin()
        while (step := study.next(listener))["step"] not in ("done", "refused"):
            clock.now += 2 * SECONDS
            asked = study.trials.find(step["trial"]).asked
            played = (
                [[label, n, n + 1.5] for n, label in enumerate(step["labels"])]
                if "sounds" in step
                else []
            )
            study.answer(step["trial"], one.says(asked), played)
    study.next(study.begin())
    study.close()
    return home / "study"


def test_the_report_is_a_page_with_pictures(heard, tmp_path, capsys):
    assert cli.main(["report", str(heard), "--out", str(tmp_path)]) == 0
    assert "4 of 4 listeners" in capsys.readouterr().out
    page = (tmp_path / "report.md").read_text()
    for part in ("## Is the difference heard?", "## Which is preferred?", "How good it sounds"):
        assert part in page
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {f"{name}.png" for name in ("abx", "preference", "strength", "quality")}
    assert all(f"({name})" in page for name in pictures)
    assert json.loads((tmp_path / "figures.json").read_text())["listeners"] == 4


def test_no_p_value_is_told_before_the_last_listener(heard, tmp_path, capsys):
    record = json.loads((heard / "study.json").read_text())
    record["design"]["listeners"] = 40
    there = tmp_path / "longer"
    there.mkdir()
    (there / "study.json").write_text(json.dumps(record))
    (there / "answers.sqlite").write_bytes((heard / "answers.sqlite").read_bytes())
    (there / "clips").symlink_to(heard / "clips")
    assert cli.main(["report", str(there)]) == 0
    page = (there / "report" / "report.md").read_text()
    assert (
        "**The study goes on.**" in page and "not yet" in page and "0.0" not in page.split("##")[1]
    )
    assert cli.main(["report", str(there), "--now"]) == 0
    assert "not yet" not in (there / "report" / "report.md").read_text()
    capsys.readouterr()


def test_exports_are_what_others_read_and_name_nobody(heard, tmp_path, capsys):
    assert cli.main(["export", str(heard), "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    with (tmp_path / "webmushra" / "toy" / "mushra.csv").open() as file:
        ratings = list(csv.DictReader(file))
    with (tmp_path / "webmushra" / "toy" / "paired_comparison.csv").open() as file:
        paired = list(csv.DictReader(file))
    assert list(ratings[0]) == MUSHRA and list(paired[0]) == PAIRED
    assert {one["rating_stimulus"] for one in ratings} == {
        "push",
        "words",
        "random",
        "reference",
        "broken",
    }
    assert all(0 <= int(one["rating_score"]) <= 100 for one in ratings)
    caught = [
        one for one in paired if "broken" in (one["choice_reference"], one["choice_non_reference"])
    ]
    assert sum(one["choice_answer"] == "correct" for one in caught) >= len(caught) - 1
    battles = [
        json.loads(line)
        for line in (tmp_path / "music-arena" / "battles.jsonl").read_text().splitlines()
    ]
    assert len(battles) == 5 * 4
    for one in battles:
        assert one["vote"]["preference"] in ("A", "B", "TIE")
        assert (
            one["a_metadata"]["system_key"]["system_tag"]
            != one["b_metadata"]["system_key"]["system_tag"]
        )
        assert [event for event, _ in one["vote"]["a_listen_data"]] == ["PLAY", "PAUSE"]
    from pyarrow import parquet

    rows = parquet.read_table(tmp_path / "hub" / "data" / "trials.parquet").to_pylist()
    assert sum(one["kind"] == "quality" for one in rows) == 5
    import sqlite3

    with sqlite3.connect(heard / "answers.sqlite") as base:
        ids = [
            row[0]
            for table in ("listeners", "trials")
            for row in base.execute(f"SELECT * FROM {table}")
        ]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert ids and not [one for one in ids if one.encode() in written]


def test_a_code_is_known_by_who_came_to_the_end(heard, capsys):
    from studio.study.sitting import open_study

    study = open_study(heard)
    codes = study.codes()
    study.close()
    assert len(codes) == 5
    for code in codes:
        assert cli.main(["code", str(heard), code.lower()]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.rsplit(", and ")[1] for line in told].count("counts") == 4
    assert cli.main(["code", str(heard), "0123456789"]) == 2
    assert "nobody" in capsys.readouterr().err


def test_a_report_on_nothing_is_refused_in_one_line(tmp_path, capsys):
    for command in ("report", "export", "code"):
        assert cli.main([command, str(tmp_path), *(["x"] if command == "code" else [])]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "is no study" in line
