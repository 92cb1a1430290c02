"""One batch of clips on its way through the fused decoder, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from steering.decoding.clip import Clip
from steering.decoding.fused import Fused, Place, Steer, Words, unknown_rows
from steering.decoding.injections import Pushes, Stage
from steering.decoding.sampling import Sampling, choose, draw_noise
from steering.interventions.plan import Move, Plan
from steering.models.interface import MusicModel

KEPT = 0.4
"""Share of the window that stays when it slides: 12 of 30 s, as MusicGen's own long generation has it."""


@dataclass(frozen=True)
class Window:
    """Positions of the model that a run may use, and how many go when they are used up."""

    length: int
    stride: int

    @staticmethod
    def of(length: int) -> Window:
        return Window(length, max(1, length - max(1, round(KEPT * length))))


class Run:
    """All state of one generation; several may be under way on one `Fused`, each in its thread.

    Step s reads column s of the delay pattern and gives column s + 1. Where a clip is longer than the
    window, the window slides: the last columns of it are read again in one pass, as the first ones,
    and steered as they were; the clock of the schedules and the noise run on.

    Args:
        lengths: frames of each clip.

    Attributes:
        play: what makes a step in the place of `eager`, as a captured graph does.
    """

    def __init__(
        self,
        fused: Fused,
        model: MusicModel,
        clips: Sequence[Clip],
        lengths: Sequence[int],
        sampling: Sampling,
        window: Window,
    ) -> None:
        self.fused, self.sampling, self.window = fused, sampling, window
        self.lengths, self.books, self.blank = list(lengths), model.codebooks, model.blank
        self.frames = max(lengths)
        self.steps = self.frames + self.books - 1
        self.step, self.base = 0, 0
        device = fused.embeddings.device
        plans = [clip.plan for clip in clips]
        self.pushes = Pushes(plans, sampling.guided, fused.embeddings)
        self.generators = [torch.Generator(device).manual_seed(clip.seed) for clip in clips]
        with torch.inference_mode():
            self.words: Words = fused.words_of(model.condition, [clip.prompt for clip in clips])
            columns = (len(clips), self.books, self.steps + 1)
            self.columns = torch.full(columns, self.blank, device=device)
            self.known = unknown_rows(lengths, self.books, self.steps).to(device)
            positions = min(self.steps, window.length)
            self.rows = len(clips) * (2 if sampling.guided else 1)
            self.cache = fused.cache(self.rows, positions)
            self.positions = fused.positions(positions)
            self.nothing = torch.tensor(self.blank, device=device)
        self.play: Callable[[int, list[Stage], Tensor | None], None] | None = None

    @property
    def settled(self) -> int:
        """Frames of which every codebook is there."""
        return max(0, self.step - self.books + 1)

    def codes(self, first: int, last: int) -> Tensor:
        """Settled frames ``[B, K, last - first]``; blank past the end of a shorter clip."""
        books = range(self.books)
        return torch.stack([self.columns[:, k, k + 1 + first : k + 1 + last] for k in books], dim=1)

    def move(self, clip: int, concept: int, coefficient: float) -> None:
        """Let a concept of a clip have another coefficient from the next step on."""
        plan = self.pushes.plans[clip]
        assert plan is not None
        self.pushes.change(clip, plan.moved(Move(self.step, concept, coefficient)))

    def plan(self, clip: int) -> Plan | None:
        """A clip's plan with the moves so far."""
        return self.pushes.plans[clip]

    @torch.inference_mode()
    def advance(self) -> None:
        """One step."""
        if self.step - self.base == self.window.length:
            self._slide()
        noise = None
        if self.sampling.temperature > 0:
            noise = draw_noise(self.generators, self.books, self.fused.entries)
        play = self.play or self.eager
        play(self.step - self.base, self.pushes.at(self.step), noise)
        self.step += 1

    def eager(self, place: int, stages: list[Stage], noise: Tensor | None) -> None:
        """A step whose operations are called one by one."""
        codes = self.next_codes(
            self.columns[..., self.step],
            self.positions[place],
            (place, place + 1, None),
            chained(stages),
            noise,
        )
        known = self.known[..., self.step]
        torch.where(known, codes, self.nothing, out=self.columns[..., self.step + 1])

    def next_codes(
        self,
        codes: Tensor,
        position: Tensor,
        where: tuple[Place, int, Tensor | None],
        steer: Steer | None,
        noise: Tensor | None,
    ) -> Tensor:
        """A column ``[B, K]`` to the next one, whatever a clip's length says of it.

        Args:
            where: the column's place in the cache, how much of that is seen, what is hidden of it.
        """
        x = self.fused.embed(codes, position)
        if self.sampling.guided:
            x = x.repeat(2, 1)
        states = self.fused.step(x, self.cache, self.words, *where, steer)
        guidance = self.sampling.guidance if self.sampling.guided else 1.0
        return choose(self.fused.logits(states, guidance), self.sampling, noise)

    def _slide(self) -> None:
        """Read the last columns again as the first of a new window."""
        self.base += self.window.stride
        count = self.step - self.base
        columns = self.columns[..., self.base : self.step]
        place = torch.arange(count, device=columns.device)
        books = torch.arange(self.books, device=columns.device)
        before = place <= books[:, None]  # of frames that are no longer in the window
        columns = columns.masked_fill(before, self.blank).transpose(1, 2)
        x = self.fused.embed(columns, self.positions[:count])
        if self.sampling.guided:
            x = x.repeat(2, 1, 1)
        stages = self.pushes.during(self.base, count)
        self.fused.fill(x, self.cache, self.words, chained(stages) or _unchanged)


def chained(stages: Sequence[Stage]) -> Steer | None:
    """Stages one after another; None where there is none."""
    if not stages:
        return None
    if len(stages) == 1:
        return stages[0]

    def steer(layer: int, x: Tensor) -> Tensor:
        for stage in stages:
            x = stage(layer, x)
        return x

    return steer


def _unchanged(layer: int, x: Tensor) -> Tensor:
    return x
