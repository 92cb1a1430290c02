"""``steering-music ROOM ...``: what ``python -m ROOM ...`` does, wherever the package is installed."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

ROOMS = {
    "studio": "the page: compose, listen, play live, test blind",
    "steering": "read activations, train banks, generate, evaluate",
    "curation": "build, check and publish datasets",
    "sketch": "play the built-in model, or train it anew",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Hand what follows the room's name to that room's command line; its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given[:1])
    room = importlib.import_module(f"{options.room}.cli")
    return room.main(given[1:])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="steering-music",
        usage="%(prog)s ROOM ...",
        description="Find musical concepts inside MusicGen and steer the frozen model with them.",
        epilog="\n".join(f"{name:10} {about}" for name, about in ROOMS.items())
        + "\n\n'steering-music ROOM --help' tells more of each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("room", choices=ROOMS, metavar="ROOM", help="one of the names below")
    return parser
