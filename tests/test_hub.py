from __future__ import annotations

import shutil
from types import SimpleNamespace

import huggingface_hub
import pytest

from curation.card_files import write_card
from curation.checks import check
from curation.errors import BadInput
from curation.folder import open_built
from curation.hub import prepare, publish


@pytest.fixture
def checked(notes_build, tmp_path):
    shutil.copytree(notes_build.folder, tmp_path / "copy")
    built = open_built(tmp_path / "copy")
    check(built, listen=0)
    write_card(built)
    return built


def test_an_upload_holds_the_shards_and_the_card_and_nothing_else(checked):
    (checked.folder / "diary.txt").write_text("private")
    upload = prepare(checked, "someone/notes")
    names = {name for name, _ in upload.files}
    assert {shard.file_name for shard in checked.shards} < names
    assert {"README.md", "build.json", "dropped.json", "overview.png"} < names
    assert not {"diary.txt", ".lock"} & names
    assert upload.bytes == sum((checked.folder / name).stat().st_size for name in names)


def test_without_a_token_the_fix_is_named(checked, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(BadInput, match="run `hf auth login`"):
        publish(prepare(checked, "someone/notes"))


def test_publishing_uses_the_hubs_folder_upload_with_exactly_those_files(checked, monkeypatch):
    calls = {}

    class Hub:
        def create_repo(self, repo_id, **options):
            calls["repo"] = (repo_id, options)
            return f"page of {repo_id}"

        def list_repo_refs(self, repo_id, **options):
            return SimpleNamespace(tags=[])

        def upload_folder(self, **options):
            calls["upload"] = options

        def create_tag(self, repo_id, **options):
            calls["tag"] = (repo_id, options["tag"])

    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "a token")
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    upload = prepare(checked, "someone/notes")
    assert publish(upload, private=True) == "page of someone/notes"
    assert calls["repo"][1] == {"repo_type": "dataset", "private": True, "exist_ok": True}
    assert calls["tag"] == ("someone/notes", "v1.0.0")
    assert calls["upload"]["allow_patterns"] == [name for name, _ in upload.files]


def test_a_hub_out_of_reach_says_how_to_resume(checked, monkeypatch):
    class Hub:
        def create_repo(self, *arguments, **options):
            raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "a token")
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    with pytest.raises(BadInput, match="same command again to resume"):
        publish(prepare(checked, "someone/notes"))


def test_unchecked_and_failed_builds_stay_home(notes_build, checked):
    with pytest.raises(BadInput, match=r"no card|was not checked as it is"):
        prepare(notes_build, "someone/notes")
    for name in (
        "just-a-name",
        "../notes",
        "some/../notes",
        "someone/..",
        "sömeone/notes",
        "a/b\n",
        "you/no--tes",
        "you/" + "n" * 93,
    ):
        with pytest.raises(BadInput, match="owner/name"):
            prepare(checked, name)
    text = (checked.folder / "check.json").read_text()
    (checked.folder / "check.json").write_text(text.replace('"faults": []', '"faults": ["a leak"]'))
    with pytest.raises(BadInput, match=r"did not pass its check \(a leak\)"):
        prepare(checked, "someone/notes")


def test_shards_that_changed_since_their_check_stay_home(checked):
    path = checked.folder / checked.shards[0].file_name
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(BadInput, match=r"was not checked as it is: run `python -m curation check"):
        prepare(checked, "someone/notes")
