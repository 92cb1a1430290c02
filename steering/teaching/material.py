"""What is taught: parts of clips that have the concept, and parts that have not.

Whatever the examples are (sounds, spans of clips that were played, takes that were voted on, prompts),
they become codes, and codes become activations, a vector a second and layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from curation.errors import BadInput
from listening.spans import Span
from steering.activations.reader import read_activations
from steering.models.interface import MusicModel

FEWEST, MOST = 3, 50
"""Examples of the concept."""
SHORTEST_PART = 0.5
"""Seconds of the last part of a clip: what is shorter is left out."""

Step = Callable[[int, int], None]
"""Told how much is done, of how much; what it raises ends the work."""


T = TypeVar("T")


class Use(Protocol):
    """Does a job of a moment that needs the model: whoever shares the model has others have their turn first."""

    def __call__(self, job: Callable[[], T], /) -> T:
        """What the job gives."""


def untold(done: int, total: int) -> None:
    """A progress that says nothing."""


def at_once(job: Callable[[], T], /) -> T:
    """For who has the model alone."""
    return job()


@dataclass(frozen=True)
class Example:
    """A clip, and whether it has the concept.

    Attributes:
        codes: int ``[K, T]``. has: the concept.
        spans: seconds in which it has it, with the rest as what has not; empty for all of the clip.
        clip: number of the clip that it is made of: variants of one clip share it.
    """

    codes: Tensor
    has: bool
    clip: int
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Material:
    """Activations of all parts of all examples.

    Attributes:
        x: float32 ``[N, L, D]``. has: bool ``[N]``. clip: int ``[N]``, of which clip a part is.
    """

    x: Tensor
    has: np.ndarray
    clip: np.ndarray

    def of(self, chosen: np.ndarray) -> Material:
        """Some of the parts: places ``[M]`` or bool ``[N]``."""
        return Material(self.x[torch.from_numpy(chosen)], self.has[chosen], self.clip[chosen])

    @property
    def mixed(self) -> bool:
        """Whether clips have parts of both kinds, as those with marked spans."""
        return any(len(set(self.has[self.clip == one])) > 1 for one in set(self.clip.tolist()))

    def by_clip(self) -> Material:
        """A mean for every clip, or for each kind of part of every clip."""
        pairs = sorted(set(zip(self.clip.tolist(), self.has.tolist(), strict=True)))
        x = [
            self.x[torch.from_numpy((self.clip == clip) & (self.has == has))].mean(0)
            for clip, has in pairs
        ]
        clips, kinds = zip(*pairs, strict=True)
        return Material(torch.stack(x), np.array(kinds), np.array(clips))


def read(
    model: MusicModel,
    examples: Sequence[Example],
    batch: int = 16,
    step: Step = untold,
    use: Use = at_once,
) -> Material:
    """The activations of examples, those of one length side by side.

    Args:
        use: does what needs the model, a batch at a time.

    Raises:
        BadInput: too few have the concept, too many, none is without it, or one is too short.
    """
    check_counts(examples)
    parts: list[tuple[Tensor, np.ndarray, int]] = []
    order = sorted(range(len(examples)), key=lambda place: examples[place].codes.shape[-1])
    for group in _of_one_length(order, examples, batch):
        codes = torch.stack([examples[place].codes for place in group]).long()
        states = use(partial(read_activations, model, codes, "second"))
        kept = _parts(codes.shape[-1], model.frame_rate)
        for place, values in zip(group, states, strict=True):
            one = examples[place]
            parts.append((values[:kept], _has(one, kept), one.clip))
        step(len(parts), len(examples))
    clips = [np.full(len(has), clip) for _, has, clip in parts]
    return Material(
        torch.cat([x for x, _, _ in parts]),
        np.concatenate([has for _, has, _ in parts]),
        np.concatenate(clips),
    )


def check_counts(examples: Iterable[Example]) -> None:
    """Check that there is something to tell apart.

    Raises:
        BadInput: too few clips have the concept, too many, or none is without it.
    """
    known = list(examples)
    having = {one.clip for one in known if one.has}
    lacking = {one.clip for one in known if not one.has or one.spans}
    if not FEWEST <= len(having) <= MOST:
        raise BadInput(
            f"{len(having)} clips have the concept: give {FEWEST} to {MOST}, the more the surer"
        )
    if len(lacking) < FEWEST:
        raise BadInput(
            f"{len(lacking)} clips are without the concept: give {FEWEST} or more, or leave them "
            "out and be compared with neutral clips"
        )


def _of_one_length(
    order: Sequence[int], examples: Sequence[Example], batch: int
) -> Iterable[list[int]]:
    held: list[int] = []
    for place in order:
        if held and (
            len(held) == batch
            or examples[place].codes.shape[-1] != examples[held[0]].codes.shape[-1]
        ):
            yield held
            held = []
        held.append(place)
    if held:
        yield held


def _parts(frames: int, rate: float) -> int:
    """How many parts of a second a clip has; its last may be shorter."""
    if frames < SHORTEST_PART * rate:
        raise BadInput(f"a clip has {frames / rate:g} s: give {SHORTEST_PART:g} s or more")
    whole, rest = divmod(frames, round(rate))
    return whole + (rest >= SHORTEST_PART * rate)


def _has(one: Example, parts: int) -> np.ndarray:
    """Which parts have the concept: those of which at least a half lies in a span."""
    if not one.spans:
        return np.full(parts, one.has)
    inside = [
        sum(max(0.0, min(end, second + 1) - max(start, second)) for start, end in one.spans)
        for second in range(parts)
    ]
    return np.array(inside) >= 0.5


def renumbered(examples: Sequence[Example], first: int) -> list[Example]:
    """The same with clips counted from another number on, to be put beside others."""
    return [replace(one, clip=one.clip + first) for one in examples]
