"""The command line of the curation tool: one function a command, errors in one line."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

from tqdm import tqdm

from curation import nuisance
from curation.command_line import Parser, ended
from curation.concepts import families
from curation.entries import read_fields
from curation.errors import BadInput
from curation.exports import EXPORTS
from curation.extras import need
from curation.files import check_writable, read_text
from curation.machines import add_machines, machines_of
from curation.recipe import PRESETS, SPLIT_KINDS, BuildRecipe, make_recipe
from curation.sound_fonts import DEFAULT, SECOND

CARDS = Path("datasets")
BUILDS = Path("build")

EPILOG = """\
first steps:
  python -m curation list                          the concept families and their sizes
  python -m curation build notes                   a small set, into build/notes-small
  python -m curation check build/notes-small       audit it; hear the labels again
  python -m curation preview build/notes-small     an overview picture and a few WAVs
  python -m curation publish build/notes-small --to you/notes --dry-run
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did its job, 1 when a check found faults, 2 for bad input."""
    given = sys.argv[1:] if arguments is None else arguments
    parser = _parser()
    for one in given:
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in one):
            parser.error(f"{one!r} has characters that no name may have")
    options = parser.parse_args(given)
    return ended("curation", lambda: options.run(options))


def list_families(options: argparse.Namespace) -> None:
    """The concept families: how many clips, what about, what is held apart."""
    for name, family in families().items():
        print(f"{name:16}{family.size:>7,} clips  {family.summary}")
        if options.labels:
            for label, about in family.labels.items():
                values = ", ".join(about.classes[:8]) + (", ..." if len(about.classes) > 8 else "")
                print(f"    {label:20}{about.description}{': ' + values if values else ''}")
            print(f"    split by            {family.grouping}")
    print(f"\npresets: {'; '.join(f'{name}: {what}' for name, what in PRESETS.items())}")


def build(options: argparse.Namespace) -> None:
    """Build each of the datasets asked for."""
    need("curation")
    from curation.build import build as build_folder
    from curation.folder import open_built

    machines = machines_of(options)
    names = list(families()) if options.datasets == ["all"] else options.datasets
    recipes = [_recipe(name, options) for name in names]
    for extra in sorted({e for recipe, _ in recipes for e in families()[recipe.family].extras}):
        need(extra)
    if options.out and len(recipes) > 1:
        raise BadInput("--out takes one dataset: build several without it, into build/")
    for recipe, font_paths in recipes:
        folder = options.out or BUILDS / f"{recipe.family}-{recipe.preset}"
        with _bar(recipe.clips, recipe.family) as progress:
            report = build_folder(
                recipe,
                folder,
                font_paths,
                workers=options.workers,
                machines=machines,
                progress=progress,
            )
        _write_card(open_built(folder))
        print(
            f"{folder}: {report.rows:,} clips; dropped {len(report.silent)} silent and "
            f"{len(report.incomplete)} with notes that the sound font lacks; turned down "
            f"{len(report.clipped)}"
        )


def check(options: argparse.Namespace) -> int:
    """Audit built folders and say what was found."""
    from curation.checks import check as check_folder
    from curation.checks import tables
    from curation.folder import Damaged, open_built

    failed = 0
    for folder in options.folders:
        built = open_built(folder)
        with _bar(sum(report.rows for report in built.reports), folder.name) as progress:
            audit = check_folder(built, listen=options.listen, progress=progress)
        with suppress(Damaged):  # it is among the faults
            _write_card(built)
        print(f"{folder}: {audit.clips:,} clips read")
        for name, outcome, trials, rate, (low, high) in tables(audit):
            print(f"  heard {name}: {outcome:10}{rate:7.1%}  of {trials} ({low:.1%} to {high:.1%})")
        for note in audit.notes:
            print(f"  note: {note}")
        for fault in audit.faults:
            print(f"  FAULT: {fault}")
        failed += not audit.passed
        print(f"  {'passed' if audit.passed else 'failed'}")
    return 1 if failed else 0


def classify(options: argparse.Namespace) -> None:
    """Train a simple classifier on the train split and try it on the test split."""
    from curation.confusion import classify_built
    from curation.folder import open_built

    built = open_built(options.folder)
    with _bar(sum(report.rows for report in built.reports), options.folder.name) as progress:
        result = classify_built(built, progress=progress)
    _write_card(built)
    low, high = result.interval
    print(
        f"{options.folder}: {built.family.target} right on {result.accuracy:.1%} of "
        f"{result.clips} test clips ({low:.1%} to {high:.1%}; chance {result.chance:.1%})"
    )


def preview(options: argparse.Namespace) -> None:
    """Draw the overview picture of a build and write a few of its clips as WAV files."""
    from curation.card import OVERVIEW_FILE
    from curation.folder import open_built
    from curation.preview import draw_overview, pick_clips, write_wavs

    built = open_built(options.folder)
    check_writable(options.folder)
    grid = pick_clips(built)
    draw_overview(built, grid, options.folder / OVERVIEW_FILE)
    wavs = write_wavs(grid, options.folder / "preview")
    print(f"{options.folder / OVERVIEW_FILE}")
    for wav in wavs:
        print(wav)


def card(options: argparse.Namespace) -> int:
    """Bring the cards in datasets/ up to date, or see whether they are."""
    from curation import card_files

    if options.check:
        stale = card_files.stale(CARDS)
        for name, reason in stale:
            print(f"curation: datasets/{name}: {reason}", file=sys.stderr)
        return 1 if stale else 0
    if options.folder:
        card_files.adopt(options.folder, CARDS)
    else:
        card_files.rewrite(CARDS)
    return 0


def publish(options: argparse.Namespace) -> None:
    """Upload a checked build to the Hub, or show what would go up."""
    from curation.card_files import release as write_release
    from curation.folder import open_built
    from curation.hub import prepare
    from curation.hub import publish as upload_folder
    from curation.release import Release, read_release
    from curation.repository import check_token

    built = open_built(options.folder)
    upload = prepare(built, options.to)
    last = read_release(options.folder)
    release = Release(
        options.version or last.version,
        options.to,
        last.doi if options.doi is None else options.doi,
        date.today().isoformat(),
    )
    if options.dry_run:
        print(
            f"would upload to the {'private ' if options.private else ''}dataset {upload.repo_id}, "
            f"version {release.version}:"
        )
        for name, size in upload.files:
            print(f"  {size:>13,}  {name}")
        print(f"  {upload.bytes:>13,}  bytes in {len(upload.files)} files; nothing was sent")
        return
    check_token()
    write_release(built, release)
    upload = prepare(built, options.to)
    print(f"published: {upload_folder(upload, private=options.private)}")


def export(options: argparse.Namespace) -> None:
    """Write a build's clips as tars or files that other libraries read."""
    from curation.exports import export as write_export
    from curation.folder import open_built

    built = open_built(options.folder)
    out = options.out or options.folder.with_name(f"{options.folder.name}-{options.kind}")
    with _bar(sum(report.rows for report in built.reports), options.folder.name) as progress:
        files = write_export(built, options.kind, out, progress)
    print(f"{out}: {files:,} files")


def _recipe(name: str, options: argparse.Namespace) -> tuple[BuildRecipe, Any]:
    given = {
        key: getattr(options, key)
        for key in inspect.signature(make_recipe).parameters
        if getattr(options, key, None) is not None
    }
    if not name.endswith(".toml"):
        return make_recipe(name, **given)
    try:
        values = tomllib.loads(read_text(Path(name)))
    except BadInput:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(
            f"{name} is no recipe ({error}): compare it with datasets/notes/recipe.toml"
        ) from None
    try:
        return read_fields(make_recipe, values | given)
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None


def _write_card(built: Any) -> None:
    from curation.card_files import write_card

    write_card(built)


@contextmanager
def _bar(total: int, name: str) -> Iterator[Callable[[int], None]]:
    """A bar of clips that is drawn when work begins: not where a folder is refused."""
    with ExitStack() as drawn:
        bars: list[tqdm[Any]] = []

        def progress(clips: int) -> None:
            if not bars:
                bar = tqdm(total=total, desc=name, unit="clip", smoothing=0.05, file=sys.stderr)
                bars.append(drawn.enter_context(bar))
            bars[0].update(clips)

        yield progress


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        with suppress(ValueError):
            if int(text) >= least:
                return int(text)
        raise argparse.ArgumentTypeError(f"{text:.40} is no whole number from {least} on")

    return number


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m curation",
        description="Make labelled music clips out of nothing, and publish them as datasets.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(run: Any, name: str, description: str = "") -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=run.__doc__.splitlines()[0],
            description=description or run.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        return added

    listing = command(list_families, "list")
    listing.add_argument("--labels", action="store_true", help="show every family's labels too")
    _add_build(command)
    checking = command(
        check,
        "check",
        "Read every clip of built folders: files that do not decode, silence, clipping, duration,\n"
        "duplicates, split leaks and label counts; and hear the labels again from the sound (pitch\n"
        "class, tempo, chord quality, key). The findings go into check.json and the card.\n"
        "Exit code 1 when a fault was found.",
    )
    checking.add_argument("folders", nargs="+", type=Path, metavar="folder", help="a built folder")
    checking.add_argument(
        "--listen",
        type=_at_least(0),
        default=500,
        help="clips to listen to, at random (default 500)",
    )
    classifying = command(
        classify,
        "classify",
        "Train a linear classifier of log-mel statistics on the train split and try it once on the\n"
        "test split. The accuracy and the confusion matrix go into the card.",
    )
    classifying.add_argument("folder", type=Path, help="a built folder, such as build/genres-small")
    previewing = command(preview, "preview")
    previewing.add_argument("folder", type=Path, help="a built folder")
    carding = command(
        card,
        "card",
        "The cards in datasets/ are made from facts.json, which is counted from a build.\n"
        "With a folder: take over its facts and pictures. With --check: fail if a card is stale.",
    )
    carding.add_argument("folder", nargs="?", type=Path, help="a built folder to take over")
    carding.add_argument("--check", action="store_true", help="only say whether cards are current")
    publishing = command(
        publish,
        "publish",
        "Upload a built and checked folder to the Hugging Face Hub. An upload that breaks off goes\n"
        "on where it was when the same command is given again. Needs a token: `hf auth login`.",
    )
    publishing.add_argument("folder", type=Path, help="a built and checked folder")
    publishing.add_argument("--to", required=True, metavar="owner/name", help="Hub dataset")
    publishing.add_argument(
        "--version", help="three numbers, which become a tag (default: the last one's, or 1.0.0)"
    )
    publishing.add_argument("--doi", help="of the dataset, once the Hub or Zenodo has given it one")
    publishing.add_argument("--private", action="store_true", help="make a private dataset")
    publishing.add_argument("--dry-run", action="store_true", help="show what would go up")
    exporting = command(
        export,
        "export",
        "Write the clips of a built folder for other libraries, the same bytes each time:\n"
        + "\n".join(f"  {name:12}{what}" for name, what in EXPORTS.items()),
    )
    exporting.add_argument("folder", type=Path, help="a built folder")
    exporting.add_argument("--as", dest="kind", choices=EXPORTS, required=True, help="for which")
    exporting.add_argument("--out", type=Path, help="folder (default: <folder>-<library>)")
    return parser


def _add_build(command: Any) -> None:
    building = command(
        build,
        "build",
        "Render datasets. A build that was stopped in any way goes on when the same command is\n"
        "given again, and ends with the same bytes.\n\npresets:\n"
        + "\n".join(f"  {name:8}{what}" for name, what in PRESETS.items()),
    )
    building.add_argument(
        "datasets", nargs="+", metavar="dataset", help="a family, a recipe.toml, or all"
    )
    building.add_argument("--preset", choices=PRESETS, help="default: small")
    building.add_argument("--out", type=Path, help="folder (default: build/<family>-<preset>)")
    building.add_argument("--clips", type=int, help="another number of clips than the preset's")
    building.add_argument("--seed", type=int, help="decides all that is left to chance (default 0)")
    building.add_argument("--sample-rate", type=int, help="Hz (default 32000, MusicGen's)")
    building.add_argument("--split", choices=SPLIT_KINDS, help="default: grouped")
    building.add_argument(
        "--vary",
        type=lambda text: nuisance.KINDS if text == "all" else tuple(text.split(",")),
        metavar="KIND,...",
        help=f"nuisance variation: all, or some of {', '.join(nuisance.KINDS)}",
    )
    building.add_argument(
        "--sound-font", help=f"name or path of a SoundFont 2 file (default {DEFAULT})"
    )
    building.add_argument("--second-sound-font", help=f"for --vary sound_font (default {SECOND})")
    building.add_argument(
        "--workers",
        type=_at_least(1),
        default=os.cpu_count() or 1,
        help="processes (default: all cores)",
    )
    add_machines(building)
