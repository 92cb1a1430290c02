"""Every kind of evaluation from end to end on a tiny random model: what it plays, what it says."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.probes import synthetic
from curation.errors import BadInput
from listening.features import features
from listening.theory import PITCH_CLASSES
from sketch.measures.adherence import Listener
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.reference import player
from steering.decoding.sampling import Sampling
from steering.directions.bank import Bank
from steering.directions.bank_name import BankName
from steering.evaluation import best_of, dose, scoring, sections
from steering.evaluation.asks import asks
from steering.evaluation.banks import OwnProbe
from steering.evaluation.cells import Setting, Shelf, Steer
from steering.evaluation.evaluation import Evaluation
from steering.evaluation.fitted_judges import Judges
from steering.evaluation.runner import Runner
from steering.evaluation.strengths import Chosen
from steering.evaluation.studies import get_study, people, tempos
from steering.evaluation.studies.schedules import target_shares
from steering.families import concepts_of, get_family
from steering.families.family import Experiment
from steering.metrics import embeddings
from steering.metrics.adherence import PromptListeners
from steering.rivals import Play, rivals
from steering.training.banks import Table, train_bank
from tests.toy import toy_bank, toy_model

RATE = 32_000
BEST = Steer("notes/ridge", 2.0)


class Own:
    """Stands for `OwnProbe`: hears one concept in everything."""

    def __init__(self, concept):
        self.concept, self.about = concept, f"always {concept}"

    def __call__(self, states):
        return [self.concept] * len(states)


class Toys:
    """Stands for `BankShelf`: random directions for whatever is asked."""

    def __init__(self, model):
        self.model = model

    def of(self, cells):
        names = {steer.bank for cell in cells for steer in cell.steers}
        return {name: self._calibrated(name) for name in names}

    def _calibrated(self, name: str) -> Bank:
        bank = toy_bank(self.model, self._concepts(name), len(name))
        calibration = torch.tensor([[0.3, 0.0]] * self.model.origin.layers)
        directions = {c: replace(d, calibration=calibration) for c, d in bank.items()}
        return replace(bank, directions=directions)

    def own_probe(self, name):
        return Own(self._concepts(name)[0])

    @staticmethod
    def _concepts(name):
        return concepts_of(BankName.parse(name).family)


@pytest.fixture(scope="module")
def model():
    return toy_model()


@pytest.fixture(scope="module")
def judges():
    rng = np.random.default_rng(0)
    length = len(features(rng.normal(size=RATE).astype(np.float32), RATE))
    x = rng.normal(size=(60, length))
    listeners = {}
    for attribute, classes in (
        ("genre", concepts_of("genres")),
        ("lead_family", ("guitar", "reed", "piano", "brass", "strings", "pipe", "organ")),
        ("drums", ("drums", "no drums")),
    ):
        y = [classes[n % len(classes)] for n in range(60)]
        listener = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
        listeners[attribute] = Listener(attribute, listener, 0.5)
    return Judges(PromptListeners(listeners), embeddings.fit(x), {})


class Forgiving(PromptListeners):
    """A listener that knows every class that it is asked about."""

    def score(self, heard, asked):
        return np.full(len(asked), 0.5)


def evaluation(model, judges, name: str, folder, seconds: float, clips: int = 2) -> Evaluation:
    family = get_study(name).family
    chosen = asks("validation", clips, concepts_of(family), family)
    judges = Judges(Forgiving(judges.listeners.listeners), judges.embedding, {})
    decoder = Decoder(model)
    return Evaluation(
        get_family(family), Setting(model.origin, tuple(chosen), seconds, Sampling()),
        Runner(model, Shelf(folder / "cells"), decoder.generate, 2, 0, rivals=asking(decoder)),
        Toys(model), judges, None, folder, chosen=Chosen({}, BEST),
    )  # fmt: skip


def asking(decoder: Decoder) -> dict[str, Play]:
    """Every rival asks in words, which takes no training."""

    def play(wanted, seconds, sampling, amount):
        return decoder.generate([Clip(one.named, one.seed) for one in wanted], seconds, sampling)

    return dict.fromkeys(rivals(), play)


class Clap:
    """Stands for CLAP: gives every clip the length of its prompt."""

    def score(self, clips, sample_rate, prompts):
        return np.array([float(len(prompt)) for prompt in prompts])


def test_where_clap_is_at_hand_it_hears_adherence_to_the_plain_prompt(model, judges, tmp_path):
    found = evaluation(model, judges, "notes", tmp_path, 0.5, clips=3)
    cell = sections.Cell("contradicted", wording="contradicting")
    (plain,) = found.runner.run(found.setting, [cell], {}).values()
    found.runner.clap, found.setting = Clap(), replace(found.setting, clap="a clap")
    (clapped,) = found.runner.run(found.setting, [cell], {}).values()
    assert np.array_equal(plain["codes"], clapped["codes"])
    lengths = [len(ask.text["plain"]) for ask in found.asks]
    assert scoring.adherence(clapped, found.asks, found.judges).tolist() == lengths
    assert scoring.adherence(plain, found.asks, found.judges).tolist() == [0.5] * 3


def test_validation_chooses_and_the_test_plays_all_controls(model, judges, tmp_path, monkeypatch):
    monkeypatch.setattr(sections, "OF_HALF_THE_LAYERS", (1.0,))
    monkeypatch.setattr(sections, "LEVERS", {"gate 0.3": ({"gate": 0.3}, (1.0,))})
    monkeypatch.setattr(sections, "MULTIPLES", (1.0, 2.0))
    found = replace(evaluation(model, judges, "notes", tmp_path, 1.2), tried=("ridge",))
    study = get_study("notes")
    parts, chosen = study.choice(found)
    assert [part.title for part in parts] == [
        "Strengths, notes", "Strengths, notes_in_songs", "Rivals", "Levers", "Two at once",
    ]  # fmt: skip
    together = chosen.together
    assert sections.both(chosen.best, together).label in parts[-1].numbers["shares"]
    one = found.family.experiment
    assert set(chosen.rivals) == set(rivals())
    assert chosen.methods["ridge"].coefficient in one.grid + one.pulsed + one.monitored
    monkeypatch.setattr(dose, "DIRECTIONS", 2)
    parts = {part.title: part for part in study.report(replace(found, chosen=chosen))}
    rows = {row.label: row for row in parts["Controls"].rows}
    assert rows["unsteered"].against is None and rows["unsteered"].life is None
    assert all(row.against is not None for label, row in rows.items()
               if label not in ("unsteered", sections.CONTRADICTED))  # fmt: skip
    assert rows["unsteered, other seeds"].life.fd > 0
    assert len(parts["Methods"].rows) == 3 and parts["Methods"].pictures == ("trade-off.png",)
    ways = [row.label for row in parts["Steady, in pulses, by itself"].rows[1:]]
    assert sum(label.endswith("in pulses") for label in ways) == 2
    assert sum(label.endswith("by itself") for label in ways) >= 2 and len(ways) >= 7
    assert parts["Controls"].pictures == ("controls.png",)
    assert (tmp_path / "controls.png").stat().st_size > 5_000
    rising = [row.label for row in parts["Controls at rising strength"].rows]
    assert (
        len(rising) == 1 + 5 * 2
        and f"flipped sign, {sections.flipped(chosen.best).coefficient:g}" in rising
    )
    assert (tmp_path / "rising.png").stat().st_size > 5_000
    assert {"Layers", "Gates"} < set(parts) and (tmp_path / "pulses.png").stat().st_size > 5_000
    assert set(parts["Two at once"].numbers["shares"]) >= {
        sections.both(chosen.best, together).label, "taking turns", "both, clamped together",
    }  # fmt: skip
    several = parts["In words, the best of several"].rows
    assert [row.label[-1] for row in several[1:]] == ["1", "2", "4", "8"]
    assert several[1].accuracy == rows["prompt alone"].accuracy
    assert len(parts["Rivals"].rows) == 1 + 2 * len(rivals())
    for title, picture in (("Frontier", "frontier.png"), ("Dose and response", "dose.png")):
        assert parts[title].pictures == (picture,) and (tmp_path / picture).stat().st_size > 5_000
    rise = parts["Dose and response"].numbers["doses"]["hit rate"]
    assert len(rise["random"]) == 2 and rise["clips"] == rise["few"] == 2
    pushed = [row for part in parts.values() for row in part.rows if row.pushed]
    assert {row.pushed.seconds for row in pushed} == {1.2}
    fewer = replace(
        found, chosen=chosen, without=("Gates", "Two at once", dose.DOSE, best_of.WORDS)
    )
    with pytest.raises(BadInput, match="no section 'words, best of' to leave out"):
        study.report(fewer)
    fewer.without = (*fewer.without[:3], "In words, the best of several")
    assert set(parts) - {part.title for part in study.report(fewer)} == set(fewer.without)


def test_notes_of_music_by_people_stand_beside_our_own(model, judges, tmp_path, monkeypatch):
    monkeypatch.setattr(people, "MULTIPLES", (1.0, 2.0))
    monkeypatch.setattr(people, "TRIED", Experiment("people", grid=(), monitored=(0.5,)))
    found = replace(evaluation(model, judges, "people", tmp_path, 1.0), tried=("ridge", "sae"))
    study = get_study("people")
    parts, chosen = study.choice(found)
    assert [part.title for part in parts] == [
        "Strengths, notes_in_scores",
        "Strengths, notes_in_songs",
    ]
    assert [len(part.rows) for part in parts] == [2, 2]
    assert chosen.best.bank == "notes_in_scores/ridge" and chosen.best.monitor
    assert chosen.methods["notes_in_songs"].bank == "notes_in_songs/ridge"
    beside, rising = study.report(replace(found, chosen=chosen))
    rows = {row.label: row for row in beside.rows}
    assert rows["from music by people"].accuracy == rising.rows[1].accuracy
    assert {"from our songs", "random direction", "shuffled labels"} < set(rows)
    less = rows["from music by people"].accuracy.mean - rows["from our songs"].accuracy.mean
    assert f"clip by clip: {less:.3f} (" in beside.lines[1]
    assert len(rising.rows) == 1 + 2 * 2
    for part in (beside, rising):
        assert (tmp_path / part.pictures[0]).stat().st_size > 5_000


def test_clips_of_a_note_that_people_hardly_play_are_left_out(model, judges, tmp_path):
    found = evaluation(model, judges, "people", tmp_path, 1.0, clips=24)
    whole = toy_bank(model, PITCH_CLASSES, 1)
    few = replace(whole, directions={name: whole[name] for name in PITCH_CLASSES if name != "G#"})
    found.banks = SimpleNamespace(of=lambda cells: {"a": few, "b": whole})
    kept = people.known_to_both(found, "ridge").asks
    assert len(kept) == 22 and {ask.targets[0] for ask in kept} == set(few)


def test_a_corpus_that_found_the_same_directions_is_as_like_as_can_be(model):
    bank = toy_bank(model, PITCH_CLASSES, 1)
    assert "mean over layers: 1.00 (1.00 to 1.00 by note)" in people.likeness(bank, bank)
    other = toy_bank(model, PITCH_CLASSES, 2)
    assert "mean over layers: 1.00" not in people.likeness(bank, other)


def test_of_several_takes_each_clip_has_the_one_with_most_of_its_target():
    takes = [np.array([[6.0, 4.0], [0.0, 9.0]]), np.array([[1.0, 1.0], [3.0, 1.0]])]
    judge = SimpleNamespace(
        asks=[SimpleNamespace(targets=(name,)) for name in ("C", "A")],
        prominent=lambda result: dict(zip(("C", "A"), result["energy"].T, strict=True)),
    )
    kept = best_of.best(judge, [{"energy": one} for one in takes])
    assert kept["energy"].tolist() == [[6.0, 4.0], [0.0, 9.0]]
    kept = best_of.best(judge, [{"energy": one} for one in (takes[1], takes[0][:, ::-1])])
    assert kept["energy"].tolist() == [[1.0, 1.0], [3.0, 1.0]]


def test_a_strength_that_sets_itself_is_held_against_controls_that_never_let_go():
    """A negative coefficient would let go as soon as the concept is gone: the control must not."""
    steady, itself = (
        Steer("notes/ridge", 0.05),
        Steer("notes/ridge", 0.09, monitor=sections.MONITOR),
    )
    assert sections.flipped(steady).coefficient == -0.05
    assert sections.flipped(itself) == replace(itself, control="flipped")
    assert (
        sections.pushed(itself) == "ridge 0.09 by itself"
        and sections.pushed(steady) == "ridge 0.05"
    )
    assert "monitor" not in steady.record() and itself.record()["monitor"]["target"] == 0.3


def test_schedules_and_a_crossfade_are_followed_second_by_second(model, judges, tmp_path):
    found = evaluation(model, judges, "schedules", tmp_path, 3.0)
    followed, handed = get_study("schedules").parts(found)
    assert len(followed.lines) == 9 and (tmp_path / "schedules.png").exists()
    assert all(-1 <= one["of the mean"] <= 1 for one in followed.numbers["correlations"].values())
    assert set(handed.numbers["crossfade"]) == {"crossfade", "unsteered"}


def test_shares_of_seconds_are_those_of_the_clips_own_target(model):
    chosen = asks("validation", 2, PITCH_CLASSES, "notes")
    counts = np.zeros((2, 3, 12))
    for clip, ask in enumerate(chosen):
        counts[clip, 1, PITCH_CLASSES.index(ask.targets[0])] = 5
    shares = target_shares({"energy": np.ones((2, 12)), "counts": counts}, chosen, 0)
    assert shares.tolist() == [[0, 1, 0], [0, 1, 0]]


def test_two_notes_and_a_note_with_a_genre(model, judges, tmp_path):
    notes, genre = get_study("pairs").parts(evaluation(model, judges, "pairs", tmp_path, 1.2))
    assert {"both, each at 0.7", "taking turns"} < set(notes.numbers["shares"])
    assert set(genre.numbers["hits"]) >= {"the genre alone", "both"}
    assert all(
        one["both"] <= min(one["note"], one["genre"]) for one in genre.numbers["hits"].values()
    )


@pytest.mark.parametrize("name", ["paper", "paper-chords"])
def test_the_published_protocol_is_played_with_its_own_settings(model, judges, tmp_path, name):
    found = evaluation(model, judges, name, tmp_path, 1.2, clips=4)
    parts = {part.title: part for part in get_study(name).parts(found)}
    assert list(parts) == ["Strengths", "Controls", "Layers", "Gates", "Two at once"]
    assert [row.label for row in parts["Strengths"].rows[1:]] == [
        "raw 0.15", "raw 0.3", "raw 0.45", "raw 0.6",
    ]  # fmt: skip
    assert [row.label for row in parts["Layers"].rows[1:]] == ["all"]  # a model of two layers
    first = concepts_of(found.family.name)[0]  # what `Own` hears in everything
    share = np.mean([ask.targets[0] == first for ask in found.asks])
    heard = parts["Strengths"].numbers["own probe"]
    assert set(heard.values()) == {share} and "raw 0.6" in heard
    published = {"paper": "82%", "paper-chords": "34%"}[name]
    assert any(f"published, on musicgen-large: {published}" in s for s in parts["Strengths"].lines)
    assert "always" in parts["Strengths"].about
    # the gate at 1 on all layers is the layer ablation's last row, played once
    assert parts["Gates"].rows[-1].accuracy == parts["Layers"].rows[-1].accuracy
    for picture in ("paper.png", "controls.png"):
        assert (tmp_path / picture).stat().st_size > 5_000


def test_a_banks_own_probe_knows_the_clips_that_made_the_bank(model):
    data = synthetic(2000, 2, 24, "cpu")
    half = len(data.x_val) // 2
    x = {"train": data.x, "validation": data.x_val[:half], "test": data.x_val[half:]}
    y = {"train": data.y, "validation": data.y_val[:half], "test": data.y_val[half:]}
    table = Table(x, y, data.concepts, "classification")
    bank, _ = train_bank(table, model.origin, "notes", "ridge", {})
    workshop = SimpleNamespace(table=lambda family: (table, None), preset="full")
    own = OwnProbe(workshop, "notes", bank)
    assert "test clips of notes-full" in own.about
    named = own(x["test"].numpy().astype(np.float16))
    right = [data.concepts[int(place)] for place in y["test"].argmax(-1)]
    assert np.mean([a == b for a, b in zip(named, right, strict=True)]) > 0.6


def test_tempos_are_tracked_for_every_method_and_control(model, judges, tmp_path, monkeypatch):
    monkeypatch.setattr(dose, "DIRECTIONS", 2)
    found = replace(evaluation(model, judges, "tempos", tmp_path, 1.0), tried=("ridge",))
    *parts, dosed = get_study("tempos").report(found)
    assert set(dosed.numbers["doses"]) == {"tempo, bpm", "onsets, a second"}
    families = ("tempos", "tempos_in_genres")
    assert [part.title for part in parts] == [f"Tempos, {family}" for family in families]
    for part, family in zip(parts, families, strict=True):
        assert set(part.numbers["tempo"]) == set(part.numbers["onsets"]) == {
            "ridge", "random", "orthogonal", "in words",
        }  # fmt: skip
        assert len(part.numbers["tempo"]["ridge"]["medians"]) == 5
        assert list(part.numbers["onsets"]["in words"]["medians"]) == [-1, 0, 1]
        assert len(part.lines) == 8
        assert all(np.isnan(row.accuracy.mean) for row in part.rows)
        assert sum(row.pushed is not None for row in part.rows) == 3 * len(tempos.GRID)
        assert (found.folder / f"{family}.png").stat().st_size > 1000
    assert all(ask.text["contradicting"].startswith("slow ") for ask in found.asks)


def test_localisation_patches_every_family_and_steers_where_it_found_the_notes(
    model, judges, tmp_path
):
    found = evaluation(model, judges, "localisation", tmp_path, 0.5, clips=4)
    found.runner.generate = player(model)
    study = get_study("localisation")
    parts = study.parts(found)
    assert [part.title for part in parts] == [
        "Where the prompt is carried: notes", "Where the prompt is carried: triads",
        "Where the prompt is carried: genres", "Steer there",
    ]  # fmt: skip
    known = 0
    for part in parts[:3]:
        one = part.numbers["located"]
        means = [
            one["restored"][place]["mean"]
            for place in ("every cross-attention", "self-attention 0")
        ]
        known += (
            one["effect"]["mean"] > 0
        )  # what an untrained model plays need not be told by its prompt
        expected = [1, 0] if one["effect"]["mean"] > 0 else [np.nan, np.nan]
        assert means == pytest.approx(expected, nan_ok=True)
        assert len(part.numbers["ranked"]) == 3 * model.origin.layers
    assert known
    rows = parts[-1].rows
    assert len(rows) == 1 + len(parts[-1].numbers["pushes"])
    assert all(row.pushed is not None for row in rows[1:])
    assert 5_000 < (tmp_path / "localisation.png").stat().st_size < 100_000
    found.runner.model = None  # what was measured is kept
    assert study.parts(found)[0].numbers == parts[0].numbers
