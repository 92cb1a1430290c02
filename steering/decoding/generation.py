"""A batch of clips on its way through the fused decoder: what a step makes, and what it keeps.

`Generation.advance` makes one step: it draws the noise, asks the plans what they do now, and lets a
`Step` turn the current column of codes into the next one, by `next_codes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from steering.decoding.clip import Clip
from steering.decoding.fused import Fused, Place, PromptCache, unknown_rows
from steering.decoding.injections import Applied, Injections
from steering.decoding.sampling import Sampling, choose, draw_noise
from steering.interventions.plan import Move
from steering.models.interface import MusicModel

KEPT = 0.4
"""Share of the window that stays when it slides: 12 of 30 s, as MusicGen's own long generation has it."""


@dataclass(frozen=True)
class Window:
    """Positions of the model that a generation may use, and how many go when they are used up."""

    length: int
    stride: int

    @staticmethod
    def of(length: int) -> Window:
        return Window(length, max(1, length - max(1, round(KEPT * length))))


class Generation:
    """All state of a batch; several may be under way on one `Fused`, each in its thread.

    Step s reads column s of the delay pattern and gives column s + 1. Where a clip is longer than the
    window, the window slides: the last columns of it are read again in one pass, as the first ones,
    and steered as they were; the clock of the schedules and the noise run on.

    Args:
        lengths: frames of each clip.
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
        self.step, self.base = 0, 0
        device = fused.embeddings.device
        self.injections = Injections([c.plan for c in clips], sampling.guided, fused.embeddings)
        self.generators = [torch.Generator(device).manual_seed(clip.seed) for clip in clips]
        with torch.inference_mode():
            self.prompts: PromptCache = fused.read(model.condition, [clip.prompt for clip in clips])
            columns = (len(clips), self.codebooks, self.steps + 1)
            self.columns = torch.full(columns, self.blank, device=device)
            self.known = unknown_rows(lengths, self.codebooks, self.steps).to(device)
            positions = min(self.steps, window.length)
            self.rows = len(clips) * (2 if sampling.guided else 1)
            self.cache = fused.cache(self.rows, positions)
            self.positions = fused.positions(positions)
            self.nothing = torch.tensor(self.blank, device=device)
        self.make_step: Step = stepper(self) if stepper else eager_step

    @property
    def settled(self) -> int:
        """Frames of which every codebook is there."""
        return max(0, self.step - self.codebooks + 1)

    def codes(self, first: int, last: int) -> Tensor:
        """Settled frames ``[B, K, last - first]``; blank past the end of a shorter clip."""
        books = range(self.codebooks)
        return torch.stack([self.columns[:, k, k + 1 + first : k + 1 + last] for k in books], dim=1)

    def move(self, clip: int, concept: int, coefficient: float) -> None:
        """Let a concept of a clip have another coefficient from the next step on."""
        self.injections.move(clip, Move(self.step, concept, coefficient))

    @torch.inference_mode()
    def advance(self) -> None:
        """One step."""
        if self.step - self.base == self.window.length:
            self._slide()
        noise = None
        if self.sampling.temperature > 0:
            noise = draw_noise(self.generators, self.codebooks, self.fused.vocabulary)
        self.make_step(self, self.step - self.base, self.injections.at(self.step), noise)
        self.injections.settle(self.step)
        self.step += 1

    def _slide(self) -> None:
        """Read the last columns again as the first of a new window."""
        self.base += self.window.stride
        count = self.step - self.base
        columns = self.columns[..., self.base : self.step]
        place = torch.arange(count, device=columns.device)
        books = torch.arange(self.codebooks, device=columns.device)
        before = place <= books[:, None]  # of frames that are no longer in the window
        columns = columns.masked_fill(before, self.blank).transpose(1, 2)
        x = self.fused.embed(columns, self.positions[:count])
        if self.sampling.guided:
            x = x.repeat(2, 1, 1)
        applied = self.injections.during(self.base, count)
        self.fused.fill(x, self.cache, self.prompts, applied)


Step = Callable[[Generation, int, Sequence[Applied], Tensor | None], None]
"""``(generation, place in the window, what the plans do, noise [B, K, E])``: writes the next column."""


def eager_step(
    generation: Generation, place: int, applied: Sequence[Applied], noise: Tensor | None
) -> None:
    """A step whose operations are called one by one."""
    step, columns = generation.step, generation.columns
    codes = next_codes(
        generation,
        columns[..., step],
        generation.positions[place],
        (place, place + 1, None),
        applied,
        noise,
    )
    torch.where(generation.known[..., step], codes, generation.nothing, out=columns[..., step + 1])


def next_codes(
    generation: Generation,
    codes: Tensor,
    position: Tensor,
    where: tuple[Place, int, Tensor | None],
    applied: Sequence[Applied],
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
    states = fused.step(x, generation.cache, generation.prompts, *where, applied, followers)
    guidance = sampling.guidance if sampling.guided else 1.0
    return choose(fused.logits(states, guidance), sampling, noise)
