"""Recipes that carry a taught bank: they play where the bank was never seen, and stand in for no other."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch

from curation.errors import BadInput
from steering.api import load_bank, play, twins
from steering.cli import main
from steering.directions import hub
from steering.directions.bank import Bank
from steering.directions.bank_name import TAUGHT
from steering.directions.card import card
from steering.directions.carried import MOST_CARRIED, carried, named
from steering.directions.library import BANKS
from steering.directions.packed import pack
from steering.families import families
from steering.interventions.intervention import Intervention
from steering.recipes import Recipe, records
from tests.test_packed import exact
from tests.toy import toy_bank, toy_model

NAME = "own/staccato"


@pytest.fixture(scope="module")
def toy():
    return toy_model()


@pytest.fixture(scope="module")
def bank(toy) -> Bank:
    return exact(toy_bank(toy, ("staccato",)))


def recipe_of(model, *banks: Bank) -> Recipe:
    pushes = [Intervention(next(iter(one.values())), 0.8) for one in banks]
    return Recipe(
        "toy", model.origin.revision, "jazz", 0.4, interventions=records(pushes), banks=carried(banks)
    )  # fmt: skip


@pytest.fixture(scope="module")
def recipe(toy, bank) -> Recipe:
    return recipe_of(toy, named(bank))


def nothing_here(name: str) -> Bank:
    raise BadInput(f"no bank {name!r}")


def codes(recipe: Recipe, model, banks) -> torch.Tensor:
    return play(model, twins(recipe, model, banks), recipe.seconds)


def test_it_plays_where_the_bank_was_never_seen_as_with_the_banks_file(toy, bank, recipe, tmp_path):
    bank.save(tmp_path / "staccato")
    sent = Recipe.from_json(recipe.to_json())
    assert sent == recipe and [one.bank for one in sent.interventions] == [NAME]
    elsewhere = codes(sent, toy, nothing_here)
    here = replace(recipe, banks={})
    assert torch.equal(
        elsewhere, codes(here, toy, lambda _: load_bank(str(tmp_path / "staccato"), toy))
    )
    assert not torch.equal(elsewhere[:1], elsewhere[1:])


def test_a_recipe_without_such_banks_says_nothing_of_them(toy, recipe):
    least = replace(recipe, banks={})
    assert "banks" not in least.record() and "banks" in recipe.record()
    shipped = replace(toy_bank(toy, ("C",)), source="notes/ridge")
    assert carried([shipped]) == {}


def test_the_carried_bank_comes_before_another_of_its_name(toy, bank, recipe):
    other = replace(exact(toy_bank(toy, ("staccato",), seed=1)), source=NAME)
    assert not torch.equal(other["staccato"].vectors, bank["staccato"].vectors)
    assert torch.equal(codes(recipe, toy, lambda _: other), codes(recipe, toy, nothing_here))


def test_a_large_bank_is_known_by_its_seal(toy, tmp_path):
    """A trained bank stays in its folder: once it is trained again, the old recipe does not play the new one."""
    trained, again = toy_bank(toy, ("C",)), toy_bank(toy, ("C",), seed=1)
    folder = str(tmp_path / "notes")
    trained.save(tmp_path / "notes")
    one = load_bank(folder, toy)
    assert named(one) is one
    recipe = recipe_of(toy, one)
    assert recipe.banks == {folder: trained.seal}
    recipe.check(lambda name: load_bank(name, toy))
    again.save(tmp_path / "notes")
    with pytest.raises(BadInput, match="is not the one that the recipe was played with"):
        recipe.check(lambda name: load_bank(name, toy))


def test_two_banks_of_one_name_are_told_apart(toy, bank):
    other = exact(toy_bank(toy, ("staccato",), seed=1))
    assert len(carried([named(bank), named(bank)])) == 1
    with pytest.raises(BadInput, match="two banks are called 'own/staccato': rename one"):
        carried([named(bank), named(other)])


def test_no_bank_of_a_model_is_called_as_taught_ones_are():
    assert TAUGHT not in families()
    assert not list(BANKS.glob(f"*/{TAUGHT}"))


def said(recipe: Recipe, banks: object, **entries) -> str:
    return json.dumps(recipe.record() | {"banks": banks} | entries)


REFUSED = {
    "a list": (lambda text: [text], "banks must be an object"),
    "a number": (lambda text: {NAME: 3}, "banks's own/staccato must be text"),
    "a shipped name": (lambda text: {"notes/ridge": text}, "called 'notes/ridge': only taught ones"),
    "a path": (lambda text: {"/etc/x": text}, "is no bank's name|only taught ones"),
    "climbing": (lambda text: {"own/../x": text}, "is no bank's name"),
    "no seal": (lambda text: {NAME: text.split(".")[1]}, "'own/staccato' has no seal"),
    "an empty one": (lambda text: {NAME: ""}, "'own/staccato' has no seal"),
    "too many": (
        lambda text: {f"own/{n}": text for n in range(MOST_CARRIED + 1)}, "more than 6 banks",
    ),
    "too long": (lambda text: {NAME: text + "A" * 40_000}, "more than 6 banks or 40,000"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_recipe_may_not_carry_is_refused_as_it_is_read(bank, recipe, case):
    banks, message = REFUSED[case]
    with pytest.raises(BadInput, match=message) as no:
        Recipe.from_json(said(recipe, banks(pack(bank))))
    assert "\n" not in str(no.value)


UNPLAYABLE = {
    "cut off": (lambda text: text[:-40], "is damaged"),
    "changed": (lambda text: text[:100] + text[101:] + "A", "is damaged"),
    "its seal alone": (lambda text: text.split(".")[0], "no bank 'own/staccato'"),
}


@pytest.mark.parametrize("case", UNPLAYABLE)
def test_what_is_carried_and_damaged_is_told_before_anything_is_played(bank, recipe, case):
    damage, message = UNPLAYABLE[case]
    sent = Recipe.from_json(said(recipe, {NAME: damage(pack(bank))}))
    with pytest.raises(BadInput, match=message):
        sent.check(nothing_here)


def test_a_recipe_without_its_bank_is_told_as_ever(recipe):
    with pytest.raises(BadInput, match="no bank 'own/staccato'"):
        Recipe.from_json(said(recipe, {})).check(nothing_here)


def test_a_bank_of_another_model_is_told(toy, bank, recipe):
    strange = replace(toy.origin, revision="another")
    directions = {name: replace(one, origin=strange) for name, one in bank.items()}
    other = pack(replace(bank, origin=strange, directions=directions))
    with pytest.raises(
        BadInput, match=r"'own/staccato' is for toy \(another\), the recipe for toy"
    ):
        Recipe.from_json(said(recipe, {NAME: other})).check(nothing_here)
    misshapen = replace(toy.origin, size=16)
    small = {
        name: replace(one, origin=misshapen, vectors=torch.eye(2, 16)) for name, one in bank.items()
    }
    other = pack(replace(bank, origin=misshapen, directions=small))
    with pytest.raises(BadInput, match="was made for toy"):
        codes(Recipe.from_json(said(recipe, {NAME: other})), toy, nothing_here)


def test_the_command_writes_a_recipe_that_needs_no_folder(toy, bank, tmp_path, monkeypatch, capsys):
    """Taught here, sent as one file, played there: the same sound, bit for bit."""
    monkeypatch.setattr("steering.models.load_model", lambda *_: toy)
    folder = tmp_path / "taught" / "staccato"
    bank.save(folder)
    steer = ("--bank", str(folder), "--steer", "staccato=0.8", "--seconds", "0.4")
    assert main(["generate", "jazz", *steer, "--out", str(tmp_path / "a")]) == 0
    kept = json.loads((tmp_path / "a" / "recipe.json").read_text())
    assert kept["interventions"][0]["bank"] == NAME and str(tmp_path) not in json.dumps(kept)
    shutil.rmtree(tmp_path / "taught")
    replay = ("--recipe", str(tmp_path / "a" / "recipe.json"), "--out", str(tmp_path / "b"))
    assert main(["generate", *replay]) == 0
    for name in ("steered.wav", "unsteered.wav", "recipe.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    del kept["banks"]
    (tmp_path / "a" / "recipe.json").write_text(json.dumps(kept))
    assert main(["generate", *replay]) == 2
    assert capsys.readouterr().err.count("no bank 'own/staccato'") == 1


def test_what_a_recipe_carries_is_kept_as_the_folder_that_it_came_from(
    bank, recipe, tmp_path, capsys
):
    bank.save(tmp_path / "mine")
    (tmp_path / "recipe.json").write_text(recipe.to_json())
    keep = ("bank", "keep", str(tmp_path / "kept"), str(tmp_path / "recipe.json"))
    assert main(list(keep)) == main(list(keep)) == 0
    for name in ("directions.json", "directions.safetensors"):
        kept = (tmp_path / "kept" / "staccato" / name).read_bytes()
        assert kept == (tmp_path / "mine" / name).read_bytes()
    replace(bank, facts={}).save(tmp_path / "kept" / "staccato")
    assert main(list(keep)) == 2
    assert "holds another bank: choose another folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["own/..", "own/.ssh", "own/a\\b", "own/"])
def test_a_recipe_chooses_no_folder_to_write_to(bank, recipe, tmp_path, capsys, name):
    part = recipe.record()["interventions"][0] | {"bank": name}
    text = said(recipe, {name: pack(bank)}, interventions=[part])
    (tmp_path / "recipe.json").write_text(text)
    keep = ("bank", "keep", str(tmp_path / "in" / "kept"), str(tmp_path / "recipe.json"))
    assert main(list(keep)) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "in").exists()


def test_a_renamed_concept_keeps_its_vectors_and_plays_as_before(toy, bank, tmp_path, capsys):
    folder = tmp_path / "staccato"
    bank.save(folder)
    assert main(["bank", "rename", str(folder), "short notes"]) == 0
    assert (
        f"short notes, once staccato; vectors {bank.fingerprint} as before"
        in capsys.readouterr().out
    )
    again = load_bank(str(folder), toy)
    assert list(again) == ["short notes"] and again.fingerprint == bank.fingerprint
    assert again.seal != bank.seal and named(again).source == "own/short notes"
    before, after = (codes(recipe_of(toy, named(one)), toy, nothing_here) for one in (bank, again))
    assert torch.equal(before, after)


def test_one_of_several_concepts_is_renamed_in_its_place(toy, tmp_path, capsys):
    toy_bank(toy, ("C", "D", "E")).save(tmp_path)
    for options, message in (
        (["x"], "3 concepts: say which with --concept"),
        (["E", "--concept", "D"], "has a concept 'E' already"),
        (["x", "--concept", "H"], "no concept 'H'"),
        (["../x", "--concept", "D"], "is no name"),
        ([], "bank rename FOLDER NAME"),
    ):
        assert main(["bank", "rename", str(tmp_path), *options]) == 2
        assert message in capsys.readouterr().err
    assert main(["bank", "rename", str(tmp_path), "x", "--concept", "D"]) == 0
    again = load_bank(str(tmp_path), toy)
    assert list(again) == ["C", "x", "E"]
    assert torch.equal(again["x"].vectors, toy_bank(toy, ("C", "D", "E"))["D"].vectors)


FACTS = {
    "clips": 5,
    "against": "30 of the neutral clips",
    "verdict": {"auc": {"mean": 0.98, "low": 0.9, "high": 1.0}, "p": 0.001},
    "trials": {"chosen": {"strength": 0.09}},
}


def test_the_card_says_what_a_concept_was_taught_from(bank):
    text = card({"staccato": replace(bank, facts=FACTS)}, "you/staccato")
    (row,) = [line for line in text.splitlines() if line.startswith("| staccato")]
    assert "5 clips against 30 of the neutral clips; AUC 0.98 (0.9 to 1) of clips held out" in row
    assert bank.fingerprint in row and "strength 0.09" in row
    assert "bank pull you/staccato build/staccato" in text
    assert "--bank build/staccato/staccato" in text


@pytest.mark.parametrize(
    "facts", [{}, {"verdict": 3}, {"verdict": {"auc": {"mean": "x"}}, "clips": "|\n<b>"}]
)
def test_a_card_is_made_of_whatever_a_bank_says(bank, facts):
    rows = [
        line for line in card({".": replace(bank, facts=facts)}, "a/b").splitlines() if "|" in line
    ]
    assert len(rows) == 3 and "<b>" not in rows[-1]


def test_words_of_ones_own_stay_on_the_card(bank, tmp_path, monkeypatch):
    monkeypatch.setattr("curation.repository.upload", lambda *_, **__: "page")
    bank.save(tmp_path)
    hub.push(tmp_path, "you/staccato")
    first = (tmp_path / "README.md").read_text()
    replace(bank, facts=FACTS).save(tmp_path)
    hub.push(tmp_path, "you/staccato")
    second = (tmp_path / "README.md").read_text()
    assert first != second and "strength 0.09" in second
    (tmp_path / "README.md").write_text("mine")
    hub.push(tmp_path, "you/staccato")
    assert (tmp_path / "README.md").read_text() == "mine"
