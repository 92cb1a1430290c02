"""Commands that are killed outright, again and again, and must end with the bytes of a run never killed.

    python -m benchmarks.kills                        20 kills of each command
    python -m benchmarks.kills --kills 5 --only train

A run that is never killed says how long the work takes and what it leaves. Then the same command is
killed at random moments, five in a run, counted from the first file that it touches; whatever it left, it
is given again, until it ends by itself. Each life is a process of its own, forked from one that has
imported everything. Moments come from a seed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch

KILLS, PER_RUN = 20, 5
TURN_SECONDS, LIFE_SECONDS = 0.01, 1800.0
SEED = 0
IMPORTS = (
    "curation.cli", "steering.cli", "sketch.cli", "steering.activations.reader",
    "steering.training.workshop", "steering.evaluation.preparation", "steering.evaluation.report",
    "steering.evaluation.studies.tempos", "steering.models.loading", "sketch.language.train",
    "sketch.codec.train", "sketch.export", "datasets", "matplotlib.pyplot",
)  # fmt: skip
"""What takes long to import, so that it is done once."""

CLIPS = 96
MODEL_CLIPS = ("--batch", "8", "--device", "cpu")


@dataclass(frozen=True)
class Case:
    """A command that is killed.

    Attributes:
        run: in a process of its own, in the folder of its output; exit status. It is given a folder
            with what it reads.
        prepare: puts that there.
    """

    name: str
    run: Callable[[Path], int]
    prepare: Callable[[Path], None] = lambda given: None


@dataclass
class Course:
    """What became of a case."""

    kills: int = 0
    runs: int = 0
    lives: int = 0
    same: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = f"{self.kills:5} {self.lives - self.runs:9} {self.runs:5} {self.same:11}"
        return told + "".join(f"\n    {fault}" for fault in self.faults)


def main() -> int:
    """Kill them; 1 if a run ended with other bytes, or did not end."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kills",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=int, default=KILLS, help=f"of each; default {KILLS}")
    parser.add_argument("--only", nargs="*", choices=CASES, default=list(CASES), metavar="NAME")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    for name in IMPORTS:
        importlib.import_module(name)
    print(f"{'command':13} kills  restarts  runs  same bytes", flush=True)
    courses = []
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            courses.append(kill(CASES[name], Path(folder), options.kills))
        print(f"{name:13} {courses[-1]}", flush=True)
    return int(any(course.same < course.runs for course in courses))


def kill(case: Case, home: Path, kills: int) -> Course:
    """All kills of one case, in as many runs as they take."""
    given, course = home / "given", Course()
    given.mkdir()
    case.prepare(given)
    never = Run(case, given, home / "never")
    never.live()
    expected = digest(never.folder)
    moments, work = list(np.random.default_rng(SEED).uniform(size=kills)), never.work
    while moments and course.runs < 2 * kills:
        run = Run(case, given, home / f"run-{course.runs}", never.quiet)
        done = 0.0
        for moment in sorted(moments[:PER_RUN]):
            if not run.live((moment - done) * work):
                break
            moments.remove(moment)
            done, course.kills = moment, course.kills + 1
        else:
            run.live()
        work = run.work  # the machine may be less busy by now, or more
        course.runs, course.lives = course.runs + 1, course.lives + run.lives
        found = digest(run.folder)
        course.same += found == expected
        if found != expected:
            other = sorted(n for n in {*found, *expected} if found.get(n) != expected.get(n))
            course.faults.append(f"other bytes: {', '.join(other)}")
    return course


class Run:
    """One command from its first life to its end.

    Args:
        quiet: seconds after which a life is taken to be at work though it has touched no file.

    Attributes:
        quiet: seconds until the last life touched a file. work: of all lives, from there to their ends.
    """

    def __init__(self, case: Case, given: Path, folder: Path, quiet: float = np.inf) -> None:
        self.case, self.given, self.folder, self.patience = case, given, folder, 2 * quiet
        self.quiet = self.work = 0.0
        self.lives = 0
        folder.mkdir()

    def live(self, moment: float = np.inf) -> bool:
        """One life; whether it was killed, so many seconds after its first sign of work.

        Raises:
            RuntimeError: it ended badly, or does not end.
        """
        self.lives += 1
        before, born = touched(self.folder), time.monotonic()
        process, log = self._born()
        began = None
        while not os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            age = time.monotonic() - born
            if began is None and (touched(self.folder) != before or age > self.patience):
                began = age
            if (began is not None and age - began >= moment) or age > LIFE_SECONDS:
                os.kill(process, signal.SIGKILL)
            time.sleep(TURN_SECONDS)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        age = time.monotonic() - born
        self.quiet = age if began is None else began
        self.work += age - self.quiet
        if status not in (0, -signal.SIGKILL) or age > LIFE_SECONDS:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise RuntimeError(f"{self.case.name} ended with {status}: {' '.join(last)}")
        return status != 0

    def _born(self) -> tuple[int, Path]:
        log = self.folder.with_suffix(".log")
        sys.stdout.flush()
        process = os.fork()
        if process:
            return process, log
        status = 1
        try:
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.chdir(self.folder)
            status = self.case.run(self.given)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def touched(folder: Path) -> set[tuple[str, int, int]]:
    """Every file with its size and time."""
    found = set()
    for path in folder.rglob("*"):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        found.add((str(path), stat.st_size, stat.st_mtime_ns))
    return found


def digest(folder: Path) -> dict[str, str]:
    """Of every file but locks, which are a file without a holder after a kill."""
    return {
        str(path.relative_to(folder)): blake2b(_content(path)).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def _content(path: Path) -> bytes:
    """Bytes; of a checkpoint what it holds, without the seconds that it took."""
    if path.suffix != ".pt":
        return path.read_bytes()
    from sketch.checkpoints import read_checkpoint

    saved = read_checkpoint(path)
    saved["numbers"].pop("seconds")
    return b"".join(_leaves(saved))


def _leaves(value: Any) -> Iterator[bytes]:
    if isinstance(value, torch.Tensor):
        yield value.contiguous().numpy().tobytes()
    elif isinstance(value, dict):
        for name, one in value.items():
            yield repr(name).encode()
            yield from _leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
    else:
        yield repr(value).encode()


def _build(_: Path) -> int:
    from curation.cli import main as curation

    return curation(["build", "notes", "--clips", str(CLIPS), "--out", "notes", "--workers", "1"])


def _chords(given: Path) -> None:
    from curation.build import build
    from curation.recipe import make_recipe

    recipe, fonts = make_recipe("chords", "small", clips=CLIPS)
    build(recipe, given / "chords", fonts)


def _steering(*arguments: str) -> int:
    from steering.cli import main as steering

    return steering(arguments)


def _activations(given: Path) -> int:
    return _steering("activations", str(given / "chords"), "--store", "store", *MODEL_CLIPS)


def _train(given: Path) -> int:
    asked = (str(given / "chords"), "quality", "--store", "store", "--out", "bank")
    return _steering("train", *asked, "--method", "logistic", *MODEL_CLIPS)


def _evaluate(_: Path) -> int:
    small = ("--clips", "2", "--seconds", "1", "--real-hours", "0.1", "--truth-clips", "2")
    asked = ("--home", "home", "--methods", "ridge", "--workers", "1", "--device", "cpu")
    return _steering("evaluate", "tempos", *small, *asked)


def _sketch(_: Path) -> int:
    """A language model of two small blocks, on a minute of music, saved twice a second."""
    from sketch.cli import main as sketch
    from sketch.cli import take_books
    from sketch.language import batches, corpus, model, text, train, words
    from sketch.loading import WEIGHTS

    shape = {"BLOCKS": 2, "SIZE": 32, "HEADS": 2, "FEED_FORWARD": 64}
    lengths = (batches.Length(20, 16, 0.5), batches.Length(200, 4, 0.5))
    amounts = {"HOURS": 0.02, "VALIDATION_HOURS": 0.01, "SAVE_SECONDS": 0.5}

    def few(*given: Any) -> batches.Batches:
        return batches.Batches(*given[:4], *(given[4:] or (lengths,)))

    made = {
        "make_tokenizer": partial(text.make_tokenizer, 4.0),
        "learn_words": partial(words.learn_words, steps=30),
        "Batches": few,
    }
    for module, values in ((model, shape), (train, amounts | made), (corpus, {"PER_SHARD": 2})):
        for name, value in values.items():
            setattr(module, name, value)
    take_books(WEIGHTS, Path())
    return sketch(["train", "lm", "--steps", "60", "--work", ".", "--cores", "1"])


CASES = {
    case.name: case
    for case in (
        Case("build", _build),
        Case("activations", _activations, _chords),
        Case("train", _train, _chords),
        Case("evaluate", _evaluate),
        Case("sketch train", _sketch),
    )
}

if __name__ == "__main__":
    raise SystemExit(main())
