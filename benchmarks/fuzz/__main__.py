"""Inputs at random, at every endpoint of the page and in every file that is read.

    python -m benchmarks.fuzz --inputs 10000
    python -m benchmarks.fuzz --inputs 500 --only "endpoint check_recipe" link

Each must be refused in one line, or be right. Models, banks and weights are the sketch's; a page is
started for what comes in over the wire. The same seed gives the same inputs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.attack import target as attacked
from benchmarks.fuzz import targets
from benchmarks.fuzz.place import Place
from benchmarks.fuzz.runs import ROOT, Kind, Tally, allotted, run
from curation.build import build
from curation.recipe import make_recipe
from sketch.cli import quieten
from sketch.loading import WEIGHTS
from steering.models.loading import SKETCH
from studio.loaded_models import LoadedModels, load_with_banks

KINDS: tuple[Kind, ...] = ("traceback", "null error", "wrong")
COLUMNS = (
    "target",
    "inputs",
    "refused",
    "accepted",
    "tracebacks",
    "null errors",
    "wrong",
    "slowest",
)


def main() -> int:
    """Run them; 1 if there is a fault."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--inputs", type=int, default=10_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the inputs that met a fault")
    parser.add_argument("--only", nargs="*", default=[], help="beginnings of targets' names")
    options = parser.parse_args()
    quieten()
    with tempfile.TemporaryDirectory() as folder, _place(Path(folder), options.only) as place:
        tallies = []
        for target, inputs in allotted(targets(place, options.only), options.inputs):
            began = time.monotonic()
            tallies.append(run(target, inputs, options.seed, shrink=True))
            took = time.monotonic() - began
            print(f"{target.name}: {tallies[-1].inputs} in {took:.0f} s", file=sys.stderr)
    if options.keep:
        keep(options.keep, tallies)
    for line in (*table(tallies), "", *(line for one in tallies for line in one.lines)):
        print(line)
    return int(any(one.faults for one in tallies))


@contextmanager
def _place(folder: Path, only: Sequence[str]) -> Iterator[Place]:
    """The sketch, a tiny build, and a page of its own where one is wanted."""
    recipe, fonts = make_recipe("notes", "tiny")
    build(recipe, folder / "notes", fonts, workers=1)
    with ExitStack() as stack:
        page = None
        if not only or any(name.startswith("wire") for name in only):
            (folder / "page").mkdir()
            page = stack.enter_context(attacked.Target(folder / "page", ROOT).page())
        loaded = load_with_banks(SKETCH)
        models = LoadedModels(lambda name: loaded, (SKETCH,))
        place = Place(models, folder / "notes", WEIGHTS, folder, page)
        stack.callback(place.close)
        yield place


def keep(folder: Path, tallies: Sequence[Tally]) -> None:
    """Write each input that met a fault, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for tally in tallies:
        for number, (value, _) in enumerate(tally.faults.values()):
            content = value if isinstance(value, bytes) else repr(value).encode(errors="replace")
            (folder / f"{tally.target.replace(' ', '-')}-{number}").write_bytes(content)


def table(tallies: Sequence[Tally]) -> list[str]:
    """Counts by target, and of all."""
    rows = [_row(one.target, [one]) for one in tallies] + [_row("all", tallies)]
    return [f"{row[0]:36}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in (COLUMNS, *rows)]


def _row(name: str, some: Sequence[Tally]) -> tuple[str, ...]:
    counts = [sum(one.inputs for one in some), sum(one.refused for one in some)]
    counts += [sum(one.accepted for one in some)]
    counts += [sum(one.count(kind) for one in some) for kind in KINDS]
    slowest = max((one.slowest for one in some), default=0.0)
    return (name, *(f"{count:,}" for count in counts), f"{slowest:.1f} s")


if __name__ == "__main__":
    raise SystemExit(main())
