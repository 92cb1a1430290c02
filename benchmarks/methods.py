"""What a concept costs to learn, by every way side by side in one run: probes, finders, adapters.

    python -m benchmarks.methods                       notes in songs; half an hour on one core
    python -m benchmarks.methods --family triads_in_songs --only ridge lora

Reading comes before all of it and is told apart: sound to codes, and codes to the activations that probes
are fitted on. It is timed on some of the clips. Adapters that were trained before are not trained again:
they say what they cost then.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from benchmarks.parts import Lines, print_parts
from steering.activations.reader import read_activations
from steering.activations.sources import BuiltSource, resampled
from steering.directions.bank import Bank
from steering.families import concepts_of, get_family
from steering.finders import finders
from steering.finders.ways import find_bank, suits
from steering.models import load_model
from steering.probes import methods
from steering.rivals import lora
from steering.training.likelihood import has_classes, read_examples
from steering.training.workshop import Workshop

TIMED = 16
"""Clips that are read."""

ADAPTERS = "lora"


def reading_part(workshop: Workshop, family: str) -> Lines:
    """Seconds of reading all clips of a family, from those of a few."""
    training, model = get_family(family).training, workshop.model
    source = BuiltSource(workshop.datasets / training.folder(workshop.preset))
    clips = list(islice(source.read(0), TIMED))
    audio = torch.from_numpy(np.stack([resampled(clip, model.sample_rate) for clip in clips]))
    begun = time.perf_counter()
    codes = model.encode(audio.to(model.device))
    encoded = time.perf_counter()
    read_activations(model, codes, training.pooling)
    read = time.perf_counter()
    parts = {"sound to codes": encoded - begun, "codes to activations": read - encoded}
    share = source.clips / len(clips)
    said = f"{source.clips:,} clips, from {len(clips)} of them"
    return [
        ("clips", said),
        *((what, f"{spent * share:.0f} s in all") for what, spent in parts.items()),
    ]


def learning_part(workshop: Workshop, family: str, only: Sequence[str]) -> Lines:
    """Seconds of learning, a concept and in all, once everything is read."""
    workshop.table(family)
    if has_classes(family):
        read_examples(workshop, family)
    names = [name for name in (*methods(), *finders()) if suits(family, name)]
    names += [ADAPTERS] if has_classes(family) else []
    lines = []
    for name in [name for name in names if name in only or not only]:
        spent = _adapters(workshop, family) if name == ADAPTERS else _bank(workshop, family, name)
        each = spent / len(concepts_of(family))
        lines.append((name, f"{each:.2f} s a concept, {spent:.1f} s in all"))
    return lines


def _bank(workshop: Workshop, family: str, method: str) -> float:
    begun = time.perf_counter()
    bank: Bank = find_bank(workshop, family, method)
    spent = time.perf_counter() - begun
    return float(bank.facts.get("seconds", spent))


def _adapters(workshop: Workshop, family: str) -> float:
    return sum(float(str(facts["seconds"])) for _, facts in lora.trained(workshop, family).values())


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--family", default="notes_in_songs")
    parser.add_argument("--only", nargs="*", default=[], help="methods; default: all")
    parser.add_argument("--model", default="sketch")
    parser.add_argument("--builds", type=Path, default=Path("build"), help="where clips are built")
    parser.add_argument("--json", type=Path, help="write the table there too")
    options = parser.parse_args(arguments)
    model = load_model(options.model)
    workshop = Workshop(model, options.builds, options.builds / "activations")
    workshop.table(options.family)
    parts = {
        "reading": lambda given: reading_part(given, options.family),
        "learning": lambda given: learning_part(given, options.family, options.only),
    }
    print_parts(parts, workshop, None, options.json)


if __name__ == "__main__":
    main()
