"""Show a bank's layer scores and how alike its directions are, and draw both."""

from __future__ import annotations

import argparse
from pathlib import Path

from curation.extras import need


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bank", type=Path)


def run(options: argparse.Namespace) -> None:
    """A line per concept, and ``bank.png`` beside the bank."""
    need("curation", "matplotlib")
    from steering.directions.bank import load_bank
    from steering.directions.drawing import draw_bank

    bank = load_bank(options.bank)
    print(f"{bank.family} by {bank.method}, for {bank.origin.model} ({bank.origin.revision})")
    for name, direction in bank.items():
        scores = " ".join(f"{score:.2f}" for score in direction.scores.tolist())
        print(f"  {name:12} {scores}")
    picture = options.bank / "bank.png"
    draw_bank(bank, picture)
    print(f"look at {picture}")
