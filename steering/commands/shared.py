"""What several commands ask for and show."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from sketch.cli import quieten
from steering.models import MusicModel, load_model


def add_model(parser: argparse.ArgumentParser) -> None:
    """The options that say which model."""
    parser.add_argument("--model", default="sketch", help="sketch, a name on the Hub, or a folder")
    parser.add_argument("--backend", default="transformers", help="transformers or audiocraft")
    parser.add_argument("--device", help="default: the GPU if there is one")


def model_of(options: argparse.Namespace) -> MusicModel:
    """The model that the options name."""
    quieten()
    return load_model(options.model, options.backend, options.device)


def teller() -> Callable[[str, int, int], None]:
    """A progress of many parts on one line of the terminal; a log gets a line every tenth."""
    shown: dict[str, int] = {}
    live = sys.stderr.isatty()

    def tell(what: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if not live and shown.get(what) == tenth:
            return
        shown[what] = tenth
        end = "\r" if live and done < total else "\n"
        print(f"{what}: {done:,} of {total:,}", end=end, file=sys.stderr, flush=True)

    return tell
