"""The first codebook: who begins a note in this frame, or how many frames ago the last note began.

Sound says when a note begins, and soon after no longer says when it began: a drum is silent between
its strokes, a chord holds. To keep time a model then has to find the last stroke among hundreds of
frames and to measure how far away it is. Here every frame says it, as a score does: what comes on
the next beat hangs on the code that is there and on the tempo.

The other codebooks are learned; the entries of this one are given. 0 is a clip in which nothing has
begun yet, 1 to 15 are the stems that strike together (a bit each), and what follows counts frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sketch.codec.stems import ENTRIES, STEMS

STRUCK = 1 << len(STEMS)
"""Codes below it, but for 0, are strokes; with it begin the frames since the last one, from 1 on."""

PERIODS = np.geomspace(3, 400, 16)
"""Frames, of the sinusoids by which counts that are near each other are alike."""


def rhythm_of(onsets: Sequence[np.ndarray], frames: int) -> np.ndarray:
    """Codes int64 ``[T]`` of stems whose notes begin at these frames.

    >>> rhythm_of([np.array([1]), np.array([]), np.array([1, 4]), np.array([])], 6).tolist()
    [0, 5, 16, 17, 4, 16]
    """
    strokes = np.zeros(frames, dtype=np.int64)
    for stem, begins in enumerate(onsets):
        strokes[np.asarray(begins, dtype=int)[np.asarray(begins) < frames]] |= 1 << stem
    return counted(torch.from_numpy(strokes)).numpy()


def counted(strokes: Tensor, entries: int = ENTRIES) -> Tensor:
    """Stems that strike, int ``[..., T]`` with a bit each, to codes of the same shape.

    Args:
        entries: of the codebook; its last one is where counting ends.
    """
    frame = torch.arange(strokes.shape[-1], device=strokes.device).expand_as(strokes)
    last = torch.where(strokes > 0, frame, -1).cummax(-1).values
    count = (frame - last + STRUCK - 1).clamp(max=entries - 1)
    return torch.where(strokes > 0, strokes, torch.where(last < 0, 0, count))


def recounted(codes: np.ndarray, entries: int = ENTRIES) -> np.ndarray:
    """The rhythm ``[T]`` of a crop, or of parts put together, as if it were a clip of its own.

    >>> recounted(np.array([18, 19, 5, 16, 30, 1])).tolist()
    [0, 0, 5, 16, 17, 1]
    """
    strokes = strokes_in(torch.from_numpy(codes.astype(np.int64)))
    return counted(strokes, entries).numpy()


def strokes_in(codes: Tensor) -> Tensor:
    """Which stems strike in each frame of codes ``[..., T]``: a bit each, 0 for none."""
    return torch.where(codes < STRUCK, codes, 0)


def strikes(codes: Tensor, stem: str) -> Tensor:
    """Whether a stem begins a note in each frame of codes ``[..., T]``: int64, 0 or 1."""
    return (strokes_in(codes) >> STEMS.index(stem)) & 1


def likeness(entries: int = ENTRIES) -> np.ndarray:
    """What the entries have in common, float32 ``[E, F]``: the stems, and the count's phases."""
    codes = np.arange(entries)
    struck = (codes > 0) & (codes < STRUCK)
    stems = [(codes >> stem & 1) * struck for stem in range(len(STEMS))]
    turns = np.maximum(codes - STRUCK + 1, 0)[:, None] / PERIODS * (2 * np.pi)
    phases = np.concatenate([np.cos(turns), np.sin(turns)], axis=1) / len(PERIODS) ** 0.5
    alike = np.column_stack([*stems, struck, codes == 0, phases * (codes > 0)[:, None]])
    return alike.astype(np.float32)
