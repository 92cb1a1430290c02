"""Pieces made by datatrove's executors: the files are the truth, whatever a marker says."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from curation.build import PLAN_FILE, build
from curation.concepts import families
from curation.errors import BadInput
from curation.executors import make_pieces
from curation.machines import Machines, add_machines, machines_of
from curation.outline import outlined
from curation.recipe import MOST_CLIPS, SHARD_SECONDS, clips_per_shard, make_recipe, plan
from tests.test_build import digest

ROOT = Path(__file__).parent.parent
HERE = Machines("local", tasks=2, at_once=1)
SBATCH = f"""#!{sys.executable}
import os, re, subprocess, sys
from pathlib import Path
text = Path(sys.argv[-1]).read_text()
Path(__file__).with_name("script").write_text(text)
last = int(re.search(r"--array=0-(\\d+)", text)[1])
variables = dict(pair.split("=") for pair in sys.argv[1].split(",")[1:])
failed = 0
for rank in range(last + 1):
    job = {{"SLURM_ARRAY_TASK_ID": str(rank), "SLURM_NODELIST": "here", **variables}}
    failed |= subprocess.run(["bash", sys.argv[-1]], env=os.environ | job, capture_output=True).returncode
print("Submitted batch job 7")
sys.exit(bool(failed))
"""


@pytest.fixture
def squares(monkeypatch) -> type:
    """`Squares` as worker processes import it: `tests` is no package to them."""
    monkeypatch.syspath_prepend(ROOT / "tests")
    return import_module("squares").Squares


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    """A folder with stand-ins for Slurm's commands, which run an array's ranks in turn."""
    there = tmp_path / "bin"
    there.mkdir()
    for name, text in (("sbatch", SBATCH), ("scontrol", "#!/bin/sh\necho here\n")):
        (there / name).write_text(text)
        (there / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{there}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'tests'}")
    return there


def test_a_marker_without_its_file_is_no_truth_and_what_is_there_stays(tmp_path, squares):
    some = squares(tmp_path)
    (tmp_path / "home" / "completions").mkdir(parents=True)
    for rank in range(2):
        (tmp_path / "home" / "completions" / f"{rank:05d}").touch()
    some.path(2).write_text("made before")
    told: list[int] = []
    make_pieces(some, HERE, tmp_path / "home", "squares", told.append)
    made = [some.path(number).read_text() for number in range(4)]
    assert made == ["0", "1", "made before", "9"]
    assert sorted(told) == [0, 1, 3]
    assert not (tmp_path / "home").exists()


def test_what_a_task_refuses_is_its_one_line_and_the_rest_is_kept(tmp_path, squares, capfd):
    some = squares(tmp_path, refused=3)
    with pytest.raises(
        BadInput, match=r"^3 cannot be squared: ask for another \([123] of 4 are kept\)$"
    ):
        make_pieces(some, HERE, tmp_path / "home", "squares")
    assert "Traceback" not in capfd.readouterr().err
    assert some.there(1)


def test_a_killed_worker_is_told_and_the_same_again_goes_on(tmp_path, squares):
    some = squares(tmp_path, deadly=2)
    with pytest.raises(BadInput, match=r"a worker process was killed.*of 4 are kept"):
        make_pieces(some, HERE, tmp_path / "home", "squares")
    make_pieces(some, HERE, tmp_path / "home", "squares")
    assert [some.path(number).read_text() for number in range(4)] == ["0", "1", "4", "9"]


def test_a_build_on_slurm_has_the_bytes_of_a_plain_one(tmp_path, slurm):
    recipe, fonts = make_recipe("chords", "tiny", clips=6)
    build(recipe, tmp_path / "plain", fonts)
    machines = Machines("slurm", tasks=2, partition="cpu", hours=3, sbatch=["account=music"])
    progress: list[int] = []
    build(recipe, tmp_path / "slurm", fonts, machines=machines, progress=progress.append)
    assert digest(tmp_path / "slurm") == digest(tmp_path / "plain")
    assert sum(progress) == 6
    script = (slurm / "script").read_text().splitlines()
    asked = {line.removeprefix("#SBATCH --") for line in script if line.startswith("#SBATCH")}
    assert {
        "array=0-1",
        "wait",
        "requeue",
        "partition=cpu",
        "time=3:00:00",
        "cpus-per-task=1",
        "mem-per-cpu=2G",
        "account=music",
        f"job-name=curation-chords-{recipe.fingerprint[:8]}",
    } <= asked
    assert script[-1].startswith("launch_pickled_pipeline ")


def test_what_fails_on_slurm_is_one_line_and_its_jobs_end_in_an_error(tmp_path, squares, slurm):
    some = squares(tmp_path, count=2, refused=1)
    machines = Machines("slurm", tasks=1, partition="cpu")
    with pytest.raises(BadInput, match=r"^1 cannot be squared: ask for another \(1 of 2 are kept"):
        make_pieces(some, machines, tmp_path / "home", "squares")


def test_slurm_that_is_not_here_is_one_line(tmp_path, squares, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BadInput, match="no sbatch here"):
        machines = Machines("slurm", partition="cpu")
        make_pieces(squares(tmp_path), machines, tmp_path / "home", "squares")


def test_an_outline_holds_the_plan(tmp_path):
    recipe, fonts = make_recipe("notes", "small", clips=700)
    outline = outlined(recipe, plan(recipe), tmp_path, fonts, tmp_path / PLAN_FILE)
    assert tuple(map(outline.shard, range(outline.count))) == plan(recipe)


def test_a_machine_that_would_make_other_bytes_is_refused(tmp_path):
    recipe, fonts = make_recipe("notes", "tiny")
    wrong = dict.fromkeys(["0" * 64], next(iter(fonts.values())))
    outline = outlined(recipe, plan(recipe), tmp_path, wrong, tmp_path / PLAN_FILE)
    with pytest.raises(BadInput, match="another sound font here"):
        outline.make(0)
    older = replace(outline, versions={**outline.versions, "FluidSynth": "1.1.0"})
    with pytest.raises(BadInput, match=r"FluidSynth is \d.* here and 1\.1\.0 where the build was"):
        older.make(0)
    assert not list(tmp_path.glob("data/*"))


@pytest.mark.parametrize("name", families())
def test_a_folder_of_ten_million_clips_is_one_that_the_hub_takes(name):
    family = families()[name]
    seconds = family.spec(0, 0).seconds
    splits = 3
    assert -(-MOST_CLIPS // clips_per_shard(MOST_CLIPS, seconds)) + splits < 10_000
    assert clips_per_shard(family.size, seconds) == round(SHARD_SECONDS / seconds)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("--executor cloud", "no executor 'cloud': choose from local, slurm, ray"),
        ("--tasks 5", "--tasks is for many machines: give --executor too"),
        ("--executor slurm", "give --partition"),
        ("--executor ray --tasks 0", "give at least one"),
        ("--executor slurm --partition a --sbatch account", "write it as name=value"),
    ],
)
def test_options_that_no_machine_understands_are_one_line(given, message):
    parser = ArgumentParser()
    add_machines(parser)
    with pytest.raises(BadInput, match=message):
        machines_of(parser.parse_args(given.split()))
