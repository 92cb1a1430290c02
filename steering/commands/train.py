"""Train a bank: one direction per class of a label, or one for a number."""

from __future__ import annotations

import argparse
from pathlib import Path

from curation.errors import BadInput
from steering.commands.shared import add_model, add_reading, read_store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_reading(parser)
    parser.add_argument("label", help="what to find directions for, as pitch_class")
    parser.add_argument("--out", type=Path, required=True, help="folder of the bank")
    parser.add_argument("--method", default="rfm")
    parser.add_argument("--concepts", nargs="*", help="classes to keep apart; default: all")
    parser.add_argument("--by", default="split", choices=("split", "random_split"))
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> None:
    """Read what is not read yet, fit all concepts at all layers, and write the bank."""
    from steering.finders import finders
    from steering.probes import get_method
    from steering.training.banks import table, train_bank

    if options.method in finders():
        raise BadInput(
            f"{options.method} finds the directions of a whole family: use 'python -m steering banks "
            f"--methods {options.method} --families FAMILY --out FOLDER'"
        )
    get_method(options.method)
    store, model = read_store(options)
    data = table(store, options.label, options.by, options.concepts)
    facts = {**store.facts, "label": options.label, "split": options.by}
    bank, fitted = train_bank(
        data,
        model.origin,
        str(store.facts["dataset"]),
        options.method,
        facts,
        options.seed,
        device=model.device,
    )
    bank.save(options.out)
    for place, name in enumerate(data.concepts):
        best = int(fitted.scores[place].argmax())
        print(f"  {name:12} layer {best}: {fitted.scores[place, best]:.3f} on validation clips")
    print(f"{options.out}: {len(bank)} concepts by {options.method}")
