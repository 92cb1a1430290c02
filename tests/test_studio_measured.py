"""What the page says that a concept does is what the shipped reports say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from steering.directions.bank import load_bank
from steering.directions.library import BANKS, RESULTS
from steering.evaluation import strengths
from steering.evaluation.cells import Steer
from steering.evaluation.report import Part, write
from steering.evaluation.scoring import PushedScores, Scores
from steering.evaluation.tables import row
from studio.measured import Dose, Measured, measured


@pytest.fixture(scope="module")
def origin():
    return load_bank(BANKS / "sketch" / "notes" / "ridge").origin


def test_the_figures_are_those_of_the_shipped_report(origin):
    found = measured(origin)
    chosen = json.loads((RESULTS / "strengths" / "notes.json").read_text())["best"]
    finding = found[chosen["bank"]]
    assert finding.best and finding.strength == chosen["coefficient"]
    families = {path.stem for path in (RESULTS / "strengths").glob("*.json")} - {"people"}
    assert sum(one.best for one in found.values()) == len(families)
    rows = json.loads((RESULTS / "notes-test" / "report.json").read_text())["parts"][0]["rows"]
    steered = next(row for row in rows if row["label"] == "steered")
    assert finding.chosen.hit == steered["accuracy"]["mean"]
    assert finding.chosen.alive == steered["lives"]


def test_other_weights_have_no_figures(origin):
    assert measured(replace(origin, revision="0" * 16)) == {}


def test_a_damaged_report_counts_for_none(origin, tmp_path):
    (tmp_path / "strengths").mkdir()
    (tmp_path / "strengths" / "notes.json").write_text('{"origin": 3}')
    (tmp_path / "strengths" / "genres.json").write_text("{")
    assert measured(origin, tmp_path) == {}


@pytest.mark.parametrize(
    ("better", "said"),
    [
        ((False, False), "Not shown to do anything. At ×1.0 heard in 10% of 48"),
        ((False, True), "Weak at ×1.0 (10%). At ×1.5 heard in 40% of 48"),
        ((True, True), "At ×1.0 heard in 10% of 48 test clips (0% to 20%), unsteered in 5%."),
    ],
)
def test_words_claim_no_more_than_was_shown(better, said):
    doses = (
        Dose(0.02, 0.1, 0.0, 0.2, True, better[0]),
        Dose(0.03, 0.4, 0.3, 0.5, False, better[1]),
    )
    assert Measured("notes", 48, 0.02, {}, 0.05, doses).words.startswith(said)


def test_pushed_seconds_are_told_where_a_report_has_them_and_missed_where_it_is_older(origin):
    found = measured(origin)[
        json.loads((RESULTS / "strengths" / "notes.json").read_text())["best"]["bank"]
    ]
    assert f"In the pushed seconds {found.chosen.pushed_hit:.0%}" in found.words
    before = [replace(one, pushed_hit=None, pushed_entropy=None) for one in found.doses]
    old = replace(found, doses=tuple(before))
    assert old.words.endswith("Not measured in the pushed seconds.")
    new = replace(old.chosen, pushed_hit=0.9, pushed_entropy=0.35)
    assert replace(old, doses=(new,)).words.endswith(
        "In the pushed seconds 90%, with 35% of the variety of notes."
    )


def test_what_a_report_of_today_says_is_read(tmp_path, origin):
    """Written by the evaluation, read by the page."""
    ones = np.ones(4)
    made = Scores(ones, ones, ones, 2 * ones, ones, -20 * ones, ones, np.eye(4)[:, :2])
    less = replace(made, hit=np.array([1, 0, 0, 0.0]), entropy=ones)
    prompts = np.arange(4)
    rows = [
        row("unsteered", made, made, prompts),
        row(
            "ridge 0.03", made, replace(made, hit=0 * ones), prompts, PushedScores(2.4, less, made)
        ),
    ]
    write(tmp_path / "notes-test", "notes", {}, [Part("Methods", "", rows)])
    steer = Steer("notes/ridge", 0.03)
    chosen = strengths.Chosen({"ridge": steer}, steer)
    strengths.write(tmp_path / "strengths" / "notes.json", chosen, origin, [1])
    dose = measured(origin, tmp_path)["notes/ridge"].chosen
    assert (dose.hit, dose.pushed_hit, dose.pushed_entropy) == (1.0, 0.25, 0.5)
    assert not dose.alive
