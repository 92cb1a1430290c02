"""Builds: the same bytes each time, however often they are killed, and nothing of use is lost."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile

import datasets
from curation import build as building
from curation import shards
from curation.build import build, read_recipe
from curation.errors import BadInput
from curation.folder import open_built
from curation.recipe import BuildRecipe, make_recipe, plan
from curation.spec import ClipSpec
from listening.theory import PITCH_CLASSES


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def tiny(family: str = "notes", **options) -> tuple[BuildRecipe, dict]:
    recipe, fonts = make_recipe(family, "tiny", **options)
    return recipe, dict(fonts)


def test_two_builds_give_the_same_bytes(tmp_path):
    recipe, fonts = tiny("chords", clips=12)
    for name in "ab":
        build(recipe, tmp_path / name, fonts)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert len(digest(tmp_path / "a")) >= 5


def test_worker_processes_and_any_executor_give_the_same_bytes(tmp_path):
    recipe, fonts = tiny("chords", clips=12)
    build(recipe, tmp_path / "here", fonts)
    build(recipe, tmp_path / "processes", fonts, workers=2)
    with ThreadPoolExecutor(1) as executor:
        build(recipe, tmp_path / "executor", fonts, executor=executor)
    assert digest(tmp_path / "here") == digest(tmp_path / "processes")
    assert digest(tmp_path / "here") == digest(tmp_path / "executor")


def test_a_build_killed_outright_goes_on_and_ends_with_the_same_bytes(tmp_path):
    command = [sys.executable, "-m", "curation", "build", "notes", "--clips", "700"]
    command += ["--workers", "2", "--out"]
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    subprocess.run([*command, str(undisturbed)], check=True, capture_output=True)
    process = subprocess.Popen(
        [*command, str(killed)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(killed.glob("data/*.part")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(killed.glob("data/*.part")), "the build was not killed half-way"
    assert not (killed / "README.md").exists()
    subprocess.run([*command, str(killed)], check=True, capture_output=True)
    assert digest(undisturbed) == digest(killed)


def test_finished_shards_are_reused_and_damaged_ones_made_again(notes_build, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(notes_build.folder, folder)
    before = digest(folder)
    first, second, *_ = [folder / shard.file_name for shard in notes_build.shards]
    first.write_bytes(first.read_bytes()[:-100])
    untouched = second.stat().st_mtime_ns
    report = build(notes_build.recipe, folder, dict(tiny()[1]))
    assert digest(folder) == before
    assert second.stat().st_mtime_ns == untouched
    assert report.reused == len(notes_build.shards) - 1


def test_another_recipes_folder_is_refused_and_left_alone(notes_build):
    before = digest(notes_build.folder)
    recipe, fonts = tiny(seed=7)
    with pytest.raises(BadInput, match=r"another recipe's build \(seed 0 instead of 7\)"):
        build(recipe, notes_build.folder, fonts)
    assert digest(notes_build.folder) == before


def test_a_folder_with_other_things_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    recipe, fonts = tiny()
    with pytest.raises(BadInput, match="holds no build"):
        build(recipe, tmp_path, fonts)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="is a file"):
        build(recipe, tmp_path / "file", fonts)


def test_two_builds_do_not_write_to_one_folder_at_once(tmp_path):
    recipe, fonts = tiny()
    with (
        building._claimed(tmp_path, recipe),
        pytest.raises(BadInput, match=rf"another build is writing to .* \(process {os.getpid()}\)"),
    ):
        build(recipe, tmp_path, fonts)


def test_a_full_disk_keeps_what_is_finished(tmp_path, monkeypatch):
    recipe, fonts = tiny("chords", clips=12)
    writes = []

    def fill_up(self, table):
        writes.append(table)
        if len(writes) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(self, table)

    original = shards.pq.ParquetWriter.write_table
    monkeypatch.setattr(shards.pq.ParquetWriter, "write_table", fill_up)
    with pytest.raises(BadInput, match=r"the disk is full.*1 of 3 shards are kept"):
        build(recipe, tmp_path / "full", fonts)
    monkeypatch.undo()
    assert not list(tmp_path.glob("full/data/*.part"))
    assert build(recipe, tmp_path / "full", fonts).reused == 1
    build(recipe, tmp_path / "empty", fonts)
    assert digest(tmp_path / "full") == digest(tmp_path / "empty")


def test_a_disk_too_small_is_seen_before_the_first_clip(tmp_path, monkeypatch):
    recipe, fonts = tiny()
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(building.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(BadInput, match=r"has 1\.00 MB free and 24 clips need up to 3\.69 MB: free"):
        build(recipe, tmp_path / "small", fonts)
    assert not list(tmp_path.glob("small/data/*"))
    monkeypatch.undo()
    fewer, fonts = tiny(clips=2)
    build(fewer, tmp_path / "small", fonts)
    assert read_recipe(tmp_path / "small") == fewer


def test_a_lock_is_neither_emptied_nor_waited_for(tmp_path):
    recipe, fonts = tiny(clips=2)
    (tmp_path / "diary.txt").write_text("private")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / ".lock").symlink_to(tmp_path / "diary.txt")
    (tmp_path / "other").mkdir()
    os.mkfifo(tmp_path / "other" / ".lock")
    (tmp_path / "folder" / ".lock").mkdir(parents=True)
    for name in ("set", "other", "folder"):
        with pytest.raises(BadInput, match=r"\.lock is no plain file: remove it"):
            build(recipe, tmp_path / name, fonts)
    assert (tmp_path / "diary.txt").read_text() == "private"


def test_silent_and_incomplete_clips_are_dropped_and_listed(tmp_path):
    recipe, fonts = tiny("notes", clips=60)
    report = build(recipe, tmp_path, fonts)
    assert report.silent
    built = open_built(tmp_path)
    kept = {row["clip_id"] for _, row in built.rows(["clip_id"])}
    assert kept.isdisjoint(report.silent)
    assert len(kept) + len(report.silent) + len(report.incomplete) == 60
    assert built.dropped["silent"] == list(report.silent)


def test_a_wrong_label_stops_the_build(notes_build):
    recipe, fonts = tiny()
    good = notes_build.family.spec(0, 5000)
    take = shards.perform(good, recipe, fonts)
    wrong = ClipSpec(
        **{f: getattr(good, f) for f in good.__slots__ if f != "labels"},
        labels={**good.labels, "pitch_class": "H"},
    )
    with pytest.raises(BadInput, match="label 'pitch_class' is 'H'"):
        shards.make_row(wrong, take, recipe)


class KilledPool(ThreadPoolExecutor):
    """A pool whose second task finds its worker gone."""

    def submit(self, call, /, *arguments):
        self.tasks = getattr(self, "tasks", 0) + 1
        if self.tasks == 2:
            future = Future()
            future.set_exception(BrokenProcessPool())
            return future
        return super().submit(call, *arguments)


def test_a_killed_worker_is_one_line(tmp_path):
    recipe, fonts = tiny("chords", clips=12)
    with pytest.raises(BadInput, match="a worker process was killed"):
        build(recipe, tmp_path, fonts, executor=KilledPool(1))


def test_a_damaged_recipe_file_is_named(tmp_path):
    (tmp_path / "build.json").write_text("{")
    with pytest.raises(BadInput, match="damaged"):
        read_recipe(tmp_path)
    with pytest.raises(BadInput, match="holds no build"):
        read_recipe(tmp_path / "nowhere")


def test_datasets_opens_a_build_as_a_consumer_would(notes_build):
    opened = datasets.load_dataset(
        str(notes_build.folder), cache_dir=str(notes_build.folder.parent)
    )
    assert set(opened) == {"train", "validation", "test"}
    train = opened["train"]
    assert train.features["pitch_class"].names == list(PITCH_CLASSES)
    row = train[0]
    samples = row["audio"].get_all_samples()
    assert samples.sample_rate == 32_000
    assert samples.data.shape == (1, 4 * 32_000)
    score = pretty_midi.PrettyMIDI(io.BytesIO(row["midi"]))
    assert {n.pitch for n in score.instruments[0].notes} == {row["pitch"]}
    assert row["pitch"] % 12 == row["pitch_class"]


def test_datasets_streams_a_build_without_a_decoder(notes_build):
    stream = datasets.load_dataset(str(notes_build.folder), split="test", streaming=True)
    stream = stream.cast_column("audio", datasets.Audio(decode=False))
    rows = list(stream)
    assert len(rows) == notes_build.reports[-1].rows
    samples, rate = soundfile.read(io.BytesIO(rows[0]["audio"]["bytes"]), dtype="int16")
    assert rate == 32_000
    peak = 20 * np.log10(np.abs(samples.astype(float)).max() / 32767)
    assert peak == pytest.approx(rows[0]["peak_dbfs"], abs=0.02)


def test_a_shard_depends_on_recipe_and_number_alone(notes_build, tmp_path):
    last = len(notes_build.shards) - 1
    shards.build_shard(notes_build.recipe, last, tmp_path, dict(tiny()[1]))
    name = plan(notes_build.recipe)[last].file_name
    assert (tmp_path / name).read_bytes() == (notes_build.folder / name).read_bytes()
