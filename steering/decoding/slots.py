"""Generations side by side: a step of the decoder is a step of all who are there at that moment.

Whoever plays has a slot: a position, noise, a prompt, plans, sampling and memory of its own. Between two steps
anyone may come or go. On the CPU all rows go through the compiled loops in one call, each by the same
operations in the same order as alone, so that nobody hears who else is there; on a GPU they go through
`steering.decoding.captured_slots`. Elsewhere, and where an operator has no loop, a generation steps by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from weakref import ref

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from steering.decoding.captured_slots import Begun, CapturedSlots
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.fused import Fused
from steering.decoding.generation import Generation, eager_step
from steering.decoding.matmul import MOST_ROWS
from steering.decoding.moment import Moment
from steering.decoding.pushes import Arrays, no_pushes


class Slots:
    """Makes steps of any generations of one decoder.

    Args:
        captured: the slots of a GPU; such as there are where the decoder has its kernels.
    """

    def __init__(self, fused: Fused, captured: CapturedSlots | None = None) -> None:
        self.fused = fused
        if captured is None and fused.gpu is not None:
            captured = CapturedSlots(fused)
        self._captured = captured
        self._layout: _Layout | None = None

    @torch.inference_mode()
    def step(self, runs: Sequence[Generation]) -> None:
        """One step of each, at its own position."""
        together: list[tuple[Generation, Begun]] = []
        each = [(run, run.begin()) for run in runs]
        if self._captured is not None:
            each = self._captured.step(each)
        for run, begun in each:
            if len(runs) > 1 and self._fits(run, begun[1]):
                together.append((run, begun))
            else:
                run.make_step(run, *begun)
                run.finish()
        if together:
            self._step([run for run, _ in together], [begun for _, begun in together])

    def _fits(self, run: Generation, moment: Moment) -> bool:
        known = self.fused.loops is not None and run.make_step is eager_step
        return known and moment.pushes is not None

    def _step(self, runs: list[Generation], begun: list[Begun]) -> None:
        known = self._layout
        if known is None or not known.is_of(runs):
            known = self._layout = _Layout(runs)
        loops = self.fused.loops
        assert loops is not None
        x = self._embedded(runs, known, [place for place, *_ in begun])
        places = np.concatenate([np.full(count, begun[n][0]) for n, count in known.places])
        pushes = known.pushes([moment.pushes for _, moment, _ in begun])
        states = loops.run(x, places, known.past, known.prompts, known.words, pushes)
        known.give_back(pushes)
        logits = self._logits(known, states)
        codes = self._chosen(runs, known, logits, [noise for *_, noise in begun])
        for run, (first, last) in zip(runs, known.spans, strict=True):
            run.put(codes[first:last])
            run.finish()

    def _embedded(self, runs: list[Generation], known: _Layout, places: list[int]) -> Tensor:
        """The columns at hand as streams ``[R, D]``."""
        codes = torch.cat([run.column for run in runs])
        at = [run.positions[place] for run, place in zip(runs, places, strict=True)]
        positions = torch.stack(at)[known.owner]
        table = self.fused.embeddings
        x = functional.embedding(codes + self.fused.first, table).sum(-2) + positions
        return torch.cat([x, x[known.guided]])

    def _logits(self, known: _Layout, states: Tensor) -> Tensor:
        """States ``[R, D]`` to guided logits ``[C, K, E]``."""
        conditional, unconditional = states[: known.clips], states[known.clips :]
        apart = conditional[known.guided] - unconditional
        conditional[known.guided] = unconditional + known.guidance * apart
        made = [self.fused.all_heads.times(part) for part in conditional.split(MOST_ROWS)]
        return torch.cat(made).view(known.clips, self.fused.codebooks, self.fused.vocabulary)

    def _chosen(
        self,
        runs: list[Generation],
        known: _Layout,
        logits: Tensor,
        noise: list[Tensor | None],
    ) -> Tensor:
        """Codes ``[C, K]`` of all clips."""
        loops = self.fused.loops
        assert loops is not None
        if known.plain:
            fresh = torch.cat([one for one in noise if one is not None])
            return loops.choose(logits, known.samplings, fresh)
        parts = []
        for run, (first, last), one in zip(runs, known.spans, noise, strict=True):
            parts.append(self.fused.choose(logits[first:last], run.sampling, one))
        return torch.cat(parts)


class _Layout:
    """Where everything of these generations stands among all rows.

    The conditional rows of all C clips come first, then the unconditional ones of those that are guided.

    Attributes:
        spans: of each generation, its first clip and the one after its last.
        places: for all rows in order, the generation and how many of its rows follow one another.
        guided: the clips that have an unconditional row. owner: the generation of each clip.
        past, prompts, words: as `kernels.blocks` has them.
        plain: whether all are drawn by the loops.
    """

    def __init__(self, runs: list[Generation]) -> None:
        self._runs = [ref(run) for run in runs]  # who left is not kept
        self._pushed = [run.injections.pushes for run in runs]
        counts = [len(run.lengths) for run in runs]
        ends = np.cumsum([0, *counts]).tolist()
        self.clips = ends[-1]
        self.spans = list(pairwise(ends))
        self._guided = guided_runs = [n for n, run in enumerate(runs) if run.sampling.guided]
        self.places = [*enumerate(counts), *((n, counts[n]) for n in guided_runs)]
        self.owner = torch.tensor([n for n, count in enumerate(counts) for _ in range(count)])
        clips = [np.arange(*self.spans[n]) for n in guided_runs]
        guided = np.concatenate([np.zeros(0, np.int64), *clips])
        self.guided = torch.from_numpy(guided)
        self.owners = np.concatenate([np.arange(self.clips), guided])
        weights = [runs[n].sampling.guidance for n in guided_runs for _ in range(counts[n])]
        self.guidance = torch.tensor(weights).view(-1, 1)
        lines: list[Any] = [run.cache.lines for run in runs]
        self.past = np.concatenate(
            [line[:count] for line, count in zip(lines, counts, strict=True)]
            + [lines[n][counts[n] :] for n in guided_runs]
        )
        self.prompts = np.concatenate([run.prompts.lines for run in runs])
        self.words = np.concatenate([run.prompts.loops[1] for run in runs if run.prompts.loops])
        self.samplings = [run.sampling for run in runs for _ in run.lengths]
        self.plain = all(one.temperature > 0 and one.top_p == 1 for one in self.samplings)
        self._fixed = self._side_by_side() if any(self._pushed) else None

    def is_of(self, runs: list[Generation]) -> bool:
        """Whether it is of these generations, as they are steered now."""
        return len(runs) == len(self._runs) and all(
            run is other() and run.injections.pushes is pushed
            for run, other, pushed in zip(runs, self._runs, self._pushed, strict=True)
        )

    def _side_by_side(self) -> tuple[Any, ...]:
        """What the generations' pushes have that no step changes, as `Pushes.fixed` has it."""
        pushed = [(place, one.fixed) for place, one in enumerate(self._pushed) if one is not None]
        most = max(len(fixed[0]) for _, fixed in pushed)
        size = pushed[0][1][2].shape[2]
        kinds, places = np.zeros((2, most, self.clips), np.int64)
        heard_at, ears = (
            np.full((most, self.clips), -1),
            np.zeros((most, self.clips, size), np.float32),
        )
        read, known = np.zeros((most, self.clips), np.float32), 0
        for place, fixed in pushed:
            part = np.s_[: len(fixed[0]), slice(*self.spans[place])]
            kinds[part], places[part] = fixed[0], fixed[1] + known
            known += len(fixed[2])
            if len(fixed[5]):
                heard_at[part], ears[part] = fixed[5], fixed[6]
        tables = [np.concatenate([fixed[n] for _, fixed in pushed]) for n in (2, 3, 4)]
        return kinds, places, *tables, heard_at, ears, read, self.owners

    def pushes(self, each: Sequence[Arrays | None]) -> Arrays:
        """The arrays of a step of all, out of those of each."""
        if self._fixed is None:
            return no_pushes()
        concepts, layers = len(self._fixed[0]), self._fixed[2].shape[1]
        coefficients = np.zeros((concepts, layers, len(self.owners)), np.float32)
        strengths = np.ones((concepts, self.clips), np.float32)
        free = self.clips
        for place, one in enumerate(each):
            first, last = self.spans[place]
            guided = place in self._guided
            if one is not None and len(one[0]):
                count, clips = len(one[0]), last - first
                coefficients[:count, :, first:last] = one[0][..., :clips]
                if guided:
                    coefficients[:count, :, free : free + clips] = one[0][..., clips:]
                strengths[:count, first:last] = one[1]
            free += last - first if guided else 0
        return coefficients, strengths, *self._fixed

    def give_back(self, pushes: Arrays) -> None:
        """Tell each generation what was heard of it."""
        for place, one in enumerate(self._pushed):
            if one is not None and len(one.fixed[7]):
                read = one.fixed[7]
                read[:] = pushes[9][: len(read), slice(*self.spans[place])]


def side_by_side(
    decoder: Decoder, clips: Sequence[Clip], seconds: float, apart: int = 0, captured: int = 0
) -> Tensor:
    """Codes ``[B, K, T]`` of clips that come one after another, so many steps apart, and play beside one another.

    Args:
        captured: clips that step as one captured launch, as on a GPU; 0 for what the decoder does by itself.
    """
    known = CapturedSlots(decoder.fused, captured) if captured else None
    slots, waiting = Slots(decoder.fused, known), list(enumerate(clips))
    playing: dict[int, Generation] = {}
    made: dict[int, Tensor] = {}
    step = 0
    while waiting or playing:
        while waiting and step >= apart * waiting[0][0]:
            number, clip = waiting.pop(0)
            playing[number] = decoder.start([clip], seconds)
        slots.step(list(playing.values()))
        step += 1
        for number in [n for n, run in playing.items() if run.step == run.steps]:
            run = playing.pop(number)
            made[number] = run.codes(0, run.frames)
    return torch.cat([made[number] for number in range(len(clips))])
