"""Read a dataset's activations to disk, or go on reading them."""

from __future__ import annotations

import argparse

from curation.machines import add_machines, machines_of
from steering.commands.shared import add_model, add_reading, read_store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_reading(parser)
    add_machines(parser)


def run(options: argparse.Namespace) -> None:
    """Every clip of the dataset through the model once."""
    store, _ = read_store(options, machines_of(options))
    clips, pools, layers, size = store.values.shape
    print(
        f"{clips:,} clips, {pools} x {layers} layers x {size}: {store.values.nbytes / 1e6:.0f} MB"
    )
