"""Make the neutral clips anew that a concept of one's own is compared with."""

from __future__ import annotations

import argparse
from pathlib import Path

from steering.commands.shared import add_model, model_of, teller


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("--out", type=Path, help="default: where teaching finds them")
    parser.add_argument("--clips", type=int, help="how many")


def run(options: argparse.Namespace) -> None:
    """Render, encode, write."""
    from steering.teaching import neutral

    tell = teller()
    out = options.out or neutral.FOLDER
    made = neutral.make_neutral(
        model_of(options),
        options.clips or neutral.CLIPS,
        lambda done, total: tell("rendering neutral clips", done, total),
    )
    neutral.save_neutral(made, out)
    print(f"{out}: {len(made)} clips")
