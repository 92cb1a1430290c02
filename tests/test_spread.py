"""Activations and cells that many tasks make: the bytes are those of one process."""

from __future__ import annotations

import pickle
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from curation import executors
from curation.errors import BadInput
from curation.executors import Run
from curation.machines import Machines
from steering.activations import parts
from steering.activations.parts import read_parts
from steering.activations.reader import read_source
from steering.activations.sources import BuiltSource, Excerpt
from steering.commands.shared import named_model
from steering.decoding.clip import Clip
from steering.decoding.reference import player
from steering.decoding.sampling import Sampling
from steering.evaluation.asks import asks
from steering.evaluation.cells import Cell, Setting, Shelf, Steer
from steering.evaluation.runner import Runner
from steering.evaluation.spread import Spread
from steering.families import concepts_of
from steering.models.loading import NamedModel
from tests.toy import save_small_sketch, toy_bank

TASKS = Machines("local", tasks=2)


@pytest.fixture
def in_turn(monkeypatch) -> list[int]:
    """Tasks of this process, one after the other, each as it would travel; ranks that have run."""
    ranks: list[int] = []

    def run_all(run: Run) -> str:
        for rank in run.ranks():
            pickle.loads(pickle.dumps(run.step))(None, rank, run.tasks)  # noqa: S301
            ranks.append(rank)
        return ""

    monkeypatch.setitem(executors.EXECUTORS, "local", run_all)
    return ranks


@pytest.fixture(scope="module")
def named(tmp_path_factory) -> NamedModel:
    """A small untrained model in a folder."""
    folder = tmp_path_factory.mktemp("spread") / "model"
    save_small_sketch(folder)
    return NamedModel(str(folder), device="cpu")


@pytest.fixture
def source(notes_build) -> BuiltSource:
    return BuiltSource(notes_build.folder)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_source_read_from_the_middle_begins_there(source):
    every = [clip.labels["clip_id"] for clip in source.read(0)]
    sizes = [report.rows for report in source.built.reports]
    assert len(sizes) > 1
    for start in (1, sizes[0] - 1, sizes[0], sizes[0] + 1, len(every)):
        assert [clip.labels["clip_id"] for clip in source.read(start)] == every[start:]
    assert [clip.labels["clip_id"] for clip in Excerpt(source, 2, 3).read(1)] == every[3:5]


def test_parts_read_by_tasks_are_the_store_that_one_process_writes(
    named, source, tmp_path, in_turn, monkeypatch
):
    model, told = named.load(), []
    read_source(model, source, tmp_path / "one", batch=4)
    monkeypatch.setattr(parts, "PART_CLIPS", 11)
    how = {"batch": 4, "progress": told.append}
    read_parts(model, named, source, tmp_path / "many", TASKS, **how)
    assert bytes_of(tmp_path / "many") == bytes_of(tmp_path / "one")
    assert sum(told) == source.clips
    assert in_turn == [0, 1]
    read_parts(model, named, source, tmp_path / "many", TASKS, **how)
    assert in_turn == [0, 1]


def test_the_sketch_is_no_folder_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("sketch", "mine"):
        (tmp_path / name).mkdir()
    named = [
        named_model(Namespace(model=name, backend="transformers", device=None)).name
        for name in ("sketch", "mine", "facebook/musicgen-small")
    ]
    assert named == ["sketch", str(tmp_path / "mine"), "facebook/musicgen-small"]


def test_a_task_that_finds_another_model_of_that_name_refuses(named, source, tmp_path, in_turn):
    model = named.load()
    other = replace(model.origin, revision="another")
    made = parts.Parts(named, other, source.built.folder, source.clips, tmp_path, "mean", 4, 8)
    with pytest.raises(BadInput, match="another model here"):
        made.make(0)


def test_cells_played_by_tasks_are_those_of_one_process(named, tmp_path, in_turn):
    model = named.load()
    few = asks("validation", 2, concepts_of("chords"), "chords")
    setting = Setting(model.origin, tuple(few), 1.2, Sampling())
    banks = {"chords/ridge": toy_bank(model, concepts_of("chords"), 1)}
    cells = [Cell("unsteered")]
    cells += [Cell(f"at {amount}", (Steer("chords/ridge", amount),)) for amount in (1.0, 2.0)]
    cells += [Cell("a rival", rival="asking")]

    def asked_for(wanted, *how, amount):
        return player(model)([Clip(one.named, one.seed) for one in wanted], *how)

    rivals = {"asking": asked_for}

    def run(name: str, spread: Spread | None) -> list[str]:
        told: list[str] = []
        runner = Runner(model, Shelf(tmp_path / name), player(model), 4, 0, None, rivals, spread)
        runner.run(setting, cells, banks, lambda progress: told.append(str(progress)))
        return told

    run("one", None)
    told = run("many", Spread(TASKS, named))
    assert bytes_of(tmp_path / "many") == bytes_of(tmp_path / "one")
    assert [line.split(" cells")[0] for line in told] == [f"{n} of 4" for n in range(1, 5)]
    assert told[-1].endswith("a rival")
    assert in_turn == [0, 1]
