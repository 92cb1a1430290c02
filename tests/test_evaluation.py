"""Cells, controls, statistics and choices: what an evaluation promises, on a tiny random model."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from listening.theory import PITCH_CLASSES
from steering.decoding.decoder import Decoder
from steering.decoding.sampling import Sampling
from steering.directions.library import RESULTS
from steering.evaluation import report, strengths
from steering.evaluation.asks import asks, check_disjoint
from steering.evaluation.cells import Cell, Setting, Shelf, Steer, Together
from steering.evaluation.life import USUAL, Life, life, limits_of
from steering.evaluation.plans import clips, intervention
from steering.evaluation.runner import Runner
from steering.evaluation.scoring import PushedScores, Scores, hits
from steering.evaluation.sections import controls, levers, search
from steering.evaluation.statistics import Estimate
from steering.evaluation.tables import Row, row
from steering.families import get_family
from steering.families.family import sources_of
from steering.families.genres import as_said
from steering.models.origin import Origin
from tests.toy import toy_bank, toy_model

SECONDS = 1.0


@pytest.fixture(scope="module")
def model():
    return toy_model()


@pytest.fixture(scope="module")
def setting(model):
    return Setting(
        model.origin, tuple(asks("validation", 4, PITCH_CLASSES, "notes")), SECONDS, Sampling()
    )


@pytest.fixture(scope="module")
def banks(model):
    return {"notes/ridge": toy_bank(model, PITCH_CLASSES)}


CELLS = (Cell("unsteered"), Cell("steered", (Steer("notes/ridge", 3.0),)))


def runner(model, folder, **options):
    return Runner(model, Shelf(folder), Decoder(model).generate, batch=3, workers=0, **options)


def test_validation_and_test_share_neither_prompts_nor_seeds():
    one, other = (asks(split, 200, PITCH_CLASSES, "notes") for split in ("validation", "test"))
    check_disjoint(one, other)
    assert not {a.labels["bpm"] and str(a.labels) for a in one} & {str(a.labels) for a in other}
    with pytest.raises(BadInput, match="share the seed"):
        check_disjoint(one, one)


def test_every_note_is_a_target_as_often_as_the_others_and_no_prompt_names_one():
    chosen = asks("test", 108, PITCH_CLASSES, "notes")
    counts = [sum(ask.targets[0] == name for ask in chosen) for name in PITCH_CLASSES]
    assert counts == [9] * 12
    assert all(ask.targets[0] != ask.targets[1] for ask in chosen)
    for ask in chosen:
        assert "major" not in ask.text["plain"] and "minor" not in ask.text["plain"]
        assert ask.text["named"] == f"{ask.text['plain']} in {ask.targets[0]} major"
        assert ask.targets[1] in ask.text["contradicting"].split()


def test_prompts_for_genres_name_none():
    genres = ("rock", "jazz swing", "house")
    for ask in asks("validation", 60, genres, "genres"):
        assert "genre" not in ask.asked
        assert str(ask.labels["genre"]) not in ask.text["plain"]
        assert as_said("oboe", ask.targets[0]) == ask.text["named"].replace(
            ask.text["plain"], "oboe"
        )


def test_a_second_run_plays_nothing_and_finds_the_same(model, setting, banks, tmp_path):
    seen = []
    first = runner(model, tmp_path).run(setting, CELLS, banks, seen.append)
    assert [(p.done, p.total, p.label) for p in seen] == [(1, 2, "unsteered"), (2, 2, "steered")]

    def refuse(*_):
        raise AssertionError("nothing is left to play")

    again = Runner(model, Shelf(tmp_path), refuse, workers=0).run(setting, CELLS, banks)
    for label in first:
        assert all(np.array_equal(first[label][n], again[label][n]) for n in first[label])
    assert first["steered"]["codes"].shape == (4, 4, 50)
    assert not np.array_equal(first["steered"]["codes"], first["unsteered"]["codes"])


def test_a_run_that_was_killed_keeps_what_was_finished(model, setting, banks, tmp_path):
    calls = []

    def dies(chosen, seconds, sampling):
        calls.append(len(chosen))
        if len(calls) > 2:
            raise KeyboardInterrupt
        return Decoder(model).generate(chosen, seconds, sampling)

    cut = Runner(model, Shelf(tmp_path), dies, batch=4, workers=0)
    with pytest.raises(KeyboardInterrupt):
        cut.run(setting, [*CELLS, Cell("named", wording="named")], banks)
    kept = list(tmp_path.glob("*.npz"))
    assert kept and not list(tmp_path.glob("*.part"))
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    whole = runner(model, tmp_path).run(setting, CELLS, banks)
    assert set(whole) == {"unsteered", "steered"}


def test_two_evaluations_of_the_same_clips_play_each_cell_once(
    model, setting, banks, tmp_path, caplog
):
    """The second waits, says for whom, and finds what the first has kept."""
    played, found = [], []

    def generate(chosen, seconds, sampling):
        played.append(len(chosen))
        return Decoder(model).generate(chosen, seconds, sampling)

    def evaluate() -> None:
        one = Runner(model, Shelf(tmp_path), generate, batch=4, workers=0)
        found.append(one.run(setting, CELLS, banks))

    threads = [threading.Thread(target=evaluate) for _ in range(2)]
    with Shelf(tmp_path).playing(setting):
        for thread in threads:
            thread.start()
        while len(caplog.messages) < 2:
            threads[0].join(0.01)
        assert not played
    for thread in threads:
        thread.join()
    assert played == [4, 4] and len(list(tmp_path.iterdir())) == 2
    assert all("is playing these clips: waiting for it" in line for line in caplog.messages)
    for label in ("unsteered", "steered"):
        one, other = (results[label] for results in found)
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_the_key_of_a_cell_knows_all_that_determines_it(setting, banks, model):
    cell = CELLS[1]
    key = setting.key(cell, banks)
    assert key == setting.key(replace(cell, label="another name"), banks)
    others = [
        setting.key(replace(cell, steers=(replace(cell.steers[0], **change),)), banks)
        for change in (
            {"coefficient": 3.1},
            {"gate": 0.5},
            {"control": "random"},
            {"target": 1},
            {"unit": "raw"},
            {"draw": 0},
        )
    ]
    others += [
        setting.key(replace(cell, wording="named"), banks),
        replace(setting, seconds=2.0).key(cell, banks),
        replace(setting, sampling=Sampling(guidance=2.0)).key(cell, banks),
        setting.key(cell, {"notes/ridge": toy_bank(model, PITCH_CLASSES, seed=1)}),
        replace(setting, origin=replace(model.origin, revision="x")).key(cell, banks),
    ]
    assert len({key, *others}) == 1 + len(others)


def test_a_steered_clip_and_its_twin_draw_the_same_noise(setting, banks):
    twins = [clips(cell, setting, banks, 50.0) for cell in CELLS]
    assert [c.seed for c in twins[0]] == [c.seed for c in twins[1]]
    assert all(clip.plan is None for clip in twins[0])
    target = banks["notes/ridge"][setting.asks[1].targets[0]]
    assert torch.allclose(twins[1][1].plan.vectors[0], target.vectors, atol=1e-6)


def test_controls_are_as_long_as_the_real_thing_and_stand_for_nothing(setting, banks):
    ask, bank = setting.asks[0], banks["notes/ridge"]
    real = intervention(Steer("notes/ridge", 0.1), ask, bank)
    few = toy_bank_of_two(bank)
    for kind in ("random", "orthogonal"):
        fake = intervention(Steer("notes/ridge", 0.1, control=kind), ask, few)
        assert np.allclose(fake.strengths(), real.strengths())
        assert torch.allclose(fake.direction.vectors.norm(dim=-1), torch.ones(2), atol=1e-5)
    shared = [(fake.direction.vectors * d.vectors).sum(-1).abs().max() for d in few.values()]
    assert max(shared) < 1e-5


def test_a_raw_coefficient_is_the_length_that_is_added(setting, banks):
    def pushed(unit):
        cell = Cell("steered", (Steer("notes/ridge", 0.5, unit=unit),))
        return clips(cell, setting, banks, 50.0)[0].plan.coefficients[5, 0]  # [L]

    assert np.allclose(pushed("raw"), 0.5)
    assert np.allclose(pushed("relative"), 0.5 * banks["notes/ridge"].norms)


def toy_bank_of_two(bank):
    names = list(bank)[:2]
    return replace(bank, directions={name: bank[name] for name in names})


def test_the_controls_are_all_there():
    cells = controls(Steer("notes/ridge", 0.03), "notes/ridge-shuffled").cells
    steers = {cell.label: cell.steers for cell in cells}
    assert steers["flipped sign"][0].coefficient == -0.03
    assert steers["random direction"][0].control == "random"
    assert steers["shuffled labels"][0].bank == "notes/ridge-shuffled"
    assert not steers["prompt alone"]
    sources = sources_of(get_family("notes"))
    assert len(search(sources, get_family("notes").experiment, ["ridge"])) == len(sources) == 2
    layers = [
        layer
        for cell in levers(Steer("notes/ridge", 0.03), 2).cells
        for steer in cell.steers
        for layer in steer.layers.get("layers", [])
    ]
    assert set(layers) == {0, 1}


def test_hits_need_sound():
    shares = {"C": np.array([0.0, 0.9, 0.2]), "D": np.array([0.0, 0.1, 0.8])}
    assert hits(shares, ["C", "C", "C"]).tolist() == [0.0, 1.0, 0.0]


def scores(hit: float, entropy: float = 2.0, adherence: float = 0.5, clips: int = 12) -> Scores:
    rng = np.random.default_rng(0)
    ones = np.ones(clips)
    return Scores(
        (np.arange(clips) < hit * clips).astype(float), hit * ones, np.nan * ones, entropy * ones,
        4 * ones, -20 * ones, adherence * ones, rng.normal(size=(clips, 3)),
    )  # fmt: skip


def beside_twin(**changed: float) -> Life:
    return life(scores(1.0, **changed), scores(0.1), np.arange(12))


def judged(label: str, made: Scores, there: Scores | None = None) -> Row:
    pushed = None if there is None else PushedScores(2.4, there, scores(0.1))
    return row(label, made, scores(0.1), np.arange(12), pushed)


def test_a_drone_is_not_alive_and_neither_is_music_that_forgot_its_prompt():
    assert beside_twin(entropy=1.3).within(USUAL)
    assert not beside_twin(entropy=1.1).within(USUAL)
    assert beside_twin(entropy=1.1).within(limits_of("triads"))
    assert not beside_twin(adherence=0.47).within(USUAL)
    faster = replace(beside_twin(), onsets=Estimate(1.3, 1.3, 1.3))
    assert not faster.within(USUAL) and faster.within(limits_of("tempos"))
    assert not replace(beside_twin(), level=Estimate(0.7, 0.7, 0.7)).within(USUAL)
    assert beside_twin().excess(USUAL) == 0
    lost = replace(faster, entropy=Estimate(0.5, 0.5, 0.5), adherence=Estimate(-0.05, -0.1, -0.03))
    assert lost.excess(USUAL) == pytest.approx(0.1 + 0.1 + 0.01)


def test_the_most_accurate_of_the_living_is_chosen():
    weak, good, drone = (Steer("notes/ridge", c) for c in (0.01, 0.03, 0.1))
    chosen = strengths.choose(
        {
            "weak": (weak, judged("weak", scores(0.3))),
            "good": (good, judged("good", scores(0.8, 1.4))),
            "drone": (drone, judged("drone", scores(1.0, 0.2))),
        }
    )
    assert chosen is good
    assert strengths.choose({"drone": (drone, judged("drone", scores(1.0, 0.2)))}) is drone


def test_a_drone_where_it_is_pushed_is_not_chosen_however_alive_its_pauses_are():
    pulsed, steady = (Steer("notes/ridge", c) for c in (0.045, 0.02))
    paused = judged("pulsed", scores(0.9, 1.8), scores(1.0, 0.3))
    modest = judged("steady", scores(0.4, 1.6), scores(0.4, 1.6))
    assert paused.life.within(USUAL) and not paused.lives
    assert strengths.choose({"pulsed": (pulsed, paused), "steady": (steady, modest)}) is steady


def test_what_only_just_lives_is_chosen_where_nothing_lives_safely():
    lower, safe, edge = (Steer("notes/ridge", c) for c in (0.01, 0.02, 0.03))
    judgements = {"edge": (edge, judged("edge", scores(0.9, 1.3)))}
    assert judgements["edge"][1].alive_within(1.0) and not judgements["edge"][1].alive_within(0.75)
    assert strengths.choose(judgements) is edge
    judgements["safe"] = (safe, judged("safe", scores(0.7, 1.6)))
    assert strengths.choose(judgements) is safe
    judgements["lower"] = (lower, judged("lower", scores(0.5, 1.6)))
    assert strengths.choose(judgements, {"edge": 0.9, "safe": 0.2, "lower": 0.4}) is lower


def test_the_test_run_needs_what_validation_chose(tmp_path):
    origin = Origin("toy", "abc", 2, 32)
    path = tmp_path / "notes.json"
    chosen = strengths.Chosen(
        {"ridge": Steer("notes/ridge", 0.03)},
        Steer("notes/rfm", 0.02),
        together=Together(1.5, orthogonalise=True),
    )
    with pytest.raises(BadInput, match="--split validation"):
        strengths.read(path, origin, [5], "notes")
    strengths.write(path, chosen, origin, range(10, 20))
    assert strengths.read(path, origin, [5], "notes") == chosen
    with pytest.raises(BadInput, match="clips of this very test"):
        strengths.read(path, origin, [15], "notes")
    with pytest.raises(BadInput, match="revision abc"):
        strengths.read(path, replace(origin, revision="other"), [5], "notes")
    path.write_text("{")
    with pytest.raises(BadInput, match="damaged"):
        strengths.read(path, origin, [5], "notes")


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": None},
        {"origin": {"model": "toy"}},
        {"methods": []},
        {"methods": {"ridge": None}},
        {"first_seed": "10"},
        {"last_seed": 10.5},
        {"together": {"multiple": 0.0}},
        {"together": {"multiple": "two"}},
        {"together": {"orthogonalise": 1}},
        {"together": {"turns": True}},
        {"best": {}},
        *(
            {"best": {"bank": "notes/rfm", "coefficient": 0.02} | part}
            for part in (
                {"bank": "../notes/rfm"},
                {"bank": 3},
                {"coefficient": "much"},
                {"coefficient": None},
                {"target": 7},
                {"control": "free"},
                {"draw": "any"},
                {"layers": {"weighting": "none"}},
                {"layers": []},
                {"schedule": {"shape": "spiral"}},
                {"gate": 3},
                {"rows": "all"},
                {"operator": "burn"},
                {"unit": "inches"},
                {"colour": "red"},
            )
        ),
    ],
)
def test_a_choice_that_could_not_be_played_is_told_when_it_is_read(tmp_path, wrong):
    origin, path = Origin("toy", "abc", 2, 32), tmp_path / "notes.json"
    chosen = strengths.Chosen({"ridge": Steer("notes/ridge", 0.03)}, Steer("notes/rfm", 0.02))
    strengths.write(path, chosen, origin, range(10, 20))
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))
    with pytest.raises(BadInput, match=r"damaged .*--split validation"):
        strengths.read(path, origin, [5], "notes")


@pytest.mark.parametrize("content", ["[]", "null", "[" * 100_000])
def test_a_choice_that_is_no_object_is_damaged(tmp_path, content):
    (tmp_path / "notes.json").write_text(content)
    with pytest.raises(BadInput, match="damaged"):
        strengths.read(tmp_path / "notes.json", Origin("toy", "abc", 2, 32), [5], "notes")


def test_shipped_choices_are_read():
    shipped = sorted((RESULTS / "strengths").glob("*.json"))
    assert shipped
    for path in shipped:
        made_for = Origin.from_record(json.loads(path.read_text())["origin"])
        assert strengths.read(path, made_for, [5], path.stem).best.coefficient > 0


def test_a_report_says_the_same_on_the_page_and_in_numbers(tmp_path):
    rows = [row("unsteered", scores(0.1), scores(0.1), np.arange(12))]
    rows[0] = replace(rows[0], against=None, life=None)
    rows.append(judged("ridge 0.03", scores(0.8, 1.4)))
    report.write(tmp_path, "notes", {"model": "toy"}, [report.Part("Strengths", "About.", rows)])
    page = (tmp_path / "report.md").read_text()
    numbers = json.loads((tmp_path / "report.json").read_text())
    assert "| ridge 0.03 | 0.83" in page and "| yes |" in page
    found = numbers["parts"][0]["rows"][1]
    assert found["accuracy"]["mean"] == pytest.approx(10 / 12) and found["lives"]
    assert isinstance(rows[1].life, Life)
