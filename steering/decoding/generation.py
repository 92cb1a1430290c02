"""A batch of clips on its way through the fused decoder: what a step makes, and what it keeps.

`Generation.advance` makes one step: it draws the noise, asks the plans what they do now, and lets a
`Step` turn the current column of codes into the next one, by `next_codes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from steering.decoding.cache import Cache, Place, PromptCache
from steering.decoding.clip import Clip
from steering.decoding.fused import Fused, unknown_rows
from steering.decoding.injections import Injections
from steering.decoding.moment import Moment
from steering.decoding.sampling import Noise, Sampling
from steering.interventions.plan import Move, Plan
from steering.models.interface import MusicModel

KEPT = 0.4
"""Share of the window that stays when it slides: 12 of 30 s, as MusicGen's own long generation has it."""

SLICE, EVERY = 16, 8
"""Columns of the next window that are read at once, and after how many steps: each second of music then
takes a little longer for a while, and no single step holds up who listens."""

ENDLESS = 1 << 40
"""Frames of a clip that goes on until it is stopped."""

BEHIND = 1024
"""Columns before its window that such a clip still keeps, for whoever has not read them yet."""


@dataclass(frozen=True)
class Window:
    """Positions of the model that a generation may use, and how many go when they are used up."""

    length: int
    stride: int

    @property
    def kept(self) -> int:
        return self.length - self.stride

    @staticmethod
    def of(length: int) -> Window:
        return Window(length, max(1, length - max(1, round(KEPT * length))))


class Generation:
    """All state of a batch; several may be under way on one `Fused`, each in its thread.

    Step s reads column s of the delay pattern and gives column s + 1. Where a clip is longer than the
    window, the window slides: the last columns of it are read again, as the first ones, and steered as
    they were; the clock of the schedules and the noise run on. They are read slice by slice while the
    old window is still played from. Of an endless clip only what a window or a reader may still want is
    kept: it takes the same memory however long it goes on.

    Args:
        lengths: frames of each clip; `ENDLESS` for all that go on until they are stopped.
        stepper: gives what turns a column into the next, for this generation: `eager_step` where
            there is none.
    """

    def __init__(
        self,
        fused: Fused,
        model: MusicModel,
        clips: Sequence[Clip],
        lengths: Sequence[int],
        sampling: Sampling,
        window: Window,
        stepper: Callable[[Generation], Step] | None = None,
    ) -> None:
        self.fused, self.sampling, self.window = fused, sampling, window
        self.lengths, self.codebooks, self.blank = list(lengths), model.codebooks, model.blank
        self.frames = max(lengths)
        self.steps = self.frames + self.codebooks - 1
        self.step, self.base, self.origin, self.read = 0, 0, 0, 0
        device = fused.embeddings.device
        self.injections = Injections([c.plan for c in clips], sampling.guided, fused.embeddings)
        generators = [torch.Generator(device).manual_seed(clip.seed) for clip in clips]
        self.noise = Noise(generators, model.codebooks, fused.vocabulary)
        with torch.inference_mode():
            self.prompts: PromptCache = fused.read(model.condition, [clip.prompt for clip in clips])
            self.room = room(self.steps, window)
            columns = (len(clips), self.codebooks, self.room + 1)
            self.columns = torch.full(columns, self.blank, device=device)
            self.known = unknown_rows(lengths, self.codebooks, self.room).to(device)
            positions = min(self.steps, window.length)
            self.rows = len(clips) * (2 if sampling.guided else 1)
            self.next: Cache | None = None
            self.positions = fused.positions(positions)
            self.nothing = torch.tensor(self.blank, device=device)
        self.make_step: Step = stepper(self) if stepper else eager_step

    @cached_property
    def cache(self) -> Cache:
        """Keys and values of the steps so far; of who sits in a slot of a GPU, the slot's."""
        return self.fused.cache(self.rows, len(self.positions))

    def window_positions(self) -> Tensor:
        """Embeddings of all positions of a window, ``[length, D]``."""
        if len(self.positions) == self.window.length:
            return self.positions
        return self.fused.positions(self.window.length)

    @property
    def settled(self) -> int:
        """Frames of which every codebook is there."""
        return max(0, self.step - self.codebooks + 1)

    def codes(self, first: int, last: int) -> Tensor:
        """Settled frames ``[B, K, last - first]``; blank past the end of a shorter clip."""
        start, end = first + 1 - self.origin, last + 1 - self.origin
        assert start > 0, "these frames are no longer kept"
        books = range(self.codebooks)
        return torch.stack([self.columns[:, k, k + start : k + end] for k in books], dim=1)

    @property
    def column(self) -> Tensor:
        """Codes ``[B, K]`` that the step at hand reads."""
        return self.columns[..., self.step - self.origin]

    def put(self, codes: Tensor) -> None:
        """What the step gave ``[B, K]``, as the next column."""
        step = self.step - self.origin
        torch.where(self.known[..., step], codes, self.nothing, out=self.columns[..., step + 1])

    def move(self, clip: int, concept: int, coefficient: float) -> None:
        """Let a concept of a clip have another coefficient from the next step on."""
        self.injections.move(clip, Move(self.step, concept, coefficient))

    def join(self, clip: int, plan: Plan) -> None:
        """Another plan for a clip: the one it has, and more concepts that were at rest so far."""
        self.injections.join(clip, plan, self.step)

    @torch.inference_mode()
    def end(self) -> None:
        """Let the clips end with the frames whose first code is there, as if that were their length."""
        self.lengths = [min(length, max(1, self.step)) for length in self.lengths]
        self.frames = max(self.lengths)
        self.steps = self.frames + self.codebooks - 1
        self.injections.end(self.frames)
        self._know()

    @torch.inference_mode()
    def advance(self) -> None:
        """One step."""
        self.make_step(self, *self.begin())
        self.finish()

    @torch.inference_mode()
    def begin(self) -> tuple[int, Moment, Tensor | None]:
        """What a step goes by: its place in the window, what the plans do, and noise ``[B, K, E]``."""
        if self.step - self.base == self.window.length:
            self._slide()
        elif self.base + self.window.length < self.steps:
            self._read_ahead()
        if self.step - self.origin == self.room:
            self._let_go()
        moment = self.injections.at(self.step)
        return (
            self.step - self.base,
            moment,
            self.noise.next() if self.sampling.temperature > 0 else None,
        )

    def finish(self) -> None:
        """The step is made: let strengths follow what was heard in it."""
        self.injections.settle(self.step)
        self.step += 1

    def _slide(self) -> None:
        """Go on in the next window, whose first columns are the last ones of this."""
        self._read_next(self.window.kept)
        assert self.next is not None
        self.cache.take(self.next)
        self.base, self.read = self.base + self.window.stride, 0
        if self.steps >= ENDLESS:
            self.injections.forget(self.base - self.window.length)

    def _read_ahead(self) -> None:
        """The next slice of the next window, where its turn has come."""
        place, slices = self.step - self.base, -(-self.window.kept // SLICE)
        if (
            place - self.window.length
        ) % EVERY == 0 and place >= self.window.length - slices * EVERY:
            self._read_next(min(self.read + SLICE, place - self.window.stride))

    def _read_next(self, until: int) -> None:
        """Read columns of the next window, those that are not yet read and stand before ``until``."""
        first, count = self.read, until - self.read
        if count <= 0:
            return
        if self.next is None:
            self.next = self.fused.cache(self.rows, self.window.kept)
        base = self.base + self.window.stride
        start = base + first - self.origin
        columns = self.columns[..., start : start + count]
        place = torch.arange(first, until, device=columns.device)
        books = torch.arange(self.codebooks, device=columns.device)
        before = place <= books[:, None]  # of frames that are no longer in the window
        columns = columns.masked_fill(before, self.blank).transpose(1, 2)
        x = self.fused.embed(columns, self.positions[first:until])
        if self.sampling.guided:
            x = x.repeat(2, 1, 1)
        applied = self.injections.during(base + first, count)
        self.fused.fill(x, self.next, self.prompts, applied, first)
        self.read = until

    def _let_go(self) -> None:
        """Make room: what is long before the window is gone for good."""
        gone = max(0, self.base - BEHIND - self.origin)
        kept = self.columns[..., gone:].clone()
        self.columns[..., : kept.shape[-1]] = kept
        self.origin += gone
        self._know()

    def _know(self) -> None:
        known = unknown_rows(self.lengths, self.codebooks, self.room, self.origin)
        self.known.copy_(known)


def room(steps: int, window: Window) -> int:
    """Columns that a generation keeps: all, unless it is endless."""
    return 2 * window.length + BEHIND if steps >= ENDLESS else steps


Step = Callable[[Generation, int, Moment, Tensor | None], None]
"""``(generation, place in the window, what the plans do, noise [B, K, E])``: writes the next column."""


def eager_step(generation: Generation, place: int, moment: Moment, noise: Tensor | None) -> None:
    """A step whose operations are called one by one."""
    codes = next_codes(
        generation,
        generation.column,
        generation.positions[place],
        (place, place + 1, None),
        moment,
        noise,
    )
    generation.put(codes)


def next_codes(
    generation: Generation,
    codes: Tensor,
    position: Tensor,
    where: tuple[Place, int, Tensor | None],
    moment: Moment,
    noise: Tensor | None,
) -> Tensor:
    """A column ``[B, K]`` to the next one, whatever a clip's length says of it.

    Args:
        position: its embedding ``[D]``.
        where: the column's place in the cache, how much of that is seen, what is hidden of it.
    """
    fused, sampling = generation.fused, generation.sampling
    x = fused.embed(codes, position)
    if sampling.guided:
        x = x.repeat(2, 1)
    followers = generation.injections.followers
    states = fused.step(x, generation.cache, generation.prompts, *where, moment, followers)
    guidance = sampling.guidance if sampling.guided else 1.0
    return fused.choose(fused.logits(states, guidance), sampling, noise)
