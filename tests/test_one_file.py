"""A probe, a family and an evaluation are one file each: found, and used wherever there are others."""

from __future__ import annotations

import sys
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from curation.arrangement.song_styles import MOODS as STYLES
from steering.activations.store import Activations
from steering.cli import main
from steering.directions.library import Library
from steering.evaluation import preparation
from steering.evaluation.asks import asks
from steering.evaluation.evaluation import Evaluation
from steering.evaluation.probe_table import compared
from steering.evaluation.studies import get_study, studies
from steering.families import concepts_of, families, get_family, usual_methods
from steering.families.family import Training
from steering.models.origin import Origin
from steering.probes import methods, preferred
from steering.training.banks import train_bank
from steering.training.targets import table_of
from studio.catalogue import catalogue
from studio.presets import method_for
from tests.toy import save_small_sketch

MOODS = tuple(STYLES)
ORIGIN = Origin("toy", "abc", 2, 16)

PROBE = '''
"""The difference of medians."""

import torch

from steering.probes.fitted import finish
from steering.probes.method import Method


def fit(data, search=None, generator=None):
    parts = [(data.x[y > 0], data.x[y == 0]) for y in data.y.T]
    return finish(data, torch.stack([a.median(0)[0] - b.median(0)[0] for a, b in parts]), None, {})


method = Method("medians", fit, "difference of medians", ("classification",))
'''

FAMILY = '''
"""Moods of songs."""

from steering.families.family import Experiment, SteeredFamily, Training, Usual
from steering.families.prompts import Prompts


def shares(heard, listeners):
    return listeners.probabilities("mood", heard["features"])


families = (
    SteeredFamily(
        "moods",
        Training("songs", "mood", "second"),
        "mood of a song",
        place=5,
        usual=Usual(0.03, "ridge"),
        prompts=Prompts(lambda prompt, mood: f"{mood}: {prompt}", ("{genre} with {lead}",)),
        shares=shares,
        experiment=Experiment("moods", grid=(0.1,)),
    ),
)
'''

STUDY = '''
"""The unsteered clips alone."""

from steering.evaluation.report import Part
from steering.evaluation.sections import Section, unsteered
from steering.evaluation.study import Study


def parts(evaluation):
    section = Section("Left alone", "Nothing is pushed.", (unsteered(),))
    (result,) = evaluation.results(section, evaluation.play([section])).values()
    return [Part(section.title, section.about, lines=[f"{len(result['codes'])} clips"])]


study = Study("alone", "notes", parts, seconds=1.0, clips={"test": 2}, probed=False, trials=())
'''


@pytest.fixture
def add(tmp_path, monkeypatch):
    """Puts one file into a package, for as long as the test runs."""
    added = []

    def forget():
        for cached in (methods, families, studies):
            cached.cache_clear()

    def put(package: str, name: str, text: str) -> None:
        folder = tmp_path / package
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)
        home = import_module(package)
        monkeypatch.setattr(home, "__path__", [*home.__path__, str(folder)])
        added.append((home, name))
        forget()

    yield put
    for home, name in added:
        sys.modules.pop(f"{home.__name__}.{name}", None)
        vars(home).pop(name, None)
    monkeypatch.undo()
    forget()


def moods(clips: int = 400, seconds: int = 2) -> tuple[Activations, np.ndarray]:
    """Each mood along a direction of its own, in every second of every clip."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.standard_normal((16, 16)))[0][: len(MOODS)]
    told = rng.integers(len(MOODS), size=clips)
    values = rng.standard_normal((clips, seconds, 2, 16)) + 4 * directions[told][:, None, None]
    splits = rng.choice(["train", "validation", "test"], p=[0.5, 0.3, 0.2], size=clips)
    labels = [
        {"mood": MOODS[place], "split": str(split)}
        for place, split in zip(told, splits, strict=True)
    ]
    return Activations(values.astype(np.float16), labels, {}), directions


def page(**banks) -> dict:
    """What the page offers of these banks."""
    model = SimpleNamespace(origin=ORIGIN, sample_rate=32_000)
    stage = SimpleNamespace(name="toy", model=model, banks=banks)
    return catalogue(stage, ("toy",))


def compares(family: str) -> list[str]:
    """Methods that an evaluation of the family compares."""
    parts = dict.fromkeys(("setting", "runner", "banks", "judges", "held_out", "folder"))
    return Evaluation(get_family(family), **parts).methods


def test_a_probe_is_one_file(add):
    add("steering.probes", "medians", PROBE)
    store, directions = moods()
    data = table_of(Training("songs", "mood", "second"), store)
    bank, _ = train_bank(data, ORIGIN, "notes", "medians", {})
    for place, name in enumerate(MOODS):
        others = directions[[other for other in range(len(MOODS)) if other != place]].mean(0)
        wanted = torch.from_numpy(directions[place] - others).float()
        assert (bank[name].vectors @ wanted / wanted.norm()).min() > 0.9
    assert compares("notes")[:4] == ["mean_difference", "ridge", "logistic", "rfm"]
    assert all("medians" in offered for offered in (compares("notes"), compared(), preferred()))
    assert not {"medians", "logistic"} & set(compares("tempos"))
    offered = page(**{"notes/medians": bank, "notes/ridge": bank})
    assert offered["methods"] == {"ridge": "linear (ridge)", "medians": "difference of medians"}
    assert list(offered["families"][0]["banks"]) == ["ridge", "medians"]


def test_a_family_is_one_file(add, tmp_path):
    add("steering.families", "moods", FAMILY)
    assert concepts_of("moods") == MOODS and next(iter(families())) == "moods"
    data = table_of(get_family("moods").training, moods()[0])
    bank, fitted = train_bank(data, ORIGIN, "moods", "ridge", {})
    assert set(bank) == set(MOODS) and fitted.scores.min() > 0.9
    for method in ("logistic", "mean_difference", "ridge"):
        bank.save(tmp_path / "toy" / "moods" / method)
    library = Library(SimpleNamespace(origin=ORIGIN), [tmp_path])
    usual = library.find("moods", usual_methods("moods"))
    assert usual is library["moods/ridge"]  # the usual one before all others
    assert method_for("moods", set(library)) == "moods/ridge"
    (offered,) = page(**dict(library))["families"]
    assert offered["word"] == "mood of a song" and offered["intervention"]["coefficient"] == 0.03
    assert list(offered["banks"]) == ["ridge", "logistic", "mean_difference"]
    study = get_study("moods")
    assert (study.family, study.split, study.strengths) == ("moods", "validation", "moods")
    for ask in asks("validation", 6, concepts_of(study.family), study.family):
        assert " with " in ask.text["plain"]
        assert ask.text["named"] == f"{ask.targets[0]}: {ask.text['plain']}"


def test_an_evaluation_is_one_file(add, tmp_path, monkeypatch, capsys):
    add("steering.evaluation.studies", "left_alone", STUDY)
    monkeypatch.setattr(preparation, "_judges", lambda *_: SimpleNamespace(errors={}))
    save_small_sketch(tmp_path / "model")
    command = ["evaluate", "alone", "--model", str(tmp_path / "model"), "--workers", "0"]
    assert main([*command, "--home", str(tmp_path), "--builds", str(tmp_path)]) == 0
    assert "1 of 1 cells" in capsys.readouterr().err
    assert "- 2 clips" in (tmp_path / "alone-test" / "report.md").read_text()
    with pytest.raises(SystemExit):
        main(["evaluate", "nothing"])
    said = capsys.readouterr().err
    assert "invalid choice: 'nothing'" in said and "alone" in said and "notes" in said
