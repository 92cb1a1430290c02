"""Play and judge cells, each kept as soon as it is done, so that a run that is killed goes on."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import count
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from listening.spans import cut
from sketch.parallel import begin_worker
from steering.activations.reader import read_activations
from steering.decoding.reference import Generate
from steering.directions.bank import Bank
from steering.evaluation.cells import Cell, Result, Setting, Shelf, check_labels
from steering.evaluation.heard import FORMAT, Heard, hear_clip
from steering.evaluation.plans import clips, wanted
from steering.evaluation.spans import Spans
from steering.evaluation.spread import Spread
from steering.metrics.adherence import Clap
from steering.models.interface import MusicModel
from steering.rivals import Play

AHEAD = 2
"""Batches of cells that may wait for their judges while the next is played."""

Job = Future[Heard] | Heard
Waiting = tuple[str, Result, list[Job]]
"""A cell's label, what is there of it, and what its listeners will say, clip by clip."""

Place = TypeVar("Place")
Kept = TypeVar("Kept")


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
        rivals: what plays the cells of a rival, by its name.
        workers: processes that listen; 0 for this one.
        clap: what hears adherence, if it is not the listeners.
        spread: who plays cells beside this process; a rival's are played here, where it is prepared.
    """

    model: MusicModel
    shelf: Shelf
    generate: Generate
    batch: int = 32
    workers: int = os.cpu_count() or 1
    clap: Clap | None = None
    rivals: Mapping[str, Play] = field(default_factory=dict)
    spread: Spread | None = None

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
                told = _counted(len(set(keys.values())), len(missing), progress)
                if self.spread:
                    missing = self._elsewhere(setting, missing, banks, told)
                for label, result in self.fresh(setting, list(missing.values()), banks):
                    self.shelf.keep(keys[label], result)
                    told(label)
        return {label: self._kept(keys[label]) for label in keys}

    def _elsewhere(
        self,
        setting: Setting,
        missing: Mapping[str, Cell],
        banks: Mapping[str, Bank],
        told: Callable[[str], None],
    ) -> dict[str, Cell]:
        """Have others play what needs no rival; what is left."""
        assert self.spread is not None
        keys = {cell.label: key for key, cell in missing.items()}
        pushed = [cell for cell in missing.values() if not cell.rival]
        groups = [
            [(keys[cell.label], cell) for cell in group]
            for group in _groups(pushed, self._beside(setting))
        ]
        if groups:
            self.spread.play(self.shelf, setting, groups, banks, self.batch, told)
        return self._missing(missing)

    def _beside(self, setting: Setting) -> int:
        """Cells that fill a batch together."""
        return max(1, self.batch // len(setting.asks))

    def _missing(self, wanted: Mapping[str, Kept]) -> dict[str, Kept]:
        return {key: one for key, one in wanted.items() if self.shelf.find(key) is None}

    def _kept(self, key: str) -> Result:
        result = self.shelf.find(key)
        assert result is not None, "a cell that was just kept is there"
        return result

    def hear(
        self, setting: Setting, wanted: Mapping[Place, tuple[Result, Spans]]
    ) -> dict[Place, Result]:
        """Some spans of cells that were played: all that is heard there, from the codes that are kept.

        It is kept in files of its own, under what it is heard in, so that a cell of an earlier run
        need not be played again.
        """
        keys = {place: self._key_of(setting, *one) for place, one in wanted.items()}
        missing = self._missing({keys[place]: one for place, one in wanted.items()})
        if missing:
            with self.shelf.playing(setting), _pool(self.workers) as pool:
                for key, (result, spans) in self._missing(missing).items():
                    self.shelf.keep(key, self._heard(setting, result["codes"], spans, pool))
        return {place: self._kept(key) for place, key in keys.items()}

    def _key_of(self, setting: Setting, result: Result, spans: Spans) -> str:
        """Digits of the sound, of where in it is listened, and of who listens."""
        about = [FORMAT, setting.origin.revision, spans, setting.heard_by()]
        found = blake2b(json.dumps(about).encode(), digest_size=10)
        found.update(result["codes"].tobytes())
        return found.hexdigest()

    def _heard(
        self, setting: Setting, codes: np.ndarray, spans: Spans, pool: Executor | None
    ) -> Result:
        jobs, cosines = [], []
        for start in range(0, len(codes), self.batch):
            part = torch.from_numpy(codes[start : start + self.batch].astype(np.int64))
            sound = self.model.decode(part.to(self.model.device)).cpu().numpy()
            rate = self.model.sample_rate
            asked = [ask.text["plain"] for ask in setting.asks[start : start + self.batch]]
            cosines += self._cosines([cut(one, rate, spans) for one in sound], asked)
            jobs += _listened(pool, sound, rate, spans)
        return _stacked(jobs) | ({"clap": np.concatenate(cosines)} if cosines else {})

    def fresh(
        self, setting: Setting, cells: Sequence[Cell], banks: Mapping[str, Bank]
    ) -> Iterator[tuple[str, Result]]:
        """Play some cells while others are listened to; of few clips, as many as fill a batch."""
        with _pool(self.workers) as pool:
            waiting: list[list[Waiting]] = []
            for group in _groups(cells, self._beside(setting)):
                waiting.append(self._play(group, setting, banks, pool))
                while waiting and (len(waiting) > AHEAD or _done(waiting[0])):
                    yield from map(_collect, waiting.pop(0))
            for played in waiting:
                yield from map(_collect, played)

    def _play(
        self,
        cells: Sequence[Cell],
        setting: Setting,
        banks: Mapping[str, Bank],
        pool: Executor | None,
    ) -> list[Waiting]:
        """Codes and activations of cells side by side, and what their listeners will say."""
        count = len(setting.asks)
        asked = [ask.text["plain"] for ask in setting.asks] * len(cells)
        codes, states, cosines, jobs = [], [], [], []
        for start, made in self._made(cells, setting, banks):
            end = start + len(made)
            codes.append(made.cpu().numpy().astype(np.int16))
            states.append(read_activations(self.model, made)[:, 0].numpy().astype(np.float16))
            sound = self.model.decode(made).cpu().numpy()
            cosines += self._cosines(list(sound), asked[start:end])
            jobs += _listened(pool, sound, self.model.sample_rate)
        made_of = {"codes": np.concatenate(codes), "states": np.concatenate(states)}
        if cosines:
            made_of["clap"] = np.concatenate(cosines)
        found = []
        for place, cell in enumerate(cells):
            own = slice(place * count, (place + 1) * count)
            part = {name: values[own] for name, values in made_of.items()}
            found.append((cell.label, part, jobs[own]))
        return found

    def _made(
        self, cells: Sequence[Cell], setting: Setting, banks: Mapping[str, Bank]
    ) -> Iterator[tuple[int, Tensor]]:
        """The clips of cells side by side, or of one of a rival: where each batch begins, its codes."""
        rival, rate = cells[0].rival, self.model.frame_rate
        if rival:
            play: Play = partial(self.rivals[rival], amount=cells[0].amount)
            asked: Sequence[Any] = wanted(cells[0], setting)
        else:
            play = self.generate
            asked = [clip for cell in cells for clip in clips(cell, setting, banks, rate)]
        for start in range(0, len(asked), self.batch):
            some = asked[start : start + self.batch]
            yield start, play(some, setting.seconds, setting.sampling)

    def _cosines(self, sounds: Sequence[np.ndarray], asked: Sequence[str]) -> list[np.ndarray]:
        """What CLAP hears of the prompts, where it is at hand."""
        if self.clap is None:
            return []
        return [self.clap.score(sounds, self.model.sample_rate, asked)]


def _counted(
    total: int, missing: int, progress: Callable[[Progress], None]
) -> Callable[[str], None]:
    """What is told the label of every cell that has come to be there, and tells the progress."""
    start, finished = time.monotonic(), count(1)

    def told(label: str) -> None:
        made = next(finished)
        pace = (time.monotonic() - start) / made
        progress(Progress(total - missing + made, total, pace * (missing - made), label))

    return told


def _groups(cells: Sequence[Cell], most: int) -> list[Sequence[Cell]]:
    """Cells that are played side by side; one of a rival is played by itself."""
    pushed = [cell for cell in cells if not cell.rival]
    groups: list[Sequence[Cell]] = [[cell] for cell in cells if cell.rival]
    return [pushed[start : start + most] for start in range(0, len(pushed), most)] + groups


def _listened(
    pool: Executor | None, sound: np.ndarray, rate: int, spans: Spans | None = None
) -> list[Job]:
    """Clips ``[B, N]`` given to the listeners."""
    if pool is None:
        return [hear_clip(audio, rate, spans) for audio in sound]
    return [pool.submit(hear_clip, audio, rate, spans) for audio in sound]


def _done(group: Sequence[Waiting]) -> bool:
    return all(job.done() for _, _, jobs in group for job in jobs if isinstance(job, Future))


def _collect(one: Waiting) -> tuple[str, Result]:
    label, result, jobs = one
    return label, result | _stacked(jobs)


def _stacked(jobs: Sequence[Job]) -> Result:
    heard = [job.result() if isinstance(job, Future) else job for job in jobs]
    return {name: np.stack([one[name] for one in heard]) for name in heard[0]}


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
