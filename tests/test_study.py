"""A study: nothing of it can be chosen afterwards, nothing be read from bytes or order, nothing be lost."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import welch
from scipy.stats import binomtest

from benchmarks.study.toy import RATE, SECONDS, toy_design, toy_study, write_design
from curation.errors import BadInput
from listening.loudness import loudness
from steering.api import generate
from steering.interventions.intervention import Intervention
from studio.study import cli, stimuli
from studio.study.design import Abx, Condition, Design, Item, Preference, Ratings, read_design
from studio.study.headphones import CENTRE_HZ, WIDTH, huggins
from studio.study.lots import HEADPHONES, PITCH, TRAINING, Lots
from studio.study.simulated import Listener, Truth
from studio.study.sitting import Study, open_study
from studio.study.stimuli import make_stimuli, read_stimuli
from tests.studio_toy import toy_loaded, toy_recipe

DESIGN = Design(
    "lots", "Lots", 30, "training",
    items=tuple(Item(name, name, "C") for name in ("training", "a", "b", "c")),
    conditions=(Condition("push", "bank", 0.1), Condition("words", prompt="{prompt} in {concept}")),
    abx=Abx(6), preference=Preference(6), ratings=Ratings(2),
)  # fmt: skip
SECRET = bytes(32)


class Clock:
    """Seconds that a test lets pass."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


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


def sounds(step):
    return {
        label: np.frombuffer(base64.b64decode(text), "<i2")
        for label, text in step["sounds"].items()
    }


def heard(step):
    return [[label, n, n + 1] for n, label in enumerate(step["labels"])] if "sounds" in step else []


def step_to(study: Study, listener: str, kind: str, person: Listener, clock: Clock):
    """Answer until a step of a kind; the step."""
    while (step := study.next(listener))["step"] not in (kind, "done", "refused"):
        clock.now += 2 * SECONDS
        asked = study.trials.find(step["trial"]).asked
        study.answer(step["trial"], person.says(asked), heard(step))
    return step


def person(study: Study, kind: str = "honest", seed: int = 0) -> Listener:
    return Listener(study.design, Truth(told={"push": 3.0}), {}, np.random.default_rng(seed), kind)  # type: ignore[arg-type]


# ---- the design --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "toy"', 'name = "../toy"', "is no name"),
        ('training = "training"', 'training = "nobody"', "training: there is no item"),
        ("seed = 1", 'seed = "one"', "seed must be a whole number"),
        ("seed = 1", "seeds = 1", "unknown entry 'seeds'"),
        ('title = "A small study"\n', "", "has no title"),
        ('compare = ["push", "words"]', 'compare = ["pull"]', "no condition 'pull'"),
        ('compare = ["push", "words"]', 'compare = ["unsteered"]', "tells conditions from"),
        ('compare = ["push", "words"]', 'compare = ["push", "push"]', "twice"),
        ("trials = 3, catch = 1", "trials = 0, catch = 1", "trials from 1 on"),
        (
            "ratings = { trials = 1, catch = 1 }",
            'ratings = { trials = 1, scales = ["charm"] }',
            "scales",
        ),
        ("seconds = 2.0", "seconds = 99.0", "2 to 12 seconds"),
        ("rounds = 3, needed = 2", "rounds = 3, needed = 4", "needed <= rounds"),
        ('name = "toy"', 'name = "toy', "is no TOML"),
    ],
)
def test_a_wrong_design_is_refused_in_one_line(tmp_path, capsys, old, new, said):
    path = write_design(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert cli.main([str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_study_is_made_once_and_not_over_another(home, study):
    design = toy_design(home)
    again = make_stimuli(design, home, home / "study", lambda line: None)
    assert (again.id, again.secret) == (study.stimuli.id, study.stimuli.secret)
    with pytest.raises(BadInput, match="another design"):
        make_stimuli(replace(design, seed=2), home, home / "study", lambda line: None)


def test_all_clips_are_equally_loud_and_long_under_names_that_say_nothing(study):
    there = study.stimuli
    names = [file for files in there.files.values() for file in files.values()]
    assert len(set(names)) == len(names) == 4 * 5
    lengths, levels = set(), []
    for item, files in there.files.items():
        for condition, file in files.items():
            assert condition not in file and item not in file
            sound = there.sound(item, condition)
            lengths.add(len(sound))
            levels.append(loudness(sound, RATE))
            assert np.abs(sound).max() < 1
    assert lengths == {round(SECONDS * RATE)}
    assert max(levels) - min(levels) < 0.05 and levels[0] == pytest.approx(there.lufs, abs=0.05)


def test_a_silent_or_short_clip_is_refused(tmp_path):
    import soundfile

    design = read_design(write_design(tmp_path))
    clip = tmp_path / "push" / "flute.wav"
    for sound, said in ((np.zeros(3 * RATE), "silent"), (np.ones(RATE) * 0.1, "lasts 1.00 s")):
        soundfile.write(clip, sound, RATE)
        with pytest.raises(BadInput, match=said):
            make_stimuli(design, tmp_path, tmp_path / "out", lambda line: None)
    assert not (tmp_path / "out" / "study.json").exists()


def test_a_damaged_study_is_refused_in_one_line(tmp_path, home, study):
    whole = (home / "study" / "study.json").read_text()
    for text in (
        "{",
        whole.replace("secret", "secrets", 1),
        whole.replace(".flac", ".flac/../x", 1),
    ):
        (tmp_path / "study.json").write_text(text)
        with pytest.raises(BadInput, match="is no study"):
            read_stimuli(tmp_path)


def test_a_models_clips_have_one_noise_and_a_random_push_as_hard_as_the_concepts(
    model, tmp_path, monkeypatch
):
    loaded = toy_loaded(model)
    monkeypatch.setattr(stimuli, "_loaded", lambda name: loaded)
    recipe = toy_recipe(3, seconds=2.0, revision=model.origin.revision)
    (tmp_path / "kept").mkdir()
    for name in ("training", "a"):
        (tmp_path / "kept" / f"{name}.json").write_text(json.dumps(recipe))
    design = Design(
        "played", "Played", 1, "training", seconds=2.0, abx=Abx(1),
        items=(Item("training", "jazz", "C"), Item("a", "calm jazz", "C", seed=3)),
        conditions=(
            Condition("push", "notes/ridge", 0.3), Condition("words", prompt="{prompt} in {concept}"),
            Condition("kept", folder="kept"),
        ),
    )  # fmt: skip
    made, rate = stimuli._made(design, tmp_path, lambda line: None)
    clips = made["a"]
    assert rate == model.sample_rate and set(clips) == {*design.compared, "broken"}
    banks = {"C": loaded.banks["notes/ridge"]["C"]}
    pushed = generate(loaded.decoder, "calm jazz", [Intervention(banks["C"], 0.3)], 2.0, 3)[
        0
    ].numpy()
    plain = generate(loaded.decoder, "calm jazz", (), 2.0, 3)[0].numpy()
    assert np.allclose(clips["unsteered"], plain[: 2 * rate], atol=1e-5)
    assert np.allclose(clips["push"], pushed[: 2 * rate], atol=1e-5)
    for one, other in (
        ("push", "unsteered"),
        ("random", "unsteered"),
        ("random", "push"),
        ("words", "unsteered"),
    ):
        assert not np.allclose(clips[one], clips[other], atol=1e-3), (one, other)
    assert len(clips["kept"]) == 2 * rate


# ---- lots --------------------------------------------------------------------------------------


def test_the_same_seed_and_secret_give_the_same_lots_and_another_secret_others():
    plan = Lots(DESIGN, SECRET).plan(3)
    assert plan == Lots(DESIGN, SECRET).plan(3)
    assert plan != Lots(DESIGN, SECRET).plan(4) != Lots(DESIGN, bytes([1] * 32)).plan(4)
    assert plan != Lots(replace(DESIGN, seed=1), SECRET).plan(3)


def test_over_the_listeners_every_condition_meets_every_item_equally_often():
    lots = Lots(DESIGN, SECRET)
    cells, pairs = Counter(), Counter()
    for number in range(30):
        for one in lots.plan(number):
            if one.kind == "abx" and not one.catch:
                cells[one.item, *sorted(set(one.shown) - {"unsteered"})] += 1
            if one.kind == "preference" and not one.catch:
                pairs[(one.item, *sorted(one.shown))] += 1
            assert one.item != "training" or one.kind == TRAINING
    assert len(cells) == 3 * 2 and set(cells.values()) == {30}
    assert len(pairs) == 3 * 6 and set(pairs.values()) == {10}


def test_each_listener_has_the_trials_that_the_design_says():
    for number in range(4):
        counts = Counter(one.kind for one in Lots(DESIGN, SECRET).plan(number))
        caught = Counter(one.kind for one in Lots(DESIGN, SECRET).plan(number) if one.catch)
        assert counts == DESIGN.counts | {HEADPHONES: 12, TRAINING: 1}
        assert caught == {"abx": 3, "preference": 2, "quality": 2}
    assert DESIGN.trials == 6 + 3 + 6 + 2 + 2 + 2


def test_sides_and_x_are_drawn_apart_and_evenly():
    lots = Lots(DESIGN, SECRET)
    abx = [one for n in range(60) for one in lots.plan(n) if one.kind == "abx"]
    first = [one.shown[0] == "unsteered" for one in abx]
    x_is_a = [one.shown[2] == one.shown[0] for one in abx]
    alike = [a == b for a, b in zip(first, x_is_a, strict=True)]
    for lot in (first, x_is_a, alike):
        assert binomtest(sum(lot), len(lot)).pvalue > 1e-4


# ---- headphones --------------------------------------------------------------------------------


def test_the_pitch_is_between_the_ears_and_in_neither_of_them():
    lot = np.random.default_rng(0)
    left, right = huggins(True, RATE, lot, seconds=8.0)
    frequencies, between = welch(left - right, RATE, nperseg=4096)
    band = np.abs(frequencies / CENTRE_HZ - 1) < WIDTH / 2
    outside = np.abs(frequencies / CENTRE_HZ - 1) > 2 * WIDTH
    assert between[band].mean() > 1000 * between[outside].mean()
    for ear in (left, right):
        _, alone = welch(ear, RATE, nperseg=4096)
        near = outside & (frequencies > 300) & (frequencies < 1200)
        assert alone[band].mean() == pytest.approx(alone[near].mean(), rel=0.2)
    plain = huggins(False, RATE, lot)
    assert np.array_equal(*plain)


# ---- what a listener gets ------------------------------------------------------------------------


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
    from studio.study.trials import Trials

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
    from studio.study.trials import Trials

    one, other = (Trials(tmp_path / "a.sqlite", "v") for _ in range(2))
    names = [trials.begin(4) for trials in (one, other, one, other)]
    assert [one.number(name) for name in names] == [0, 1, 2, 3]
    with pytest.raises(BadInput, match="no more listeners"):
        other.begin(4)
    one.close()
    other.close()
