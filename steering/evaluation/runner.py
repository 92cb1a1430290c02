"""Play and judge cells, each kept as soon as it is done, so that a run that is killed goes on."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from sketch.parallel import begin_worker
from steering.activations.reader import read_activations
from steering.decoding.clip import Clip
from steering.decoding.sampling import Sampling
from steering.directions.bank import Bank
from steering.evaluation.cells import Cell, Result, Setting, Shelf, check_labels
from steering.evaluation.heard import hear_clip
from steering.evaluation.plans import clips
from steering.metrics.adherence import Clap
from steering.models.interface import MusicModel

Generate = Callable[[Sequence[Clip], float, Sampling], Tensor]
"""``(clips, seconds, sampling) -> codes [B, K, T]``, as `steering.decoding.decoder.Decoder.generate`."""

AHEAD = 2
"""Cells that may wait for their judges while the next is played."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        done: cells, of ``total``. left: seconds that the others will take, nan before the first.
        label: of the cell that was just finished.
    """

    done: int
    total: int
    left: float
    label: str

    def __str__(self) -> str:
        left = "" if np.isnan(self.left) else f", {self.left / 60:.0f} min left"
        return f"{self.done} of {self.total} cells{left}: {self.label}"


@dataclass
class Runner:
    """What plays cells.

    Args:
        generate: how clips become codes.
        batch: clips that are generated side by side.
        workers: processes that listen; 0 for this one.
        clap: what hears adherence, if it is not the listeners.
    """

    model: MusicModel
    shelf: Shelf
    generate: Generate
    batch: int = 32
    workers: int = os.cpu_count() or 1
    clap: Clap | None = None

    def run(
        self,
        setting: Setting,
        cells: Sequence[Cell],
        banks: Mapping[str, Bank],
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> dict[str, Result]:
        """Results of all cells by their labels; those kept by an earlier run are not played again.

        Of two runs that share clips one plays at a time, and the other finds what the first has kept.
        """
        check_labels(cells)
        keys = {cell.label: setting.key(cell, banks) for cell in cells}
        missing = self._missing({keys[cell.label]: cell for cell in cells})
        if missing:
            with self.shelf.playing(setting):
                missing = self._missing(missing)
                total, start = len(set(keys.values())), time.monotonic()
                done = total - len(missing)
                fresh = self._fresh(setting, list(missing.values()), banks)
                for count, (label, result) in enumerate(fresh, start=1):
                    self.shelf.keep(keys[label], result)
                    pace = (time.monotonic() - start) / count
                    progress(Progress(done + count, total, pace * (len(missing) - count), label))
        return {label: self._kept(keys[label]) for label in keys}

    def _missing(self, cells: Mapping[str, Cell]) -> dict[str, Cell]:
        return {key: cell for key, cell in cells.items() if self.shelf.find(key) is None}

    def _kept(self, key: str) -> Result:
        result = self.shelf.find(key)
        assert result is not None, "a cell that was just kept is there"
        return result

    def _fresh(
        self, setting: Setting, cells: Sequence[Cell], banks: Mapping[str, Bank]
    ) -> Iterator[tuple[str, Result]]:
        """Play one cell while others are listened to."""
        with _pool(self.workers) as pool:
            waiting: list[tuple[str, Result, list[Future] | list]] = []
            for cell in cells:
                waiting.append((cell.label, *self._play(cell, setting, banks, pool)))
                while waiting and (len(waiting) > AHEAD or _done(waiting[0][2])):
                    yield _collect(*waiting.pop(0))
            for one in waiting:
                yield _collect(*one)

    def _play(
        self, cell: Cell, setting: Setting, banks: Mapping[str, Bank], pool: Executor | None
    ) -> tuple[Result, list]:
        """Codes and activations of a cell, and what its listeners will say."""
        wanted = clips(cell, setting, banks, self.model.frame_rate)
        codes, states, cosines, jobs = [], [], [], []
        for start in range(0, len(wanted), self.batch):
            part = wanted[start : start + self.batch]
            made = self.generate(part, setting.seconds, setting.sampling)
            codes.append(made.cpu().numpy().astype(np.int16))
            states.append(read_activations(self.model, made)[:, 0].numpy().astype(np.float16))
            sound, rate = self.model.decode(made).cpu().numpy(), self.model.sample_rate
            if self.clap is not None:
                asked = [ask.text["plain"] for ask in setting.asks[start : start + self.batch]]
                cosines.append(self.clap.score(list(sound), rate, asked))
            for audio in sound:
                jobs.append(pool.submit(hear_clip, audio, rate) if pool else hear_clip(audio, rate))
        made_of = {"codes": np.concatenate(codes), "states": np.concatenate(states)}
        if cosines:
            made_of["clap"] = np.concatenate(cosines)
        return made_of, jobs


def _done(jobs: list) -> bool:
    return all(job.done() for job in jobs if isinstance(job, Future))


def _collect(label: str, result: Result, jobs: list) -> tuple[str, Result]:
    heard = [job.result() if isinstance(job, Future) else job for job in jobs]
    return label, result | {name: np.stack([one[name] for one in heard]) for name in heard[0]}


@contextmanager
def _pool(workers: int) -> Iterator[Executor | None]:
    """Processes with one thread each, started fresh: a fork of one with threads can hang."""
    if workers < 1:
        yield None
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, begin_worker)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
