"""A step as one launch: captured once as a CUDA graph, then replayed.

A captured step can have no numbers that change, so everything that does is kept in tensors: the
position, the noise, what the plans add. Attention sees a fixed part of the cache, of which the future
is masked; there is a graph for each multiple of ``REACH`` positions, so that early steps read little.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from weakref import proxy

import torch
from torch import Tensor

from steering.decoding.batch import Run, chained
from steering.decoding.injections import Stage

REACH = 256
_CAPTURE = Lock()
"""Held while a graph is captured: one at a time in a process."""


class StaticStep:
    """Steps of one run on fixed tensors; a stand-in for `Run.eager`.

    Without a GPU it works too, without being captured: so it is tested.

    Args:
        reach: positions by which the view of the cache grows.
    """

    def __init__(self, run: Run, reach: int = REACH) -> None:
        self.run: Run = proxy(run)  # which holds this: its memory is to be free as soon as it ends
        self.reach = reach
        device = run.columns.device
        self.capturing = device.type == "cuda"
        self.length = len(run.positions)
        self.place = torch.zeros(1, dtype=torch.long, device=device)
        self.column = torch.zeros(1, dtype=torch.long, device=device)
        self.places = torch.arange(self.length, device=device)
        self.noise: Tensor | None = None
        self.stages = [_still(stage, run.fused.size) for stage in run.pushes.stages]
        self.steps: dict[int, Callable[[], None]] = {}

    def __call__(self, place: int, stages: list[Stage], noise: Tensor | None) -> None:
        """One step, as `Run.eager` makes it."""
        self.place.fill_(place)
        self.column.fill_(self.run.step)
        if noise is not None:
            self.noise = noise.clone() if self.noise is None else self.noise.copy_(noise)
        self._take(stages)
        seen = min(self.length, (place // self.reach + 1) * self.reach)
        if seen not in self.steps:
            self.steps[seen] = self._made(seen)
        self.steps[seen]()

    def _take(self, stages: list[Stage]) -> None:
        """What the plans do now, into the tensors that the graph reads."""
        active = {id(stage.vectors): stage.now for stage in stages}
        for still in self.stages:
            now = active.get(id(still.vectors))
            assert still.now is not None
            if now is None:
                still.now.zero_()
            else:
                still.now.copy_(now)

    def _step(self, seen: int) -> None:
        run = self.run
        hidden = torch.zeros(seen, device=run.columns.device, dtype=run.positions.dtype)
        hidden = hidden.masked_fill(self.places[:seen] > self.place, float("-inf")).view(1, 1, seen)
        codes = run.next_codes(
            run.columns.index_select(2, self.column).squeeze(2),
            run.positions.index_select(0, self.place),
            (self.place, seen, hidden),
            chained(self.stages),
            self.noise,
        )
        known = run.known.index_select(2, self.column)
        new = torch.where(known, codes.unsqueeze(2), run.nothing)
        run.columns.index_copy_(2, self.column + 1, new)

    def _made(self, seen: int) -> Callable[[], None]:
        """The step as a graph; it is run before, as capture wants it, which does no harm twice."""
        if not self.capturing:
            return lambda: self._step(seen)
        with _CAPTURE:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(2):
                    self._step(seen)
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._step(seen)
        replay: Callable[[], None] = graph.replay
        return replay


def _still(stage: Stage, size: int) -> Stage:
    """A stage whose tensors stay where they are, at work on all layers."""
    layers, rows, _ = stage.vectors[0].shape
    width = size if stage.operator == "add" else 1
    now = stage.vectors[0].new_zeros(layers, rows, width)
    return Stage(stage.operator, stage.concepts, stage.vectors, now, [True] * layers)
