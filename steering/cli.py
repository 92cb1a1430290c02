"""The command line: read activations, train banks, look at them, generate."""

from __future__ import annotations

import argparse
import importlib
import logging
from collections.abc import Sequence

from curation.command_line import Parser, ended

COMMANDS = (
    "activations", "train", "inspect", "generate", "evaluate", "banks", "bank", "listeners", "neutral", "teach",
    "convert",
)  # fmt: skip
"""Modules of `steering.commands`, in the order in which they are listed."""

EPILOG = """\
first steps:
  python -m curation build notes
  python -m steering train build/notes-small pitch_class --method rfm --out build/banks/notes
  python -m steering inspect build/banks/notes
  python -m steering generate "calm jazz with a flute" --bank build/banks/notes --steer C=0.05
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did its job, 2 for bad input."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    return ended("steering", lambda: options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m steering",
        description=(__doc__ or "").splitlines()[0],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for name in COMMANDS:
        module = importlib.import_module(f"steering.commands.{name}")
        text = (module.__doc__ or "").splitlines()[0]
        added = commands.add_parser(name, help=text, description=text)
        module.add_arguments(added)
        added.set_defaults(run=module.run)
    return parser
