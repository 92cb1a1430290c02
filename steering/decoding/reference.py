"""Clips by the library's own decoder with hooks: the reference that the fused one must agree with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from curation.errors import BadInput
from sketch.language.delay import undelayed
from steering.activations.hooks import Steering, check_plan, steered
from steering.decoding.clip import Clip, Progress
from steering.decoding.decoder import Decoder, frames_of, window_of
from steering.decoding.generation import ENDLESS, Window
from steering.decoding.sampling import Noise, Sampling, choose, guided
from steering.models.interface import Condition, Decoding, MusicModel


def generate(
    model: MusicModel,
    clips: Sequence[Clip],
    seconds: float,
    sampling: Sampling | None = None,
    progress: Progress = lambda done, total: None,
    window: Window | None = None,
) -> Tensor:
    """Codes ``[B, K, T]`` of clips of one length, generated side by side.

    Every row equals the row alone, up to the rounding of batched matrix products. Past the window it
    slides, as `Generation` has it.

    Args:
        window: how far back a step looks; as a `Decoder` has it unless another is given.

    Raises:
        BadInput: there is no clip, a length that cannot be played, or a plan of another model.
    """
    sampling = sampling or Sampling()
    if not clips:
        raise BadInput("there is no clip to generate: give at least one")
    condition, mix = model.condition([clip.prompt for clip in clips]), _as_it_is
    if sampling.guided:
        condition = condition.with_unconditional()
        mix = partial(guided, guidance=sampling.guidance)
    return generate_mixed(model, clips, Rows(condition, mix), seconds, sampling, progress, window)


@dataclass(frozen=True)
class Rows:
    """What a step asks the model, and how its answers become one a clip.

    Attributes:
        condition: of R rows: of every clip once, then of every clip again, and so on.
        mix: logits ``[R, K, E]`` to those that codes are drawn from, ``[B, K, E]``.
    """

    condition: Condition
    mix: Callable[[Tensor], Tensor]


def _as_it_is(logits: Tensor) -> Tensor:
    return logits


def generate_mixed(
    model: MusicModel,
    clips: Sequence[Clip],
    rows: Rows,
    seconds: float,
    sampling: Sampling,
    progress: Progress = lambda done, total: None,
    window: Window | None = None,
) -> Tensor:
    """As `generate`, with rows of any kind: what a clip's prompt says is left to their condition.

    Plans act on the first row of each clip and, where the sampling is guided, on its second.

    Raises:
        BadInput: a length that cannot be played, or a plan of another model.
    """
    frames, window = frames_of(model, seconds), window or window_of(model)
    if frames == ENDLESS:
        raise BadInput("the reference plays clips that have an end: give seconds")
    for clip in clips:
        if clip.plan is not None:
            check_plan(clip.plan, model)
    like = rows.condition.states
    steering = Steering([clip.plan for clip in clips], sampling.guided, like)
    generators = [torch.Generator(model.device).manual_seed(clip.seed) for clip in clips]
    with steered(model, steering):
        return _run(model, rows, steering, generators, frames, sampling, progress, window)


Generate = Callable[[Sequence[Clip], float, Sampling], Tensor]
"""``(clips, seconds, sampling) -> codes [B, K, T]``."""


def player(model: MusicModel) -> Generate:
    """What plays any clips: the fused decoder, and this one where a clip is pushed inside its blocks."""
    fused = Decoder(model)

    def play(clips: Sequence[Clip], seconds: float, sampling: Sampling) -> Tensor:
        inside = any(clip.plan is not None and clip.plan.sites for clip in clips)
        return (partial(generate, model) if inside else fused.generate)(clips, seconds, sampling)

    return play


def _run(
    model: MusicModel,
    rows: Rows,
    steering: Steering,
    generators: Sequence[torch.Generator],
    frames: int,
    sampling: Sampling,
    progress: Progress,
    window: Window,
) -> Tensor:
    """Step by step: column s of the delay pattern gives column s + 1."""
    books, clips = model.codebooks, len(generators)
    decoding, base = model.start(rows.condition), 0
    copies = len(rows.condition.states) // clips
    fresh = Noise(generators, books, model.vocabulary)
    columns = torch.full((clips, books, frames + books), model.blank, device=model.device)
    for step in range(frames + books - 1):
        if step - base == window.length:
            base += window.stride
            decoding = _begun(model, rows, steering, columns[..., base:step], base)
        steering.step = step
        current = columns[..., step]
        logits = rows.mix(decoding.step(current.repeat(copies, 1)))
        steering.settle()
        noise = None
        if sampling.temperature > 0:
            noise = fresh.next()
        codes = choose(logits, sampling, noise)
        first, last = max(0, step - frames + 1), min(books, step + 1)
        columns[:, first:last, step + 1] = codes[:, first:last]
        progress(step + 1, frames + books - 1)
    return undelayed(columns)


def _begun(
    model: MusicModel,
    rows: Rows,
    steering: Steering,
    columns: Tensor,
    first: int,
) -> Decoding:
    """A new window that has read the last columns ``[B, K, S]`` of the old one, steered as they were.

    Args:
        first: the step that read the first of them.
    """
    decoding = model.start(rows.condition)
    copies = len(rows.condition.states) // len(columns)
    for place in range(columns.shape[-1]):
        steering.step = first + place
        column = columns[..., place].clone()
        column[:, place:] = model.blank  # of frames that are no longer in the window
        decoding.step(column.repeat(copies, 1))
    return decoding
