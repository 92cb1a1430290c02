"""The command line: read activations, train banks, look at them, generate."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from curation.errors import BadInput
from sketch.cli import quieten
from steering.commands import generate as generating
from steering.commands.shared import add_model

STORE = Path("build/activations")
COMMANDS = ("evaluate", "banks", "bank", "listeners", "convert")
"""Modules of `steering.commands`."""

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
    try:
        options.run(options)
    except BadInput as error:
        print(f"steering: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("steering: stopped; give the same command again to go on", file=sys.stderr)
        return 130
    return 0


def activations(options: argparse.Namespace) -> None:
    """Read a dataset's activations to disk, or go on reading them."""
    store = _read(options)
    clips, pools, layers, size = store.values.shape
    print(
        f"{clips:,} clips, {pools} x {layers} layers x {size}: {store.values.nbytes / 1e6:.0f} MB"
    )


def train(options: argparse.Namespace) -> None:
    """Train a bank: one direction per class of a label, or one for a number."""
    from steering.training import table, train_bank

    store = _read(options)
    data = table(store, options.label, options.by, options.concepts)
    origin = options.loaded.origin
    facts = {**store.facts, "label": options.label, "split": options.by}
    bank, fitted = train_bank(
        data, origin, str(store.facts["dataset"]), options.method, facts, options.seed
    )
    bank.save(options.out)
    for place, name in enumerate(data.concepts):
        best = int(fitted.scores[place].argmax())
        print(f"  {name:12} layer {best}: {fitted.scores[place, best]:.3f} on validation clips")
    print(f"{options.out}: {len(bank)} concepts by {options.method}")


def inspect(options: argparse.Namespace) -> None:
    """Show a bank's layer scores and how alike its directions are, and draw both."""
    from steering.directions import load_bank
    from steering.pictures import draw_bank

    bank = load_bank(options.bank)
    print(f"{bank.family} by {bank.method}, for {bank.origin.model} ({bank.origin.revision})")
    for name, direction in bank.items():
        scores = " ".join(f"{score:.2f}" for score in direction.scores.tolist())
        print(f"  {name:12} {scores}")
    picture = options.bank / "bank.png"
    draw_bank(bank, picture)
    print(f"look at {picture}")


def generate(options: argparse.Namespace) -> None:
    """Play a prompt twice, steered and not, with the same noise; or a recipe again."""
    generating.run(options)


def _read(options: argparse.Namespace) -> Any:
    from steering.activations import read_source
    from steering.models import load_model
    from steering.sources import open_source

    source = open_source(options.dataset)
    quieten()
    options.loaded = load_model(options.model, options.backend, options.device)
    with tqdm(total=source.clips, unit=" clips", disable=None, leave=False) as bar:
        return read_source(
            options.loaded, source, options.store, options.pooling, options.batch, bar.update
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m steering",
        description=(__doc__ or "").splitlines()[0],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for run in (activations, train, inspect, generate):
        text = (run.__doc__ or "").splitlines()[0]
        added = commands.add_parser(run.__name__, help=text, description=text)
        added.set_defaults(run=run)
        if run is not inspect:
            add_model(added)
        if run in (activations, train):
            _add_reading(added)
        if run is train:
            _add_training(added)
        if run is inspect:
            added.add_argument("bank", type=Path)
        if run is generate:
            generating.add_arguments(added)
    for name in COMMANDS:
        module = importlib.import_module(f"steering.commands.{name}")
        text = (module.__doc__ or "").splitlines()[0]
        added = commands.add_parser(name, help=text, description=text)
        module.add_arguments(added)
        added.set_defaults(run=module.run)
    return parser


def _add_reading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="a build, a dataset on the Hub, or a folder of audio")
    parser.add_argument("--pooling", default="mean", help="mean, last or second")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--store", type=Path, default=STORE, help=f"default: {STORE}")


def _add_training(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("label", help="what to find directions for, as pitch_class")
    parser.add_argument("--out", type=Path, required=True, help="folder of the bank")
    parser.add_argument("--method", default="rfm")
    parser.add_argument("--concepts", nargs="*", help="classes to keep apart; default: all")
    parser.add_argument("--by", default="split", choices=("split", "random_split"))
    parser.add_argument("--seed", type=int, default=0)
