"""What a model can be taught from a few clips, and whether it is said beforehand what it cannot.

    python -m benchmarks.teaching                        five concepts, some hours on two cores
    python -m benchmarks.teaching --poles both           and their opposites
    python -m benchmarks.teaching --only listeners       one of listeners, cells, time
    python -m benchmarks.teaching --clips 24 --taught 10 --fonts first --against neutral pairs

Concepts that no bank was trained on: staccato (legato), high (low), tremolo (plain), drums (no drums),
thin (thick). Validation songs are altered in that one thing and played: some to teach by, against the
neutral clips or (`pairs`) the same songs without it, and others to tell each listener's error by. That is
the AUC with which it tells them from the same songs without, as played and as the codec holds them: what
a listener hardly tells through the codec (tremolo, thick) may be there and not be heard. (`votes`) are of
no songs: a voter who hears by the listener is played variations of a prompt, two at a time, and sends the
one with more of the concept up and the other down.

A cell is a prompt's clips of four seconds, pushed at the strength that the lesson chose, with a strength
that sets itself, beside the same prompts and noise without a push. Two controls are pushed as hard: a
random direction, and the one that is found where the labels of the same clips are dealt out anew. A
concept is moved where clips are told from their twins (AUC, its 95 % interval above 0.5) and better than
by either control (95 % interval of the paired difference). "Right" is a word that was said before the
cells were played where it is what came of them.

Finished lessons and cells are kept in `--home`: a run that was killed goes on. Empty it after a change
to how lessons are taught or clips are heard.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import soundfile
from tqdm import tqdm

from benchmarks.parts import Lines, print_parts
from benchmarks.taught import clips
from benchmarks.taught.cells import Bench, Judged, ear_errors, judged
from benchmarks.taught.concepts import CONCEPTS, FIRST
from benchmarks.taught.lessons import AGAINST, Case
from benchmarks.taught.report import case_lines, ear_lines, foretold_lines, write_report
from curation.errors import BadInput
from sketch.cli import quieten
from steering.decoding.decoder import Decoder
from steering.models import load_model
from steering.teaching.material import FEWEST, MOST

TAUGHT, SECOND_FONT, VOTES, KNOWN, TIMED = (5, 10, 20), 10, (10, 20), 40, (5, 10, 20, 50)
"""Clips that are taught: of the first font, of the second; votes; clips of known answer; clips that are timed."""


@dataclass(frozen=True)
class Course:
    """What is tried.

    Attributes:
        concepts: names. taught: numbers of clips. fonts: of `clips.FONTS`. against: of
            `lessons.AGAINST`. known: clips by which listeners are judged, with and without.
    """

    model: str
    home: Path
    clips: int
    concepts: tuple[str, ...]
    taught: tuple[int, ...]
    fonts: tuple[str, ...]
    against: tuple[str, ...]
    known: int

    @cached_property
    def bench(self) -> Bench:
        """It loads the model: only where something is to be played."""
        quieten()
        return Bench(Decoder(load_model(self.model)), self.home, self.clips)

    def cases(self) -> list[Case]:
        """Every concept by every number of clips; of the second font by one number alone."""
        second = SECOND_FONT if SECOND_FONT in self.taught else self.taught[0]
        return [
            Case(concept, count, font, against)
            for concept, against, font, count in itertools.product(
                self.concepts, self.against, self.fonts, self.taught
            )
            if against != "votes" and (font == "first" or count == second)
        ] + [
            Case(concept, votes, against="votes")
            for concept, votes in itertools.product(self.concepts, VOTES)
            if "votes" in self.against
        ]

    @cached_property
    def judged(self) -> list[Judged]:
        """Every case, taught and heard."""
        shown = tqdm(self.cases(), desc="cases", disable=None, leave=False)
        return [judged(self.bench, case) for case in shown]


def listeners_part(course: Course) -> Lines:
    """How well each listener tells clips whose answer is known."""
    return ear_lines(ear_errors(course.bench, course.concepts, course.known), course.known)


def cells_part(course: Course) -> Lines:
    """Every case, and how often what was said beforehand came true."""
    return [*case_lines(course.judged), *foretold_lines(course.judged)]


def time_part(course: Course) -> Lines:
    """From a folder of files to a bank, by the command, the model's loading included."""
    found: Lines = []
    with tempfile.TemporaryDirectory() as place:
        folders = [_written(Path(place), count) for count in TIMED]
        for folder, count in zip(folders, TIMED, strict=True):
            found.append((f"{count} clips, alone", _timed(course.model, [folder])))
        two = [folders[1], folders[1]]
        found.append((f"{TIMED[1]} clips, two at once", _timed(course.model, two)))
    return found


def _written(place: Path, count: int) -> Path:
    """A folder with clips as somebody brings them."""
    folder = place / str(count)
    folder.mkdir()
    for sound in clips.sounds(CONCEPTS["staccato"], True, count, clips.TAUGHT):
        soundfile.write(folder / sound.name, sound.audio, sound.sample_rate)
    return folder


def _timed(model: str, folders: Sequence[Path]) -> str:
    """Seconds until the last is done, processor's seconds and memory of the largest."""
    start, running = time.perf_counter(), []
    for number, folder in enumerate(folders):
        out = folder.with_name(f"bank-{folder.name}-{number}")
        command = [sys.executable, "-m", "steering", "teach", str(folder), "--model", model]
        command += ["--name", "staccato", "--belongs", "tempo", "--out", str(out)]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    uses = []
    for one in running:
        _, status, used = os.wait4(one.pid, 0)
        one.returncode = os.waitstatus_to_exitcode(status)
        uses.append(used)
    if any(one.returncode for one in running):
        raise BadInput("a lesson failed: run the command that is written above by itself")
    memory = max(used.ru_maxrss for used in uses) / 1024
    busy = max(used.ru_utime + used.ru_stime for used in uses)
    return f"{time.perf_counter() - start:.0f} s, {busy:.0f} s of processor time, {memory:,.0f} MB each"


PARTS = {"listeners": listeners_part, "cells": cells_part, "time": time_part}


def course_of(options: argparse.Namespace) -> Course:
    """What the options name.

    Raises:
        BadInput: a number that is not possible.
    """
    for count in options.taught:
        if not FEWEST <= count <= MOST:
            raise BadInput(f"--taught {count}: a lesson takes {FEWEST} to {MOST} clips")
    if min(options.clips, options.known) < 2:
        raise BadInput("a cell needs clips: give --clips and --known 2 or more")
    poles = tuple(CONCEPTS) if options.poles == "both" else FIRST
    return Course(
        options.model,
        options.home,
        options.clips,
        tuple(options.concepts or poles),
        tuple(options.taught),
        tuple(options.fonts),
        tuple(options.against),
        options.known,
    )


def facts_of(course: Course) -> Lines:
    """What the report says of how it was made."""
    return [
        ("model", course.model),
        ("clips of a cell", f"{course.clips} of 4 s, prompts such as '{clips.prompts(1)[0]}'"),
        ("clips by which listeners are judged", f"{course.known} with and {course.known} without"),
        ("taught against", "; ".join(AGAINST[one] for one in course.against)),
        ("sound fonts", ", ".join(f"{f}: {clips.FONTS[f]}" for f in course.fonts)),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.teaching", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--model", default="sketch", help="sketch, a name on the Hub, or a folder")
    parser.add_argument("--clips", type=int, default=100, help="of a cell")
    parser.add_argument("--poles", choices=("one", "both"), default="one", help="of each pair")
    parser.add_argument("--concepts", nargs="*", choices=CONCEPTS, help="instead of --poles")
    parser.add_argument("--taught", nargs="+", type=int, default=TAUGHT, help="numbers of clips")
    parser.add_argument("--fonts", nargs="+", choices=clips.FONTS, default=tuple(clips.FONTS))
    parser.add_argument(
        "--against",
        nargs="+",
        choices=AGAINST,
        default=("neutral", "votes"),
        help="what is taught against",
    )
    parser.add_argument(
        "--known", type=int, default=KNOWN, help="clips that a listener is judged by"
    )
    parser.add_argument("--home", type=Path, default=Path("build/teaching"), help="what is kept")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--report", type=Path, help="folder for report.md and report.json")
    options = parser.parse_args(arguments)
    try:
        course = course_of(options)
        print_parts(PARTS, course, options.only, options.json)
        if options.report:
            errors = ear_errors(course.bench, course.concepts, course.known)
            write_report(options.report, errors, course.judged, facts_of(course))
    except BadInput as error:
        parser.exit(2, f"benchmarks.teaching: {error}\n")


if __name__ == "__main__":
    main()
