"""Clips as codes, which concept each second of them has, and how likely the frozen model finds them.

What is learned here is learned by gradient, on the clips that probes are trained on, and judged by the
likelihood of validation clips. The gradient is that of what is learned alone: no weight of the model
moves, or has one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from curation.concepts import songs
from curation.errors import BadInput
from curation.files import whole
from sketch.language.train import fast_precision
from steering.activations.hooks import Change, changing
from steering.activations.reader import read_codes
from steering.activations.sources import BuiltSource
from steering.activations.store import Activations, key_of
from steering.families import get_family
from steering.models.interface import Condition, MusicModel
from steering.training.targets import places_of
from steering.training.workshop import Workshop

WINDOW = 4
"""Seconds that are learned at once, as long as the clips of an evaluation."""

HELD_OUT = 48
"""Windows of validation clips that a likelihood is the mean of, at most."""


@dataclass(frozen=True)
class Windows:
    """Parts of clips, equally long, as codes.

    Attributes:
        codes: int16 ``[N, K, T]``.
        places: number of the concept that each second has, int64 ``[N, P]``; -1 for none.
        prompts: each clip's words, which leave out what an evaluation's prompts do.
        rate: frames a second.
    """

    codes: Tensor
    places: Tensor
    prompts: Sequence[str]
    rate: int

    def __len__(self) -> int:
        return len(self.codes)

    def rows(self, chosen: Sequence[int]) -> Windows:
        """Some of them."""
        rows = list(chosen)
        return replace(
            self,
            codes=self.codes[rows],
            places=self.places[rows],
            prompts=[self.prompts[row] for row in rows],
        )

    def frames(self) -> Tensor:
        """Each frame's concept ``[N, T]``."""
        return self.places.repeat_interleave(self.rate, 1)[:, : self.codes.shape[-1]]

    def steps(self, concepts: int) -> Tensor:
        """Which concept each step of the delay pattern has, as 0 and 1: ``[N, T + K - 1, C]``.

        A step belongs to the second of the frame whose first code it gives, as schedules have it; those
        past the end belong to the last second.
        """
        frames = self.frames()
        frames = torch.cat([frames, frames[:, -1:].expand(-1, self.codes.shape[1] - 1)], 1)
        return functional.one_hot(frames + 1, concepts + 1)[..., 1:].float()

    def shuffled(self, generator: torch.Generator) -> Windows:
        """The same with the concepts of all seconds dealt out anew."""
        dealt = self.places.flatten()
        known = torch.nonzero(dealt >= 0).flatten()
        order = torch.randperm(len(known), generator=generator)
        dealt = dealt.index_copy(0, known, dealt[known[order]])
        return replace(self, places=dealt.view_as(self.places))

    def batches(self, size: int, generator: torch.Generator) -> Iterator[Windows]:
        """So many of them at a time, over and over, in another order each time."""
        while True:
            order = torch.randperm(len(self), generator=generator).tolist()
            yield from (self.rows(order[at : at + size]) for at in range(0, len(order), size))


@dataclass(frozen=True)
class Examples:
    """Windows to learn from, windows to judge by, and the concepts' names."""

    train: Windows
    validation: Windows
    concepts: tuple[str, ...]


def has_classes(family: str) -> bool:
    """Whether a second can have a concept of this family or not have it: numbers are no classes."""
    return get_family(family).training.task == "classification"


def read_examples(workshop: Workshop, family: str) -> Examples:
    """The clips that a family's probes are trained on; their codes are kept beside the activations.

    Raises:
        BadInput: the family's concepts are numbers.
    """
    training = get_family(family).training
    if not has_classes(family):
        raise BadInput(f"{family} are numbers, and seconds have classes: use ridge or rfm")
    data, store = workshop.table(family)
    source = BuiltSource(workshop.datasets / training.folder(workshop.preset))
    codes = _codes(workshop, source, store)
    rate = round(workshop.model.frame_rate)
    places = torch.from_numpy(places_of(training, store, data.concepts))
    if places.shape[1] == 1:
        places = places.expand(-1, -(-codes.shape[-1] // rate))
    clips = Windows(codes, places, _prompts(family, store), rate)
    rows = {split: np.flatnonzero(store.column("split") == split) for split in data.x}
    parts = [cut(clips.rows(rows[split].tolist())) for split in ("train", "validation")]
    return Examples(parts[0], parts[1], data.concepts)


def _codes(workshop: Workshop, source: BuiltSource, store: Activations) -> Tensor:
    """The clips' codes ``[N, K, T]``, read once."""
    known = ("model", "revision", "dataset_fingerprint")
    key = key_of({name: store.facts[name] for name in known} | {"kept": "codes"})
    path = workshop.store / "codes" / f"{key}.safetensors"
    try:
        codes = load_file(path)["codes"]
        if len(codes) == source.clips:
            return codes
    except (OSError, KeyError, SafetensorError):
        pass
    workshop.told(f"reading codes of {source.name}", 0, source.clips)
    codes = read_codes(workshop.model, source, workshop.batch)
    with whole(path) as part:
        save_file({"codes": codes}, part)
    return codes


def _prompts(family: str, store: Activations) -> list[str]:
    """Songs in the words of an evaluation's prompts; clips of other families without any."""
    phrasings = get_family(family).prompts.phrasings
    if get_family(family).training.dataset != songs.family.name:
        return [""] * len(store.labels)
    return [
        songs.caption(labels, phrasings[number % len(phrasings)])
        for number, labels in enumerate(store.labels)
    ]


def cut(clips: Windows, seconds: int = WINDOW) -> Windows:
    """Windows end to end, those in which any second has a concept; a shorter clip is one itself."""
    frames = min(seconds * clips.rate, clips.codes.shape[-1])
    held = -(-frames // clips.rate)
    starts = range(clips.codes.shape[-1] // frames)
    parts = Windows(
        torch.cat([clips.codes[..., n * frames : (n + 1) * frames] for n in starts]),
        torch.cat([clips.places[:, n * held : (n + 1) * held] for n in starts]),
        list(clips.prompts) * len(starts),
        clips.rate,
    )
    return parts.rows(torch.nonzero((parts.places >= 0).any(1)).flatten().tolist())


def some(windows: Windows, count: int = HELD_OUT) -> Windows:
    """At most so many of them, drawn from all, the same ones every time."""
    order = torch.randperm(len(windows), generator=torch.Generator().manual_seed(0))
    return windows.rows(order[:count].tolist())


def worded(model: MusicModel, prompts: Sequence[str]) -> Condition:
    """Prompts as the decoder reads them, where gradients pass; those of a `MusicModel` let none."""
    found = model.condition(prompts)
    return Condition(found.states.clone(), found.mask.clone())


def loss_of(
    model: MusicModel, windows: Windows, condition: Condition, change: Change | None = None
) -> Tensor:
    """Mean cross-entropy of the codes of all seconds that have a concept, in nats.

    One teacher-forced pass in the delay pattern, in bfloat16 where the processor is quicker in it.

    Args:
        change: what is done to the blocks' outputs meanwhile.
    """
    codes = windows.codes.long().to(model.device)
    frames, books = codes.shape[-1], codes.shape[1]
    known = (windows.frames() >= 0).to(model.device).flatten()
    kind = model.device.type
    narrow = fast_precision(kind) if model.dtype == torch.float32 and kind == "cpu" else model.dtype
    columns = model.delayed(codes)[..., :-1]
    with (
        torch.autocast(kind, narrow, enabled=narrow != model.dtype),
        changing(model, change or (lambda layer, stream: stream)),
    ):
        logits = model.through_heads(model.through_blocks(columns, condition))
    parts = [
        functional.cross_entropy(
            logits[:, book, book : book + frames].flatten(0, 1)[known].float(),
            codes[:, book].flatten()[known],
        )
        for book in range(books)
    ]
    return torch.stack(parts).mean()


@dataclass(frozen=True)
class Course:
    """How something is learned: by Adam, until validation windows are no likelier.

    Attributes:
        rate: of learning at first; it falls to nothing.
        batch: windows of a step.
        every: steps between looks at the validation windows. patience: looks without a gain that end it.
    """

    steps: int
    rate: float
    batch: int = 8
    every: int = 20
    patience: int = 3


@dataclass(frozen=True)
class Lesson:
    """What came of it: nats a code of validation windows before and after, steps that were kept, time."""

    before: float
    after: float
    steps: int
    seconds: float


def learn(
    learned: Sequence[Tensor],
    batches: Iterator[Windows],
    loss: Callable[[Windows, float], Tensor],
    judge: Callable[[], float],
    course: Course,
) -> Lesson:
    """Let some tensors go down a loss; they are left as the likeliest look at validation windows had them.

    Where none gains anything, as under shuffled labels, the least bad stays: something was learned.

    Args:
        loss: of a batch, after this share of the steps.
        judge: nats a code of validation windows.
    """
    began = time.perf_counter()
    optimiser = torch.optim.Adam(learned, lr=course.rate)
    before, best = judge(), math.inf
    kept, at, idle = [one.detach().clone() for one in learned], 0, 0
    for step in range(course.steps):
        optimiser.param_groups[0]["lr"] = course.rate * (1 - step / course.steps)
        gradients = torch.autograd.grad(loss(next(batches), step / course.steps), learned)
        for one, gradient in zip(learned, gradients, strict=True):
            one.grad = gradient
        optimiser.step()
        if (step + 1) % course.every and step + 1 < course.steps:
            continue
        now = judge()
        idle = 0 if now < best else idle + 1
        if now < best:
            best, at, kept = now, step + 1, [one.detach().clone() for one in learned]
        if idle >= course.patience:
            break
    with torch.no_grad():
        for one, value in zip(learned, kept, strict=True):
            one.copy_(value)
    return Lesson(before, best, at, time.perf_counter() - began)


def judged(
    windows: Windows, loss: Callable[[Windows], Tensor], batch: int = 16
) -> Callable[[], float]:
    """Nats a code of these windows, batch by batch, whenever it is asked for."""
    starts = range(0, len(windows), batch)
    parts = [windows.rows(range(at, min(at + batch, len(windows)))) for at in starts]

    def mean() -> float:
        with torch.no_grad():
            found = [float(loss(part)) * len(part) for part in parts]
        return sum(found) / len(windows)

    return mean
