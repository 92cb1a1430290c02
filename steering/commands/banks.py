"""Make all banks that come with a model, or go on making them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from steering.commands.shared import add_model, model_of, teller

BUILDS = Path("build")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from steering.directions.library import BANKS

    add_model(parser)
    parser.add_argument(
        "--families", nargs="*", help="default: all of steering.families whose clips need no extra"
    )
    parser.add_argument(
        "--methods",
        nargs="*",
        help="default: all of steering.probes; those of steering.finders, too",
    )
    parser.add_argument("--out", type=Path, default=BANKS, help="default: where shipped ones are")
    parser.add_argument("--builds", type=Path, default=BUILDS, help="where clips are built")
    parser.add_argument("--store", type=Path, help="of activations; default: BUILDS/activations")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)


def run(options: argparse.Namespace) -> None:
    """Build what is missing of the clips, the activations and the banks, in this order."""
    from steering.directions.library import folder_name
    from steering.families import get_family, usual_families
    from steering.finders.ways import check_suits, check_way, find_bank, missing_banks
    from steering.probes import methods
    from steering.training.workshop import Workshop

    wanted = options.families or usual_families()
    chosen = options.methods or list(methods())
    for family in wanted:
        get_family(family)
    for method in options.methods or ():
        check_way(method)
        check_suits(method, wanted)
    model = model_of(options)
    store = options.store or options.builds / "activations"
    workshop = Workshop(model, options.builds, store, options.workers, options.batch, teller())
    home = options.out / folder_name(model.origin.model)
    missing = list(missing_banks(home, model, wanted, chosen))
    for number, (family, method) in enumerate(missing, start=1):
        bank = find_bank(workshop, family, method)
        bank.save(home / family / method)
        best = sum(float(direction.scores.max()) for direction in bank.values()) / len(bank)
        print(
            f"{number} of {len(missing)}: {family} by {method}, {len(bank)} concepts, best layers "
            f"score {best:.3f} on validation clips"
        )
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    print(f"{home}: {size / 1e6:.1f} MB")
