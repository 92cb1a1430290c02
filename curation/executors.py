"""Pieces of work on many processes or machines: datatrove's tasks, here, on Slurm or on Ray.

A piece is a pure function of its number and ends in a file that is there whole or not at all. That file
is the truth. The markers by which datatrove knows which of its tasks are done are a cache: they are
brought in line with the files before a run, and after it the files are looked at again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from shlex import quote
from typing import Any, Protocol

from curation.errors import BadInput, first_line
from curation.extras import need
from curation.files import write_whole
from curation.machines import Machines
from curation.workers import die_with_parent

ROUNDS = 3
"""Times that what is still missing is run again, as long as each run makes some of it."""

WATCH_SECONDS = 1.0
_FAILED, _DONE, _STATS = "failed", "completions", "stats"


class Pieces(Protocol):
    """What is to be made, numbered from 0. It travels to the tasks as a pickle.

    Attributes:
        count: how many pieces there are.
    """

    @property
    def count(self) -> int: ...

    def there(self, number: int) -> bool:
        """Whether the piece's file is there, whole."""

    def make(self, number: int) -> None:
        """Make it; what is made depends on the number alone."""


@dataclass
class Step:
    """What datatrove runs for each rank: every piece of its share that is not there yet.

    Args:
        failed: folder where a rank that fails says why.
    """

    pieces: Pieces
    failed: Path

    def __call__(self, data: Any, rank: int, world_size: int) -> None:
        die_with_parent()
        try:
            for number in range(self.pieces.count)[rank::world_size]:
                if not self.pieces.there(number):
                    self.pieces.make(number)
        except Exception as error:
            why = str(error) if isinstance(error, BadInput) else traceback.format_exc()
            write_whole(self.failed / f"{rank:05d}", why)
            raise


def make_pieces(
    pieces: Pieces,
    machines: Machines,
    home: Path,
    name: str,
    told: Callable[[int], None] = lambda number: None,
) -> None:
    """Make every piece that is not there.

    Args:
        home: folder for markers and logs, which every machine sees; gone when all is made.
        name: of the job, in Slurm's list.
        told: the number of each piece that has come to be there, from a thread of its own.

    Raises:
        BadInput: the extra ``cluster`` is not installed, a task says what it cannot do, or pieces are
            missing however often they are asked for. What is finished stays.
    """
    need("cluster")
    missing = _missing(pieces, range(pieces.count))
    for _ in range(ROUNDS):
        if not missing:
            break
        run = Run(pieces, machines, home.resolve(), name, min(machines.tasks, pieces.count))
        run.mark(missing)
        with _watched(pieces, missing, told):
            stopped = run.go()
        before, missing = missing, _missing(pieces, missing)
        if missing and (why := run.failure() or stopped):
            raise BadInput(f"{why} ({pieces.count - len(missing)} of {pieces.count} are kept)")
        if len(missing) == len(before):
            raise BadInput(
                f"{len(missing)} of {pieces.count} pieces were not made, and no task said why: see "
                f"{home / 'logs'}, then give the same command again"
            )
    if missing:
        raise BadInput(
            f"{len(missing)} of {pieces.count} pieces are still missing, tasks are killed again and "
            "again: give them more --memory or --hours, and the same command again"
        )
    shutil.rmtree(home, ignore_errors=True)


@dataclass
class Run:
    """One run of datatrove over all tasks."""

    pieces: Pieces
    machines: Machines
    home: Path
    name: str
    tasks: int
    step: Step = field(init=False)

    def __post_init__(self) -> None:
        self.step = Step(self.pieces, self.home / _FAILED)

    def mark(self, missing: Sequence[int]) -> None:
        """Let the markers say what the files say: a task is done if all of its share is there."""
        shutil.rmtree(self.home, ignore_errors=True)
        for folder in (_FAILED, _DONE, _STATS):
            (self.home / folder).mkdir(parents=True)
        for rank in set(range(self.tasks)) - {number % self.tasks for number in missing}:
            (self.home / _DONE / f"{rank:05d}").touch()
            (self.home / _STATS / f"{rank:05d}.json").write_text("[]")

    def go(self) -> str:
        """Run what is not marked; a word if it ended early."""
        return EXECUTORS[self.machines.executor](self)

    def failure(self) -> str:
        """What the first task that failed said of it."""
        told = sorted((self.home / _FAILED).glob("*[0-9]"))
        if not told:
            return ""
        lines = told[0].read_text().strip().splitlines()
        if len(lines) == 1:
            return lines[0]
        return f"task {int(told[0].name)} failed ({lines[-1]:.200}): see {told[0]}"

    def ranks(self) -> list[int]:
        """Tasks that are not marked as done."""
        return [n for n in range(self.tasks) if not (self.home / _DONE / f"{n:05d}").exists()]


def _missing(pieces: Pieces, numbers: Sequence[int]) -> list[int]:
    return [number for number in numbers if not pieces.there(number)]


@contextmanager
def _watched(pieces: Pieces, missing: Sequence[int], told: Callable[[int], None]) -> Iterator[None]:
    """Look after the files while others make them, and once more at the end."""
    waited, over = set(missing), threading.Event()

    def look() -> None:
        for number in sorted(waited):
            if pieces.there(number):
                waited.discard(number)
                told(number)

    def watch() -> None:
        pause = WATCH_SECONDS
        while not over.wait(pause):
            started = time.monotonic()
            look()
            pause = max(WATCH_SECONDS, 10 * (time.monotonic() - started))
        look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _here(run: Run) -> str:
    """On this machine.

    datatrove's own pool would wait for ever for a worker that was killed, and leave a process behind;
    ours says so.
    """
    ranks = run.ranks()
    workers = min(run.machines.at_once or os.cpu_count() or 1, len(ranks))
    pool = ProcessPoolExecutor(workers, get_context("spawn"), die_with_parent)
    futures: list[Future[None]] = [
        pool.submit(_run_rank, (run.step, run.tasks, run.home), rank) for rank in ranks
    ]
    try:
        for future in as_completed(futures):
            future.result()
    except BrokenProcessPool:
        return "a worker process was killed, perhaps for want of memory: give a smaller --at-once"
    except Exception as error:  # noqa: BLE001  the task has said why, in its file
        return first_line(error)
    finally:
        for future in futures:
            future.cancel()
        pool.shutdown()
    return ""


def _run_rank(what: tuple[Step, int, Path], rank: int) -> None:
    """One task in a worker; what datatrove says of it goes to its log alone."""
    from datatrove.executor.local import LocalPipelineExecutor

    step, tasks, home = what
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        LocalPipelineExecutor([step], tasks, 1, str(home))._run_for_rank(rank, 1)


def _on_slurm(run: Run) -> str:
    """As an array of jobs; `sbatch` waits until they are over."""
    from datatrove.executor.slurm import SlurmPipelineExecutor

    if shutil.which("sbatch") is None:
        raise BadInput("no sbatch here: give the command on a machine that may submit to Slurm")
    machines = run.machines
    executor = SlurmPipelineExecutor(
        [run.step],
        run.tasks,
        f"{machines.hours}:00:00",
        machines.partition,
        cpus_per_task=machines.cpus,
        mem_per_cpu_gb=machines.memory,
        gpus_per_task=machines.gpus,
        workers=machines.at_once or -1,
        job_name=run.name,
        qos="",
        env_command=f"export PATH={quote(str(Path(sys.executable).parent))}:$PATH",
        sbatch_args={"wait": "", **dict(option.split("=", 1) for option in machines.sbatch)},
        logging_dir=str(run.home),
        with_srun=False,
    )
    vars(executor)["launch_merge_stats"] = _nothing  # it would wait for ever for a job that failed
    try:
        with _quiet():
            executor.run()
    except subprocess.CalledProcessError:
        return (
            f"Slurm refused or stopped tasks of {run.name}: see {run.home / 'slurm_logs'} and sacct"
        )
    except BaseException:
        with suppress(OSError):
            subprocess.run(["scancel", "--name", run.name], capture_output=True)
        raise
    return ""


def _nothing() -> None:
    """Merge no statistics: there are none."""


def _on_ray(run: Run) -> str:
    """On the nodes of a Ray cluster."""
    from curation.ray_cluster import call_all, connected

    with connected(run.machines):
        return call_all(_run_rank, (run.step, run.tasks, run.home), run.ranks(), run.machines)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep datatrove's lines off the terminal."""
    from datatrove.utils.logging import logger

    logger.disable("datatrove")
    try:
        yield
    finally:
        logger.enable("datatrove")


EXECUTORS: dict[str, Callable[[Run], str]] = {"local": _here, "slurm": _on_slurm, "ray": _on_ray}
