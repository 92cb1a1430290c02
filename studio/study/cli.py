"""The command line of studies: make one, open it, plan it, report on it, export it."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from curation.command_line import Parser, ended
from curation.errors import BadInput
from curation.extras import need

HOME = Path("build/studies")
EPILOG = """\
a study, from its design to its report:
  python -m studio study power design.toml                how many listeners it takes
  python -m studio study design.toml                      make its clips, and its link
  python -m studio study serve build/studies/NAME         open it; or, with the page:
  python -m studio --study build/studies/NAME
  python -m studio study report build/studies/NAME
  python -m studio study export build/studies/NAME
"""


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0 when it did its job, 2 for bad input."""
    given = list(arguments)
    if given and given[0] not in COMMANDS and not given[0].startswith("-"):
        given.insert(0, "make")
    options = _parser().parse_args(given)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    return ended("studio study", lambda: options.run(options), stopped="stopped")


def _make(options: argparse.Namespace) -> None:
    from sketch.cli import quieten
    from studio.study.design import read_design
    from studio.study.stimuli import make_stimuli

    quieten()
    design = read_design(options.design)
    folder = options.out or HOME / design.name
    study = make_stimuli(
        design,
        options.design.parent,
        folder,
        lambda line: print(f"studio study: {line}", flush=True),
    )
    clips = sum(map(len, study.files.values()))
    print(
        f"{folder}: {clips} clips of {design.seconds:g} s at {study.lufs:g} LUFS; {design.trials} "
        f"trials for each of {design.listeners} listeners"
    )
    print(f"open it with 'python -m studio study serve {folder}'; its link ends in /{study.link}")


def _serve(options: argparse.Namespace) -> None:
    need("page")
    from studio.cli import wait
    from studio.page import launch
    from studio.study.page import make_page_of_studies
    from studio.study.sitting import Studies, open_study

    studies = Studies([open_study(folder) for folder in options.folders])
    page = make_page_of_studies(studies)
    try:
        address = launch(
            page,
            server_name=options.host,
            hosts=options.allow_host,
            server_port=options.port,
            prevent_thread_lock=True,
        )
        for study in studies:
            print(f"{study.design.name} is at {address}{study.stimuli.link}", flush=True)
        wait()
    finally:
        page.close(verbose=False)
        studies.close()


def _power(options: argparse.Namespace) -> None:
    from studio.study.design import read_design
    from studio.study.report.power import foretold

    print(foretold(read_design(options.design), options.points, options.power))


def _report(options: argparse.Namespace) -> None:
    need("study")
    need("curation", "matplotlib")
    from studio.study.report import write_report

    print(write_report(options.folder, options.out or options.folder / "report", options.now))


def _export(options: argparse.Namespace) -> None:
    from studio.study.exports import export

    for line in export(options.folder, options.out or options.folder / "export"):
        print(line)


def _code(options: argparse.Namespace) -> None:
    from studio.study.sitting import open_study
    from studio.study.tables import hashed, tables

    study = open_study(options.folder)
    listener = study.codes().get(options.code.strip().upper())
    if listener is None:
        raise BadInput("nobody who came to the end of this study has this code")
    found = tables(study.stimuli, study.trials.kept())
    standing = found.standing(hashed(study.stimuli, listener))
    print(f"somebody who came to the end of this study has this code, and {standing}")


COMMANDS: dict[str, tuple[str, Callable[[argparse.Namespace], None]]] = {
    "make": ("make a study's clips; the word 'make' may be left out", _make),
    "serve": ("open studies for listeners, without a model", _serve),
    "power": ("how many listeners it takes to find a difference", _power),
    "report": ("what came of a study: a page in words, with pictures", _report),
    "export": ("webMUSHRA's CSV, Music Arena's JSON, Parquet for the Hub", _export),
    "code": (
        "whether a completion code is one of this study, and whether its listener counts",
        _code,
    ),
}


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m studio study",
        description="Listening studies: a design, clips made beforehand, a page, a report.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    added = {}
    for name, (text, run) in COMMANDS.items():
        added[name] = commands.add_parser(name, help=text, description=text)
        added[name].set_defaults(run=run)
    for name in ("make", "power"):
        added[name].add_argument("design", type=Path, help="a design.toml")
    for name in ("report", "export", "code"):
        added[name].add_argument("folder", type=Path, help="what 'make' wrote")
    for name in ("make", "report", "export"):
        added[name].add_argument("--out", type=Path, help="folder; one beside the study by itself")
    added["code"].add_argument("code")
    added["report"].add_argument(
        "--now", action="store_true", help="end the study with those who are there"
    )
    _add_power(added["power"])
    _add_serve(added["serve"])
    return parser


def _add_power(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--points", type=_share(0.5, 50), default=15.0, help="of 100, to be found; default 15"
    )
    parser.add_argument(
        "--power",
        type=_share(50, 99.9),
        default=80.0,
        help="per cent of studies that find them; 80",
    )


def _add_serve(parser: argparse.ArgumentParser) -> None:
    from studio.cli import LARGEST_PORT, whole

    parser.add_argument("folders", type=Path, nargs="+", help="what 'make' wrote")
    parser.add_argument("--host", help="address to serve on; this machine alone without one")
    parser.add_argument(
        "--allow-host", nargs="+", default=[], metavar="NAME", help="more names that it answers to"
    )
    parser.add_argument("--port", type=whole(1, LARGEST_PORT), help="the first free one from 7860")


def _share(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text!r:.20}: give {least:g} to {most:g}")
        return number

    return read
