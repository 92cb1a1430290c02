"""A step as one launch: captured once as a CUDA graph, then replayed.

A captured step can have no numbers that change, so everything that does is kept in tensors: the
position, the noise, what the plans add. Attention sees a fixed part of the cache, of which the future
is masked; there is a graph for each multiple of ``REACH`` positions, so that early steps read little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

import torch
from torch import Tensor

from steering.decoding.generation import Generation, next_codes
from steering.decoding.injections import Injections
from steering.decoding.moment import Applied, Moment

REACH = 256
_CAPTURE = Lock()
"""Held while a graph is captured: one at a time in a process."""


class StaticStep:
    """Steps of one generation on fixed tensors; a stand-in for `eager_step`.

    Without a GPU it works too, without being captured: so it is tested.

    Args:
        reach: positions by which the view of the cache grows.
    """

    def __init__(self, generation: Generation, reach: int = REACH) -> None:
        device = generation.columns.device
        self.capturing = device.type == "cuda"
        self.length = len(generation.positions)
        self.reach = reach if generation.fused.gpu is None else self.length
        self.place = torch.zeros(1, dtype=torch.long, device=device)
        self.column = torch.zeros(1, dtype=torch.long, device=device)
        self.places = torch.arange(self.length, device=device)
        self.noise: Tensor | None = None
        self._prepare(generation.injections)

    def __call__(
        self, generation: Generation, place: int, moment: Moment, noise: Tensor | None
    ) -> None:
        """One step, as `eager_step` makes it."""
        if generation.injections.all is not self.injected:
            self._prepare(generation.injections)
        self.place.fill_(place)
        self.column.fill_(generation.step - generation.origin)
        if noise is not None:
            self.noise = noise.clone() if self.noise is None else self.noise.copy_(noise)
        self._take(moment.applied)
        seen = min(self.length, (place // self.reach + 1) * self.reach)
        if not self.capturing:
            self._step(generation, seen)
            return
        if seen not in self.graphs:
            assert generation.cache is not None  # its memory is there before anything is captured
            self.graphs[seen] = captured(lambda: self._step(generation, seen))
        self.graphs[seen]()

    def _prepare(self, injections: Injections) -> None:
        """Tensors for what the plans do; what was captured with others no longer counts."""
        self.injected = injections.all
        self.applied = [
            Applied(one, number, one.vectors[0].new_zeros(one.shape), [True] * one.shape[0])
            for number, one in enumerate(injections.all)
        ]
        self.graphs: dict[int, Callable[[], None]] = {}

    def _take(self, applied: Sequence[Applied]) -> None:
        """What the plans do now, into the tensors that the graph reads."""
        now = {one.number: one.amounts for one in applied}
        for kept in self.applied:
            amounts = now.get(kept.number)
            if amounts is None:
                kept.amounts.zero_()
            else:
                kept.amounts.copy_(amounts)

    def _step(self, generation: Generation, seen: int) -> None:
        columns, positions = generation.columns, generation.positions
        mask = None if generation.fused.gpu is not None else self._hidden(seen, positions)
        codes = next_codes(
            generation,
            columns.index_select(2, self.column).squeeze(2),
            positions.index_select(0, self.place),
            (self.place, seen, mask),
            Moment(lambda: self.applied),
            self.noise,
        )
        known = generation.known.index_select(2, self.column)
        new = torch.where(known, codes.unsqueeze(2), generation.nothing)
        columns.index_copy_(2, self.column + 1, new)

    def _hidden(self, seen: int, like: Tensor) -> Tensor:
        """A mask of what is not there yet ``[1, 1, seen]``."""
        mask = torch.zeros(seen, device=like.device, dtype=like.dtype)
        return mask.masked_fill(self.places[:seen] > self.place, float("-inf")).view(1, 1, seen)


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """A step as a graph; it is run before, as capture wants it, which does no harm twice."""
    with _CAPTURE:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            step()
    return graph.replay
