"""Exports: the same clips, the same bytes each time, read back by the library that they are for."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from pathlib import Path

import pretty_midi
import pytest
import webdataset

from curation.checksums import changed
from curation.cli import main
from curation.exports import EXPORTS, export
from curation.folder import HEAVY


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_webdataset_reads_every_clip_back(notes_build, tmp_path):
    assert export(notes_build, "webdataset", tmp_path) == len(notes_build.shards)
    for shard in notes_build.shards:
        tar = tmp_path / f"{Path(shard.file_name).stem}.tar"
        rows = list(notes_build.rows_of(shard, heavy=True))
        samples = list(webdataset.WebDataset(str(tar), shardshuffle=False))
        assert [sample["__key__"] for sample in samples] == [row["clip_id"] for row in rows]
        for sample, row in zip(samples, rows, strict=True):
            assert sample["flac"] == row["audio"]["bytes"] and sample["mid"] == row["midi"]
            told = json.loads(sample["json"])
            assert told.pop("split") == shard.split
            assert told == {name: value for name, value in row.items() if name not in HEAVY}
            score = pretty_midi.PrettyMIDI(io.BytesIO(sample["mid"]))
            assert {note.pitch for note in score.instruments[0].notes} == {told["pitch"]}
    assert changed(tmp_path) == []


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_export_is_the_same_each_time_and_goes_on_where_it_was_stopped(
    kind, notes_build, tmp_path
):
    counted: list[int] = []
    export(notes_build, kind, tmp_path / "a", counted.append)
    assert sum(counted) == sum(report.rows for report in notes_build.reports)
    whole = digests(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for name in list(whole)[::2]:
        if name != "export.json":
            (tmp_path / "b" / name).unlink()
    export(notes_build, kind, tmp_path / "b")
    assert digests(tmp_path / "b") == whole


@pytest.mark.parametrize("kind", EXPORTS)
def test_what_is_there_is_not_written_over(kind, notes_build, tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    command = ["export", str(notes_build.folder), "--as", kind, "--out"]
    for taken in (tmp_path, notes_build.folder, tmp_path / "thesis.txt"):
        assert main([*command, str(taken)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "with --out" in error
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_two_exports_do_not_mix(notes_build, tmp_path, capsys):
    command = ["export", str(notes_build.folder), "--out", str(tmp_path / "there"), "--as"]
    assert main([*command, "webdataset"]) == 0
    assert main([*command, "mirdata"]) == 2
    assert "holds something else" in capsys.readouterr().err
