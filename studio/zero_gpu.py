"""The GPU that a Space hires for one clip, where its hardware is ZeroGPU.

There a GPU exists only inside a function decorated with `spaces.GPU`, which runs in a fork of this
process: what to play goes in, chunks come out, and nothing reaches it on the way. So strengths
cannot be moved while such a clip plays. The sketch plays on the CPU and hires nothing; neither does
any model on a machine of its own, where the decorator gives functions back as they are.

Source: the documentation of ZeroGPU and the `spaces` package, 0.51.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from curation.errors import BadInput
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.sampling import Sampling
from steering.decoding.session import Session
from steering.decoding.sound import Chunk
from steering.interventions.plan import Move
from steering.models.loading import SKETCH, load_model

LOADING_SECONDS = 30
"""What a fork may need to load a model, the first time that it plays one."""

DEVICE_AND_DTYPE = ("cuda", "bfloat16")
"""What a hired GPU is, and in which dtype clips are played there."""

_ON_ZERO = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def plays_on_zero_gpu(model: str) -> bool:
    """Whether clips of a model are played on a hired GPU."""
    return _ON_ZERO and model != SKETCH


def _lease(model: str, clips: Sequence[Clip], seconds: float, sampling: Sampling) -> float:
    """Seconds of GPU to ask for: loading, and twice the clip's length to make it in."""
    return LOADING_SECONDS + 2 * seconds


def _on_a_gpu() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    try:
        import spaces
    except ImportError:
        return lambda function: function
    return spaces.GPU(duration=_lease)


@_on_a_gpu()
def chunks(
    model: str, clips: Sequence[Clip], seconds: float, sampling: Sampling
) -> Iterator[Chunk]:
    """Play clips to their end, on the GPU that this call has."""
    with Session(_decoder(model), clips, seconds, sampling) as session:
        for chunk in session.stream():
            yield Chunk(chunk.audio.cpu(), chunk.codes.cpu(), chunk.start, chunk.done, chunk.total)


@cache
def _decoder(model: str) -> Decoder:
    """In the fork, which serves several calls while its GPU stays hired."""
    return Decoder(load_model(model))


class ZeroGpuSession:
    """A session that plays somewhere else: it streams as any does, and takes no moves."""

    moves: tuple[Move, ...] = ()
    strengths: None = None

    def __init__(
        self, model: str, clips: Sequence[Clip], seconds: float, sampling: Sampling
    ) -> None:
        self._asked = (model, clips, seconds, sampling)
        self._over = False

    def stream(self) -> Iterator[Chunk]:
        """Chunks as they arrive."""
        for chunk in chunks(*self._asked):
            if self._over:
                return
            yield chunk

    def set(self, concept: int | str, coefficient: float) -> None:
        """Refused: nothing reaches a clip under way.

        Raises:
            BadInput: always.
        """
        raise BadInput(
            f"{self._asked[0]} plays on a GPU hired for the clip, where strengths cannot be moved: "
            "draw a schedule instead, or choose the sketch"
        )

    def stop(self) -> None:
        """Hear no more of it; the GPU goes back when the clip is made."""
        self._over = True
