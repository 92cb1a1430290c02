"""How fast the sketch's language model learns, the ways to share the cores side by side in one run.

    python -m benchmarks.training      half a minute on two cores

A step is on eight crops of eight seconds of codes that mean nothing. The ways take turns, medians count.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from benchmarks.parts import Lines, print_parts
from sketch.codec.books import Codebooks
from sketch.codec.stems import BOOKS_FILE, ENTRIES
from sketch.language.batches import Batch
from sketch.language.train import fast_precision, start, step
from sketch.loading import WEIGHTS

ROUNDS = 5
CLIPS, FRAMES, WORDS = 8, 400, 24


def random_batch(books: int) -> Batch:
    codes = torch.randint(ENTRIES, (CLIPS, books, FRAMES + 1))
    words = torch.randint(3, 500, (CLIPS, WORDS))
    return Batch(codes[..., :-1], codes[..., 1:], words, torch.ones_like(words), torch.ones(CLIPS))


def training_part(books: Codebooks) -> Lines:
    """Frames a second, and how many times those of the first way."""
    threads, fast = torch.get_num_threads(), fast_precision("cpu")
    ways = {
        "float32, all threads in every product": (torch.float32, 1),
        f"{fast}, all threads in every product": (fast, 1),
        f"{fast}, {threads} parts of a batch, a thread each": (fast, threads),
    }
    runs = {}
    for name, (precision, parts) in ways.items():
        runs[name] = start(books, torch.device("cpu"), precision)
        runs[name].side_by_side = parts
    batch = random_batch(len(books.places))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, run in runs.items():
            begun = time.perf_counter()
            step(run, batch)
            seconds[name].append(time.perf_counter() - begun)
    rates = {n: CLIPS * FRAMES / float(np.median(found[1:])) for n, found in seconds.items()}
    slowest = next(iter(rates.values()))
    return [(name, f"{r:,.0f} frames a second, {r / slowest:.2f}") for name, r in rates.items()]


def main() -> None:
    print_parts({"training": training_part}, Codebooks.load(WEIGHTS / BOOKS_FILE), None, None)


if __name__ == "__main__":
    main()
