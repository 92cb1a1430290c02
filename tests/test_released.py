"""Every family as its reader meets it: Croissant's description, the card's snippets, the datasheet."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import datasets.config
import mlcroissant
import numpy as np
import pytest
import torch

from curation.build import build
from curation.card import OVERVIEW_FILE, size_category
from curation.card_files import release, write_card
from curation.concepts import families
from curation.croissant import CROISSANT_FILE
from curation.datasheet import DATASHEET_FILE
from curation.folder import Built, decode, open_built
from curation.hub import CARD_FILE
from curation.recipe import make_recipe
from curation.release import Release
from curation.snippets import FOLDER, PLACE

ASKED_BY_NEURIPS = (
    "rai:dataLimitations",
    "rai:dataBiases",
    "rai:personalSensitiveInformation",
    "rai:dataUseCases",
    "rai:dataSocialImpact",
    "rai:hasSyntheticData",
    "prov:wasDerivedFrom",
    "prov:wasGeneratedBy",
)


@pytest.fixture(scope="module", params=families())
def small(request, tmp_path_factory) -> Built:
    """A few clips of each family in turn, with their card."""
    folder = tmp_path_factory.mktemp("released") / request.param
    recipe, fonts = make_recipe(request.param, "tiny", clips=4)
    build(recipe, folder, fonts)
    (folder / OVERVIEW_FILE).touch()  # or it would be drawn
    write_card(open_built(folder))
    return open_built(folder)


@pytest.fixture
def notes(notes_build, tmp_path) -> Built:
    shutil.copytree(notes_build.folder, tmp_path / "notes")
    (tmp_path / "notes" / OVERVIEW_FILE).touch()
    return open_built(tmp_path / "notes")


def clean(folder: Path, **options) -> mlcroissant.Dataset:
    described = mlcroissant.Dataset(str(folder / CROISSANT_FILE), **options)
    issues = described.metadata.ctx.issues
    assert not issues.errors and not issues.warnings
    return described


def test_croissant_is_clean_and_reads_the_rows(small):
    described = clean(small.folder)
    read = {
        record[f"{shard.split}/clip_id"].decode(): (shard.split, record)
        for shard in small.shards
        for record in described.records(shard.split)
    }
    classes = {
        name: [record[f"{name}_classes/name"] for record in described.records(f"{name}_classes")]
        for name, label in small.family.labels.items()
        if label.classes
    }
    count = 0
    for shard in small.shards:
        for row in small.rows_of(shard, heavy=True):
            split, record = read[row["clip_id"]]
            assert split == shard.split
            assert record[f"{split}/audio"] == row.pop("audio")["bytes"]
            assert record[f"{split}/midi"] == row.pop("midi")
            row["random_split"] = ("train", "validation", "test").index(row["random_split"])
            for name, value in row.items():
                there = record[f"{split}/{name}"]
                there = classes[name][there] if name in classes else there
                assert (there.decode() if isinstance(there, bytes) else there) == value, name
            count += 1
    assert count == len(read) == sum(report.rows for report in small.reports) > 0


def test_croissant_says_what_is_asked_of_responsible_data(small):
    told = json.loads((small.folder / CROISSANT_FILE).read_text())
    assert all(told[name] for name in ASKED_BY_NEURIPS)
    shards = [part for part in told["distribution"] if "sha256" in part]
    assert [part["@id"] for part in shards] == [shard.file_name for shard in small.shards]
    for limit in small.family.limits:
        assert limit in told["rai:dataLimitations"]
    fields = {field["name"] for field in told["recordSet"][-1]["field"]}
    _, row = next(small.rows())
    assert fields == {*row, "audio", "midi"}


def test_the_cards_snippets_load_the_clips(small, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    card = (small.folder / CARD_FILE).read_text()
    blocks = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(blocks) == 3
    train = small.shards[0]
    row = next(small.rows_of(train, heavy=True))
    heard, rate = decode(row["audio"])
    target, by_library = small.family.target, []
    for block in blocks:
        assert PLACE in block or FOLDER in block
        names: dict = {}
        exec(block.replace(PLACE, str(small.folder)).replace(FOLDER, str(small.folder)), names)
        by_library.append(names)
    by_datasets, by_pandas, by_torch = by_library
    assert by_datasets["label"] == row[target]
    assert np.array_equal(by_datasets["sound"][0].numpy() * 32768, heard)
    assert np.array_equal(by_pandas["sound"] * 32768, heard) and by_pandas["rate"] == rate
    assert by_pandas["table"]["caption"][0] == row["caption"]
    sound, numbers = by_torch["sound"], by_torch["target"]
    assert sound.shape == (small.reports[0].rows, len(heard))
    place = small.family.labels[target].classes.index(row[target])
    same = [
        n for s, n in zip(sound, numbers, strict=True) if torch.equal(s, by_datasets["sound"][0])
    ]
    assert place in same
    shapes = re.findall(r"# \[(?:1, |16, )?(\d+)\]", card)
    assert shapes == [str(len(heard))] * 3


def test_the_datasheet_answers_every_question_with_the_clips_own_numbers(small):
    sheet = (small.folder / DATASHEET_FILE).read_text()
    sections = re.findall(r"^## (.+)$", sheet, re.MULTILINE)
    assert sections == [
        "Motivation",
        "Composition",
        "Collection",
        "Preprocessing and labelling",
        "Uses",
        "Distribution",
        "Maintenance",
    ]
    asked = re.findall(r"^\*\*(.+\?)\*\* (.*)$", sheet, re.MULTILINE)
    assert len(asked) >= 20 and all(len(answer) > 1 for _, answer in asked)
    rows = sum(report.rows for report in small.reports)
    assert dict(asked)["How many are there?"].startswith(f"{rows} (")
    assert small.family.grouping in sheet


def test_a_published_set_is_cited_found_and_described_by_its_release(notes):
    published = Release("1.2.0", "you/notes", "10.57967/hf/1234", "2027-01-31")
    release(notes, published)
    card = (notes.folder / CARD_FILE).read_text()
    assert 'load_dataset("you/notes")' in card
    assert 'snapshot_download("you/notes", repo_type="dataset")' in card
    for entry in ("doi = {10.57967/hf/1234}", "version = {1.2.0}", "year = {2027}"):
        assert entry in card
    assert "https://doi.org/10.57967/hf/1234" in (notes.folder / DATASHEET_FILE).read_text()
    described = clean(notes.folder, mapping={"repo": notes.folder})
    assert described.metadata.version == "1.2.0"
    assert next(iter(described.records("train")))["train/caption"]
    told = json.loads((notes.folder / CROISSANT_FILE).read_text())
    addresses = [part.get("contentUrl", "") for part in told["distribution"]]
    assert addresses[0].endswith("/tree/refs%2Ftags%2Fv1.2.0")
    assert f"/resolve/v1.2.0/{notes.shards[0].file_name}" in addresses[1]
    assert asdict(published) == json.loads((notes.folder / "facts.json").read_text())["release"]


def test_croissants_digests_are_those_that_were_written_with_the_build(small):
    told = json.loads((small.folder / CROISSANT_FILE).read_text())
    digests = {p["@id"]: p["sha256"] for p in told["distribution"] if p["@id"].startswith("data/")}
    sums = dict(
        line.split("  ")[::-1] for line in (small.folder / "SHA256SUMS").read_text().splitlines()
    )
    assert digests.items() <= sums.items()


@pytest.mark.parametrize(
    ("clips", "tag"),
    [
        (1, "n<1K"),
        (999, "n<1K"),
        (1_000, "1K<n<10K"),
        (99_999, "10K<n<100K"),
        (999_999, "100K<n<1M"),
        (1_000_000, "1M<n<10M"),
        (10**7, "10M<n<100M"),
        (10**9, "1B<n<10B"),
        (10**12, "n>1T"),
    ],
)
def test_the_size_tag_is_the_hubs(clips, tag):
    assert size_category(clips) == tag
