"""Cards say what the data holds, and staleness is noticed."""

from __future__ import annotations

import json
import shlex
import shutil
import tomllib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml
from huggingface_hub import DatasetCard

from curation import answers, card_files
from curation.build import build
from curation.card import card
from curation.card_files import adopt, rewrite, stale, write_card
from curation.checks import check
from curation.cli import _parser
from curation.concepts import families
from curation.entries import read_fields
from curation.errors import BadInput
from curation.facts import gather
from curation.folder import Built, Damaged, open_built
from curation.preview import log_mel, pick_clips
from curation.recipe import make_recipe


def test_a_card_counts_what_is_there_and_the_hub_reads_its_head(notes_build, tmp_path):
    shutil.copytree(notes_build.folder, tmp_path / "copy")
    built = open_built(tmp_path / "copy")
    check(built, listen=5)
    write_card(built)
    text = (built.folder / "README.md").read_text()
    head = DatasetCard(text).data.to_dict()
    assert head["license"] == "cc-by-4.0"
    assert head["configs"][0]["data_files"][0] == {"split": "train", "path": "data/train-*.parquet"}
    rows = list(built.rows(["pitch_class"]))
    assert f"{len(rows):,} clips of 4 s" in text
    value = rows[0][1]["pitch_class"]
    counts = [
        sum(r["pitch_class"] == value and s == split for s, r in rows)
        for split in ("train", "validation", "test")
    ]
    assert f"| {value} | {counts[0]} | {counts[1]} | {counts[2]} |" in text
    assert "FluidR3_GM.sf2" in text and "MIT" in text
    assert "Labels heard again" in text
    assert (built.folder / "overview.png").stat().st_size > 10_000


def test_a_repaired_build_loses_the_fault_of_its_card(notes_build, tmp_path):
    shutil.copytree(notes_build.folder, tmp_path / "copy")
    built = open_built(tmp_path / "copy")
    write_card(built)
    shard = built.folder / built.shards[0].file_name
    sound = shard.read_bytes()
    place = sound.index(b"fLaC") + 5000
    shard.write_bytes(sound[:place] + b"\0" * 64 + sound[place + 64 :])
    assert not check(built, listen=0).passed
    write_card(built)
    assert "damaged" in (built.folder / "README.md").read_text()
    shard.unlink()
    build(built.recipe, built.folder, dict(make_recipe("notes", "tiny")[1]))
    write_card(built)
    text = (built.folder / "README.md").read_text()
    assert "## Checked" not in text and "damaged" not in text
    check(built, listen=0)
    write_card(built)
    assert "- No fault found." in (built.folder / "README.md").read_text()


def test_a_build_whose_labels_cannot_be_read_has_no_card(notes_build, tmp_path, monkeypatch):
    shutil.copytree(notes_build.folder, tmp_path / "copy")
    built = open_built(tmp_path / "copy")
    write_card(built)

    def damaged(*arguments):
        raise Damaged("a shard is damaged: remove it")

    monkeypatch.setattr(Built, "rows", damaged)
    with pytest.raises(Damaged):
        write_card(built)
    assert not (built.folder / "README.md").exists()


def test_a_size_is_written_in_the_unit_that_fits(notes_build):
    text = card(notes_build.family, gather(notes_build, None))
    assert " MB), 32,000 Hz" in text and "(0.0" not in text and " minutes, " in text


@pytest.mark.parametrize("facts", ["[]", "{}", '{"recipe": 3}', "[" * 10_000, "\udcff"])
def test_damaged_facts_are_one_line(facts, tmp_path):
    home = tmp_path / "notes"
    home.mkdir()
    (home / card_files.FACTS_FILE).write_bytes(facts.encode("utf-8", "surrogateescape"))
    for ask in (stale, rewrite):
        with pytest.raises(BadInput, match=r"facts\.json is damaged: restore it from git"):
            ask(tmp_path)
    with pytest.raises(BadInput, match="at the root of the clone"):
        stale(tmp_path / "nowhere")


def test_a_card_that_was_edited_by_hand_is_stale(notes_build, tmp_path):
    shutil.copytree(notes_build.folder, tmp_path / "copy")
    home = tmp_path / "datasets"
    adopt(tmp_path / "copy", home)
    others = {name for name in families() if name != "notes"}
    assert {name for name, _ in stale(home)} == others
    for page in ("README.md", "DATASHEET.md"):
        path = home / "notes" / page
        path.write_text(path.read_text().replace("notes", "nodes"))
        assert ("notes", "the card is stale: run `python -m curation card`") in stale(home)
        rewrite(home)
    assert {name for name, _ in stale(home)} == others


def test_facts_of_an_old_format_are_noticed(notes_build, tmp_path):
    shutil.copytree(notes_build.folder, tmp_path / "copy")
    home = tmp_path / "datasets"
    adopt(tmp_path / "copy", home)
    path = home / "notes" / card_files.FACTS_FILE
    facts = json.loads(path.read_text())
    facts["fingerprint"] = "0" * 64
    path.write_text(json.dumps(facts))
    rewrite(home)
    assert any(name == "notes" and "build the family anew" in why for name, why in stale(home))


def test_the_shipped_cards_are_current():
    assert stale(Path("datasets")) == []


def test_the_command_of_every_card_makes_the_recipe_that_it_is_of():
    for name, facts in card_files._facts(Path("datasets")):
        words = shlex.split(answers.command(facts))
        asked = read_options(words[3:])
        recipe, _ = make_recipe(name, **asked)
        assert recipe.fingerprint == facts["fingerprint"]
        kept = tomllib.loads((Path("datasets") / name / "recipe.toml").read_text())
        assert read_fields(make_recipe, kept)[0] == recipe


@pytest.mark.parametrize(
    "options",
    [
        {"preset": "tiny", "clips": 5},
        {"preset": "varied", "seed": 3},
        {"preset": "full", "split": "random", "sample_rate": 16_000},
        {"preset": "small", "vary": ("velocity", "tuning")},
        {"preset": "varied", "vary": ("reverb",)},
    ],
)
def test_the_command_says_whatever_was_asked_for(options):
    recipe, _ = make_recipe("notes", **options)
    asked = read_options(shlex.split(answers.command({"recipe": asdict(recipe)}))[3:])
    assert make_recipe("notes", **asked)[0] == recipe


def read_options(words: list[str]) -> dict:
    """What the command line makes of a build's words."""
    given = vars(_parser().parse_args(words))
    known = ("preset", "clips", "seed", "sample_rate", "split", "vary")
    return {name: given[name] for name in known if given[name] is not None}


def test_the_overview_shows_labels_in_order_and_its_spectrogram_the_pitch(notes_build):
    for picks in pick_clips(notes_build):
        labels = [pick.label for pick in picks]
        classes = notes_build.family.labels["pitch_class"].classes
        assert labels == sorted(labels, key=classes.index)
    tone = 8000 * np.sin(2 * np.pi * 1000 * np.arange(32_000) / 32_000)
    low = log_mel(tone.astype(np.int16), 32_000)
    high = log_mel(
        (8000 * np.sin(2 * np.pi * 4000 * np.arange(32_000) / 32_000)).astype(np.int16), 32_000
    )
    assert low.shape == (96, 51)
    assert low.mean(axis=1).argmax() < high.mean(axis=1).argmax()


def test_yaml_heads_are_valid_in_every_shipped_card():
    for name in families():
        text = (Path("datasets") / name / "README.md").read_text()
        head = yaml.safe_load(text.split("---")[1])
        assert head["pretty_name"] == families()[name].title
