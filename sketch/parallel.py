"""One function over many jobs, in processes of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch

from curation.compiled import compile_librosa
from curation.workers import die_with_parent


def spread(function: Callable[..., Any], jobs: Sequence[tuple], workers: int) -> Iterator[Any]:
    """Results of ``function(*job)`` in the order of the jobs; with one worker, in this process.

    Each has one thread. They are started fresh: a fork of a process whose torch has threads can hang.
    """
    if workers <= 1 or len(jobs) <= 1:
        for job in jobs:
            yield function(*job)
        return
    compile_librosa()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, begin_worker) as pool:
        yield from pool.map(function, *zip(*jobs, strict=True))


def begin_worker() -> None:
    """In a worker: one thread, and no life after its parent's."""
    die_with_parent()
    torch.set_num_threads(1)
