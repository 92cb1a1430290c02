"""Banks, evaluations, conversions and the Hub from the command line, on an untrained small model."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from curation.errors import BadInput
from listening.theory import PITCH_CLASSES
from steering.activations.store import Activations
from steering.cli import main
from steering.directions import hub
from steering.directions.bank import FACTS, TENSORS, load_bank
from steering.directions.library import Library
from steering.evaluation import sections
from steering.families import families, get_family, usual_families
from steering.families.family import Experiment, Training
from steering.families.labels import STRONGEST, TRIAD, TRIAD_NAMES
from steering.finders import sae
from steering.models import load_model
from steering.training.banks import Table
from steering.training.targets import by_score, places_of
from tests.toy import CHORD_CLIPS, toy_bank, toy_model


@pytest.fixture
def few(monkeypatch):
    """A small dataset, one strength."""
    small = Training("chords", "quality", clips=CHORD_CLIPS)
    once = Experiment("qualities", grid=(2.0,))
    chords = replace(get_family("chords"), training=small, experiment=once)
    monkeypatch.setitem(families(), "chords", chords)
    monkeypatch.setattr(sections, "MULTIPLES", (1.0,))


def run(place, *arguments: str) -> int:
    return main([part.format(home=place) for part in arguments])


def test_from_nothing_to_banks_to_a_report(place, few, capsys):
    model = ("--model", "{home}/model", "--builds", "{home}/build", "--workers", "0")
    banks = ("--families", "chords", "--methods", "ridge", "mean_difference")
    assert run(place, "banks", *model, *banks, "--out", "{home}/banks") == 0
    assert "2 of 2: chords by mean_difference, 4 concepts" in capsys.readouterr().out
    assert run(place, "banks", *model, *banks, "--out", "{home}/banks") == 0
    assert "of 2" not in capsys.readouterr().out
    loaded = load_model(str(place / "model"))
    assert list(Library(loaded, [place / "banks"])) == ["chords/mean_difference", "chords/ridge"]

    small = ("--clips", "2", "--seconds", "1.2", "--real-hours", "0.2", "--truth-clips", "2")
    kept = ("--home", "{home}/evaluation", "--banks", "{home}/banks")
    compared = ("--methods", "ridge", "mean_difference")
    evaluate = ("evaluate", "qualities", *model, *small, *kept, *compared)
    assert run(place, *evaluate, "--split", "test") == 2
    assert "chosen on validation" in capsys.readouterr().err
    assert run(place, *evaluate) == 0
    assert run(place, *evaluate, "--split", "test") == 0
    folder = place / "evaluation" / "qualities-test"
    page = (folder / "report.md").read_text()
    for said in ("random direction", "shuffled labels", "prompt alone", "orthogonal",
                 "steered, contradicting prompt", "the two lead", "held-out probe",
                 "the judge of chord quality, through the codec", "rendered test songs"):  # fmt: skip
        assert said in page
    assert (folder / "trade-off.png").stat().st_size > 5_000
    parts = {
        part["title"]: part for part in json.loads((folder / "report.json").read_text())["parts"]
    }
    assert set(parts) == {
        "Controls", "Methods", "Rivals", "In words, the best of several", "Two at once", "Frontier",
        "Dose and response",
    }  # fmt: skip
    assert all(0 <= row["against"]["adjusted"] <= 1 for row in parts["Controls"]["rows"][1:])


def test_a_finders_bank_is_made_where_it_is_named(place, few, capsys, monkeypatch):
    monkeypatch.setattr(sae, "learn", partial(sae.learn, steps=20))
    model = ("--model", "{home}/model", "--builds", "{home}/build", "--workers", "0")
    banks = ("banks", *model, "--families", "chords", "--out", "{home}/found")
    assert run(place, *banks, "--methods", "sae") == 0
    assert "1 of 1: chords by sae, 4 concepts" in capsys.readouterr().out
    bank = Library(load_model(str(place / "model")), [place / "found"])["chords/sae"]
    assert bank.method == "sae" and len(bank.facts["explained"]) == bank.origin.layers
    assert run(place, *banks, "--methods", "sae", "summed_notes") == 2
    assert "summed_notes finds no directions of chords" in capsys.readouterr().err


def test_the_probe_table_is_made_once(place, few, capsys, monkeypatch):
    monkeypatch.setattr("steering.evaluation.studies.probes.DRAWS", 3)
    model = ("--model", "{home}/model", "--builds", "{home}/build")
    table = (
        "--datasets",
        "{home}/build/chords-240",
        "--out",
        "{home}/probes",
        "--methods",
        "ridge",
    )
    assert run(place, "evaluate", "probes", *model, *table) == 0
    shown = capsys.readouterr()
    assert shown.out.count("| ridge |") == 8 and shown.err.count("ridge:") == 4
    assert (place / "probes" / "probes.png").stat().st_size > 5_000
    assert run(place, "evaluate", "probes", *model, *table) == 0
    assert not capsys.readouterr().err.count("ridge:")
    assert run(place, "evaluate", "probes", *model) == 2
    assert run(place, "evaluate", "probes", *model, *table[:-1], "sae") == 2
    assert "no method 'sae'" in capsys.readouterr().err


def test_banks_are_found_by_name_by_family_and_by_folder(tmp_path, caplog):
    model = toy_model()
    library = Library(model, [tmp_path / "own", tmp_path])
    assert not library.fitting() and "there is none" in caplog.text
    for concepts, place in (
        ("CD", "toy/notes/ridge"),
        ("EF", "mine"),
        ("GA", "own/toy/notes/ridge"),
    ):
        toy_bank(model, tuple(concepts)).save(tmp_path / place)
    assert (
        list(library["notes/ridge"]) == list(library.find("notes", ["rfm", "ridge"])) == ["G", "A"]
    )
    assert library["notes/ridge"]["G"].source == "notes/ridge"
    assert list(Library(model, [tmp_path])["notes/ridge"]) == ["C", "D"]
    mine = library.find(str(tmp_path / "mine"))
    assert list(mine) == ["E", "F"] and mine["E"].source == str(tmp_path / "mine")
    for name in ("notes/rfm", "../toy/notes/ridge", str(tmp_path)):
        with pytest.raises(BadInput, match=r"no bank .*choose one of notes/ridge"):
            library.find(name)


def test_a_recipes_banks_come_with_the_model_or_from_where_it_is_allowed(tmp_path, monkeypatch):
    model = toy_model()
    toy_bank(model, ("C", "D")).save(tmp_path / "toy" / "notes" / "ridge")
    toy_bank(model, ("E", "F")).save(tmp_path / "mine" / "moods")
    (tmp_path / "link").symlink_to(tmp_path / "mine" / "moods")
    monkeypatch.chdir(tmp_path)
    library = Library(model, [tmp_path])
    assert list(library.find("notes", ["ridge"], within=[])) == ["C", "D"]
    for name in (str(tmp_path / "mine" / "moods"), "mine/moods", "toy/../mine/moods", "link"):
        with pytest.raises(BadInput, match="that you allow with --banks"):
            library.find(name, within=[])
        with pytest.raises(BadInput, match="that you allow with --banks"):
            library.find(name, within=[tmp_path / "toy", tmp_path / "min"])
        for home in ("mine", "mine/moods", tmp_path):
            assert list(library.find(name, within=[Path(home)])) == ["E", "F"]
    for name in ("../toy/notes/ridge", "n" * 5000, "notes\0", ""):
        with pytest.raises(BadInput, match="no bank"):
            library.find(name, within=[])
    toy_bank(model, ("G", "A")).save(tmp_path / "notes" / "ridge")  # stands in for no shipped bank
    assert list(Library(model, [tmp_path]).find("notes/ridge", within=[])) == ["C", "D"]


def test_old_banks_are_bound_by_a_command(tmp_path, capsys):
    for name in ("notes", "moods"):
        toy_bank(toy_model(), ("C", "D")).save(tmp_path / name)
        tensors = load_file(tmp_path / name / TENSORS)
        save_file({part: one.clone() for part, one in tensors.items()}, tmp_path / name / TENSORS)
        facts = json.loads((tmp_path / name / FACTS).read_text())
        (tmp_path / name / FACTS).write_text(json.dumps(facts | {"format": 1}))
    assert run(tmp_path, "inspect", "{home}/notes") == 2
    assert "python -m steering bank bind" in capsys.readouterr().err
    assert run(tmp_path, "bank", "bind", "{home}") == 0
    assert capsys.readouterr().out.count("toys by random: C, D (toy)") == 2
    assert run(tmp_path, "inspect", "{home}/notes") == 0
    assert run(tmp_path, "bank", "push", "{home}") == 2
    assert "bank push FOLDER owner/name" in capsys.readouterr().err


def test_banks_of_other_weights_are_refused_in_one_line(tmp_path, caplog):
    model = toy_model()
    toy_bank(model, ("C", "D")).save(tmp_path / "toy" / "notes" / "ridge")
    model.origin = replace(model.origin, revision="other")
    with pytest.raises(BadInput, match="was made for toy"):
        Library(model, [tmp_path])["notes/ridge"]
    assert not Library(model, [tmp_path]).fitting()
    (line,) = caplog.messages
    assert "0 of 1 banks fit" in line and "python -m steering banks" in line


def test_seconds_are_labelled_by_the_score():
    """Songs 0 and 1: as many rows as seconds with a note, each of one class."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 12, 2, 8)).astype(np.float16)
    labels = [
        {"clip_id": "songs-000000", "split": "train"},
        {"clip_id": "songs-000001", "split": "validation"},
    ]
    data = by_score(STRONGEST, Activations(values, labels, {}), "second")
    for split in ("train", "validation"):
        assert 8 <= len(data.x[split]) <= 12
        assert (data.y[split].sum(1) == 1).all()
    assert torch.equal(data.x["train"][0], torch.from_numpy(values[0, 0].astype(np.float32)))


def test_triads_are_told_by_what_sounds():
    """C and E over G is C major; a cluster and a rest are no triad."""
    place = TRIAD.place
    weights = np.zeros(12)
    assert place(weights) == -1
    weights[[0, 4, 7]] = 1.0, 1.0, 2.0
    assert TRIAD_NAMES[place(weights)] == "C major"
    weights[[3, 4]] = 1.0, 0.0
    assert TRIAD_NAMES[place(weights)] == "C minor"
    weights[:] = 1.0
    assert place(weights) == -1
    weights[:] = np.isin(np.arange(12), (0, 3, 6))
    assert place(weights) == -1


def test_banks_go_up_and_come_down_without_code(tmp_path, monkeypatch):
    import huggingface_hub

    toy = toy_bank(toy_model(), ("C", "D"))
    toy.save(tmp_path / "here" / "notes")
    (tmp_path / "here" / "notes" / "evil.py").write_text("raise SystemExit")
    sent = {}

    class Api:
        def create_repo(self, repo_id, **_):
            return f"https://hub/{repo_id}"

        def upload_folder(self, **options):
            sent.update(options)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(BadInput, match="no Hugging Face token"):
        hub.push(tmp_path / "here", "you/banks")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "x")
    assert hub.push(tmp_path / "here", "you/banks") == "https://hub/you/banks"
    assert not any("*.py" in p or p == "*" for p in sent["allow_patterns"])
    assert "README.md" in sent["allow_patterns"]
    assert "| notes | C, D |" in (tmp_path / "here" / "README.md").read_text()

    def download(repo_id, *, local_dir, **_):
        toy.save(local_dir / "notes")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    pulled = hub.pull("you/banks", tmp_path / "there")
    assert torch.equal(pulled[0]["C"].vectors, load_bank(tmp_path / "here" / "notes")["C"].vectors)
    with pytest.raises(BadInput, match="owner/name"):
        hub.pull("banks", tmp_path / "there")
    with pytest.raises(BadInput, match="holds no bank"):
        hub.push(tmp_path / "nothing", "you/banks")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["convert", "{home}/model", "{home}/out", "--to", "transformers"], "needs --like"),
        (["convert", "{home}/model", "{home}/model", "--to", "audiocraft"], "is not empty"),
        (["convert", "{home}/model", "{home}/out", "--to", "audiocraft"], "sketch_codec codec"),
        (
            ["convert", "{home}", "{home}/out", "--to", "transformers", "--like", "{home}/model"],
            "no state_dict.bin",
        ),
        (["banks", "--families", "smells"], "no family 'smells'"),
        (["banks", "--methods", "guess"], "no method 'guess'"),
        (["bank", "pull", "{home}/x", "noname"], "owner/name"),
    ],
)
def test_bad_input_is_one_line(place, arguments, message, capsys):
    assert run(place, *arguments) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_decoder_goes_to_audiocraft_and_comes_back(place, capsys):
    """The names of one library's weights, saved as its checkpoint, turned back into the other's."""
    from steering.models.convert import to_audiocraft_names

    model = load_model(str(place / "model")).model
    state = to_audiocraft_names(model.decoder.state_dict())
    projection = "condition_provider.conditioners.description.output_proj."
    state = {name: weight + 0.5 for name, weight in state.items()}
    for part in ("weight", "bias"):
        state[projection + part] = getattr(model.enc_to_dec_proj, part).data - 0.5
    (place / "lm").mkdir()
    torch.save({"xp.cfg": "", "best_state": state}, place / "lm" / "state_dict.bin")
    command = ("convert", "{home}/lm", "{home}/back", "--to", "transformers")
    assert run(place, *command, "--like", "{home}/model") == 0
    back = load_model(str(place / "back")).model
    assert torch.allclose(back.decoder.lm_heads[1].weight, model.decoder.lm_heads[1].weight + 0.5)
    assert torch.allclose(back.enc_to_dec_proj.bias, model.enc_to_dec_proj.bias - 0.5)
    (place / "lm" / "state_dict.bin").write_bytes(b"nothing")
    assert run(place, *command[:2], "{home}/again", *command[3:], "--like", "{home}/model") == 2
    assert "damaged" in capsys.readouterr().err


def test_classes_that_too_few_clips_have_are_left_out_with_their_rows():
    y = torch.nn.functional.one_hot(torch.tensor([0, 1, 2] * 5 + [3])).float()
    fewer = torch.nn.functional.one_hot(torch.tensor([0, 1, 3] * 4 + [2])).float()
    x = torch.arange(16.0)[:, None, None]
    full = Table(
        {"train": x, "validation": x[:13]}, {"train": y, "validation": fewer}, ("C", "D", "E", "F"),
        "classification",
    )  # fmt: skip
    kept = full.enough()
    assert kept.concepts == ("C", "D") and kept.x["train"].flatten().tolist()[:4] == [0, 1, 3, 4]
    assert kept.y["validation"].shape == (8, 2) and (kept.y["train"].sum(1) == 1).all()


def test_seconds_are_numbered_as_the_concepts_that_are_left():
    training = get_family("notes_in_scores").training
    labels = ({"clip_id": "songs-000000"}, {"clip_id": "songs-000001"})
    store = Activations(np.zeros((2, 12, 1, 4), np.float16), labels, {})
    every = places_of(training, store, PITCH_CLASSES)
    missing = PITCH_CLASSES[every.max()]
    left = [name for name in PITCH_CLASSES if name != missing]
    for before, after in zip(
        every.flatten(), places_of(training, store, left).flatten(), strict=True
    ):
        name = None if before < 0 else PITCH_CLASSES[before]
        assert (name in (None, missing)) if after < 0 else left[after] == name


def test_banks_that_need_an_extra_are_made_where_they_are_named_alone():
    assert "notes_in_scores" in families() and "notes_in_scores" not in usual_families()
    assert {"notes", "notes_in_songs", "tempos"} < set(usual_families())
