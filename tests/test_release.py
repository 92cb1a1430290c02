"""Versions, DOIs, citations and digests."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from curation.build import build
from curation.card import OVERVIEW_FILE
from curation.checks import check
from curation.checksums import SUMS_FILE, changed, read_sums
from curation.cli import main
from curation.errors import BadInput
from curation.folder import open_built
from curation.recipe import FORMAT, make_recipe
from curation.release import AUTHORS, DATE, Release, read_release

ROOT = Path(__file__).parents[1]


@pytest.fixture
def copy(notes_build, tmp_path):
    shutil.copytree(notes_build.folder, tmp_path / "copy")
    (tmp_path / "copy" / OVERVIEW_FILE).touch()  # or a check would draw it
    return open_built(tmp_path / "copy")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"version": "1.0"}, "is no version: give three numbers, the first 1"),
        ({"version": "2.0.0"}, "the first 1"),
        ({"version": "1.0.0\n"}, "is no version"),
        ({"version": "1.01.0"}, "is no version"),
        ({"doi": "https://doi.org/10.1/2"}, "is no DOI: give one as"),
        ({"doi": "10.5281/zen odo"}, "is no DOI"),
        ({"repo": "notes"}, "write it as owner/name"),
        ({"date": "yesterday"}, "is no date"),
    ],
)
def test_what_no_release_can_have_is_one_line(entries, message):
    with pytest.raises(BadInput, match=message) as told:
        Release(**entries)
    assert "\n" not in str(told.value)


def test_the_first_version_is_the_recipes_format():
    assert Release().version == f"{FORMAT}.0.0" and Release().tag == f"v{FORMAT}.0.0"


def test_a_damaged_release_is_one_line(tmp_path):
    assert read_release(tmp_path) == Release()
    for content in ("[]", "{", '{"version": 1}', '{"version": "one"}', '{"colour": "red"}'):
        (tmp_path / "release.json").write_text(content)
        with pytest.raises(BadInput, match=r"release\.json is damaged or of another version"):
            read_release(tmp_path)


def test_the_citation_file_is_of_this_version_and_these_authors():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "software"
    assert {"message", "title", "authors", "abstract"} <= cited.keys()
    assert cited["version"] == project["version"] and cited["license"] == project["license"]
    assert str(cited["date-released"]) == DATE
    assert cited["authors"] == [{"name": AUTHORS}]
    assert AUTHORS in (ROOT / "LICENSE").read_text()


def test_sha256sum_reads_the_digests(copy):
    done = subprocess.run(
        ["sha256sum", "-c", SUMS_FILE], cwd=copy.folder, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.count(": OK") == len(copy.shards) + 2


def test_a_check_finds_what_is_not_what_was_written(copy):
    assert check(copy, listen=0).passed
    path = copy.folder / "dropped.json"
    path.write_text(path.read_text() + " ")
    assert changed(copy.folder) == ["dropped.json"]
    audit = check(copy, listen=0)
    assert audit.faults == [
        "1 files are not what SHA256SUMS says, such as dropped.json: remove it and build again"
    ]
    path.unlink()
    assert changed(copy.folder) == ["dropped.json"]


def test_building_again_does_not_bless_a_shard_that_changed(copy):
    first = copy.folder / copy.shards[0].file_name
    before = read_sums(copy.folder)
    first.write_bytes(first.read_bytes().replace(b"fLaC", b"fLaK", 1))
    fonts = dict(make_recipe("notes", "tiny")[1])
    assert build(copy.recipe, copy.folder, fonts).reused == len(copy.shards)
    assert read_sums(copy.folder) == before
    assert changed(copy.folder) == [copy.shards[0].file_name]
    first.unlink()
    build(copy.recipe, copy.folder, fonts)
    assert changed(copy.folder) == []


def test_a_build_without_digests_is_noted_and_damaged_ones_are_one_line(copy, capsys):
    sums = copy.folder / SUMS_FILE
    sums.unlink()
    assert "there is no SHA256SUMS: the build command writes it" in check(copy, listen=0).notes
    sums.write_text("all is well\n")
    assert main(["check", str(copy.folder), "--listen", "0"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "SHA256SUMS is damaged: remove it" in error


class Hub:
    """A Hub that keeps what it is sent in a dictionary."""

    tags: tuple[str, ...] = ()
    calls: list = []  # noqa: RUF012

    def create_repo(self, repo_id, **options):
        return f"page of {repo_id}"

    def list_repo_refs(self, repo_id, **options):
        class Refs:
            tags = [type("Ref", (), {"name": name}) for name in Hub.tags]  # noqa: RUF012

        return Refs

    def upload_folder(self, **options):
        Hub.calls.append(("upload", options["commit_message"], options["allow_patterns"]))

    def create_tag(self, repo_id, *, tag, **options):
        Hub.calls.append(("tag", tag))
        Hub.tags = (*Hub.tags, tag)


@pytest.fixture
def hub(monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "a token")
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    monkeypatch.setattr(Hub, "tags", ())
    monkeypatch.setattr(Hub, "calls", [])
    return Hub


def test_each_publication_is_a_version_with_its_tag(copy, hub, capsys):
    folder = str(copy.folder)
    assert main(["check", folder, "--listen", "0"]) == 0
    assert main(["publish", folder, "--to", "you/notes"]) == 0
    (_, message, names), tag = hub.calls
    assert message == "Version 1.0.0" and tag == ("tag", "v1.0.0")
    assert {"croissant.json", "SHA256SUMS", "DATASHEET.md", "release.json"} <= set(names)
    capsys.readouterr()
    assert main(["publish", folder, "--to", "you/notes"]) == 2
    assert "you/notes has v1.0.0 already: publish under a higher" in capsys.readouterr().err
    doi = "10.57967/hf/1234"
    assert main(["publish", folder, "--to", "you/notes", "--version", "1.0.1", "--doi", doi]) == 0
    assert hub.tags == ("v1.0.0", "v1.0.1")
    assert f"doi = {{{doi}}}" in (copy.folder / "README.md").read_text()
    kept = json.loads((copy.folder / "release.json").read_text())
    assert (kept["version"], kept["doi"], kept["repo"]) == ("1.0.1", doi, "you/notes")


def test_what_is_not_sent_is_not_said_to_be_published(copy, monkeypatch, capsys):
    import huggingface_hub

    folder = str(copy.folder)
    main(["check", folder, "--listen", "0"])
    assert main(["publish", folder, "--to", "you/notes", "--dry-run", "--version", "1.1.0"]) == 0
    assert "you/notes, version 1.1.0" in capsys.readouterr().out
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert main(["publish", folder, "--to", "you/notes"]) == 2
    assert not (copy.folder / "release.json").exists()
    assert "you/notes" not in (copy.folder / "README.md").read_text()
