"""Build a dataset shard by shard: bounded memory, several processes, and no harm in being killed."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from curation.checksums import read_sums, write_sums
from curation.concepts import get_family
from curation.errors import BadInput
from curation.executors import make_pieces
from curation.extras import need
from curation.files import DiskFull, check_writable, in_bytes, read_kept, sweep, write_whole
from curation.locks import locked
from curation.machines import Machines
from curation.outline import outlined
from curation.recipe import BuildRecipe, Shard, plan
from curation.shards import ShardReport, build_shard, read_report
from curation.workers import die_with_parent

RECIPE_FILE = "build.json"
DROPPED_FILE = "dropped.json"
LOCK_FILE = ".lock"
TASKS, PLAN_FILE = ".tasks", ".plan.npy"
"""What tasks on other machines need; gone with the last shard."""
BYTES_PER_SAMPLE = 1.2
"""FLAC of our clips takes less than this; used to see a full disk coming."""


@dataclass(frozen=True)
class BuildReport:
    """What a finished build holds; ``reused`` shards were there already."""

    folder: Path
    rows: int
    silent: tuple[str, ...]
    incomplete: tuple[str, ...]
    clipped: tuple[str, ...]
    reused: int


def build(
    recipe: BuildRecipe,
    folder: Path,
    font_paths: Mapping[str, str],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    machines: Machines | None = None,
    progress: Callable[[int], None] = lambda clips: None,
    taken: Callable[[str], None] | None = None,
) -> BuildReport:
    """Build whatever is missing of a dataset.

    Args:
        font_paths: path of each of the recipe's sound fonts by SHA-256.
        workers: processes to start; 1 works in this one.
        executor: runs the shards instead; any `concurrent.futures.Executor`, a cluster's too.
        machines: make the shards instead, by datatrove's executors; they see the folder.
        progress: called with the number of clips that were just finished.
        taken: told who else is building into the folder, as ``process 1234``, before that is waited
            for; without it such a build is refused.

    Raises:
        BadInput: an extra that the family needs is not installed, ``folder`` holds something else or takes
            no files, another build is writing there, or the disk is full; finished shards stay.
    """
    for extra in ("curation", *get_family(recipe.family).extras):
        need(extra)
    with _claimed(folder, recipe, taken):
        shards = plan(recipe)
        done = _finished(recipe, folder, shards, range(len(shards)))
        missing = [number for number in range(len(shards)) if number not in done]
        _check_space(recipe, folder, sum(len(shards[number].indices) for number in missing))
        write_whole(folder / RECIPE_FILE, recipe.to_json())
        progress(sum(len(shards[number].indices) for number in done))
        reports = dict(done)
        try:
            if machines and missing:
                _run_on(machines, recipe, folder, font_paths, shards, progress)
                reports |= _finished(recipe, folder, shards, missing)
                missing = []
            for report in _run(recipe, folder, font_paths, missing, workers, executor):
                reports[report.number] = report
                progress(len(shards[report.number].indices))
        except DiskFull:
            raise DiskFull(
                f"the disk is full at {folder}: free some space and give the same command again "
                f"({len(reports)} of {len(shards)} shards are kept)"
            ) from None
        except BrokenProcessPool:
            raise BadInput(
                "a worker process was killed, perhaps for want of memory: give the same command "
                f"again, with fewer --workers ({len(reports)} of {len(shards)} shards are kept)"
            ) from None
        finished = _finish(folder, [reports[number] for number in sorted(reports)], len(done))
        _write_sums(
            folder, [shard.file_name for shard in shards], [shards[n].file_name for n in done]
        )
        return finished


def read_recipe(folder: Path) -> BuildRecipe:
    """The recipe of a built folder.

    Raises:
        BadInput: there is no build, or its recipe is damaged or of another version.
    """
    recipe = read_kept(folder / RECIPE_FILE, BuildRecipe, "build into a new folder")
    if recipe is None:
        raise BadInput(f"{folder} holds no build: make one with `python -m curation build`")
    return recipe


@contextmanager
def _claimed(
    folder: Path, recipe: BuildRecipe, taken: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the folder for this recipe alone while building."""

    def refuse(holder: str) -> None:
        raise BadInput(f"another build is writing to {folder} ({holder}): wait for it, or stop it")

    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file: choose a folder with --out")
    if folder.exists() and not (folder / RECIPE_FILE).exists() and _has_content(folder):
        raise BadInput(f"{folder} is not empty and holds no build: choose another with --out")
    check_writable(folder)
    with locked(folder / LOCK_FILE, taken or refuse):
        if (folder / RECIPE_FILE).exists():
            there = read_recipe(folder)
            if there != recipe:
                raise BadInput(
                    f"{folder} holds another recipe's build ({'; '.join(recipe.differences(there))}): "
                    "choose another folder with --out, or remove this one"
                )
        sweep(folder.glob("data/*.part"))
        yield


def _has_content(folder: Path) -> bool:
    return any(path.name != LOCK_FILE and path.suffix != ".part" for path in folder.iterdir())


def _check_space(recipe: BuildRecipe, folder: Path, clips: int) -> None:
    seconds = get_family(recipe.family).spec(recipe.seed, 0).seconds
    needed = int(clips * seconds * recipe.sample_rate * BYTES_PER_SAMPLE)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise BadInput(
            f"{folder} has {in_bytes(free)} free and {clips} clips need up to {in_bytes(needed)}: "
            "free some space, choose another disk with --out, or ask for fewer with --clips"
        )


def _finished(
    recipe: BuildRecipe, folder: Path, shards: Sequence[Shard], numbers: Iterable[int]
) -> dict[int, ShardReport]:
    """Reports of the shards that are there."""
    return {
        number: report
        for number in numbers
        if (report := read_report(folder / shards[number].file_name, recipe, number))
    }


def _run_on(
    machines: Machines,
    recipe: BuildRecipe,
    folder: Path,
    font_paths: Mapping[str, str],
    shards: Sequence[Shard],
    progress: Callable[[int], None],
) -> None:
    """Have machines make the shards that are missing."""
    outline = outlined(recipe, shards, folder, font_paths, folder / PLAN_FILE)
    name = f"curation-{recipe.family}-{recipe.fingerprint[:8]}"

    def told(number: int) -> None:
        progress(len(shards[number].indices))

    make_pieces(outline, machines, folder / TASKS, name, told)
    (folder / PLAN_FILE).unlink()


def _run(
    recipe: BuildRecipe,
    folder: Path,
    font_paths: Mapping[str, str],
    numbers: list[int],
    workers: int,
    executor: Executor | None,
) -> Iterator[ShardReport]:
    if executor is None and (workers <= 1 or len(numbers) <= 1):
        for number in numbers:
            yield build_shard(recipe, number, folder, font_paths)
        return
    shards = plan(recipe)
    pool = executor or ProcessPoolExecutor(
        min(workers, len(numbers)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=die_with_parent,
    )
    futures: list[Future[ShardReport]] = [
        pool.submit(build_shard, recipe, number, folder, font_paths, shards[number])
        for number in numbers
    ]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:
        for future in futures:
            future.cancel()
        if executor is None:
            pool.shutdown()


def _finish(folder: Path, reports: list[ShardReport], reused: int) -> BuildReport:
    silent = tuple(clip for report in reports for clip in report.silent)
    incomplete = tuple(clip for report in reports for clip in report.incomplete)
    clipped = tuple(clip for report in reports for clip in report.clipped)
    dropped = {"silent": silent, "incomplete": incomplete, "turned_down": clipped}
    write_whole(folder / DROPPED_FILE, json.dumps(dropped, indent=1) + "\n")
    return BuildReport(
        folder, sum(report.rows for report in reports), silent, incomplete, clipped, reused
    )


def _write_sums(folder: Path, shards: list[str], reused: list[str]) -> None:
    """Digests of the data; those of shards that were there before stay as they were written."""
    known = read_sums(folder)
    kept = {name: known[name] for name in reused if name in known}
    write_sums(folder, [*shards, RECIPE_FILE, DROPPED_FILE], kept)
