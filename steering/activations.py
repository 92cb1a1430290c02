"""What a model makes of clips: the residual stream after every block, pooled over time.

codes -> one teacher-forced pass without a prompt -> every block's output -> mean, last frame or
one mean per second. The first column of the delay pattern, which is blank, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from curation.errors import BadInput
from steering.models.interface import MusicModel
from steering.residual import reading
from steering.sources import Source, SourceClip, resampled
from steering.store import Activations, Writer, find

Pooling = Literal["mean", "last", "second"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)


def pool_mean(stream: Tensor, frame_rate: float) -> Tensor:
    """``[B, T, D]`` to its mean ``[B, 1, D]``."""
    return stream.mean(1, keepdim=True)


def pool_last(stream: Tensor, frame_rate: float) -> Tensor:
    """``[B, T, D]`` to its last frame ``[B, 1, D]``."""
    return stream[:, -1:]


def pool_second(stream: Tensor, frame_rate: float) -> Tensor:
    """``[B, T, D]`` to a mean per second ``[B, P, D]``; a begun second counts as one."""
    return torch.stack([part.mean(1) for part in stream.split(round(frame_rate), dim=1)], dim=1)


_POOLS: dict[Pooling, Callable[[Tensor, float], Tensor]] = {
    "mean": pool_mean,
    "last": pool_last,
    "second": pool_second,
}


def read_activations(model: MusicModel, codes: Tensor, pooling: Pooling = "mean") -> Tensor:
    """Codes ``[B, K, T]`` to activations: float32 ``[B, P, L, D]`` on the CPU.

    P is 1 for ``mean`` and ``last`` and the number of begun seconds for ``second``. Pooling is done
    in float32 whatever the model computes in.
    """
    if pooling not in _POOLS:
        raise BadInput(f"no pooling {pooling!r}: choose one of {', '.join(POOLINGS)}")
    frames = codes.shape[-1]
    if not frames:
        raise BadInput("a clip without a frame has no activations: leave it out")
    layers: list[Tensor] = []

    def take(_: int, stream: Tensor) -> None:
        layers.append(_POOLS[pooling](stream[:, 1 : 1 + frames].float(), model.frame_rate))

    silent = model.condition([""]).repeated(len(codes))
    with reading(model, take):
        model.run(model.delayed(codes.to(model.device)), silent)
    return torch.stack(layers, dim=2).cpu()


def read_source(
    model: MusicModel,
    source: Source,
    folder: Path,
    pooling: Pooling = "mean",
    batch: int = 16,
    progress: Callable[[int], None] = lambda clips: None,
) -> Activations:
    """Every clip's activations, on disk; what an earlier run left there is not read again.

    Args:
        folder: of all stores; each has a folder of its own in it.
        batch: clips of one length that pass through the model together.
        progress: told how many more clips are there.
    """
    facts = {
        "model": model.origin.model,
        "revision": model.origin.revision,
        "site": model.origin.site,
        "dataset": source.name,
        "dataset_fingerprint": source.fingerprint,
        "pooling": pooling,
    }
    known = find(folder, facts)
    if known is not None:
        progress(len(known.labels))
        return known
    writer = Writer.reopen(folder, facts, source.clips)
    done = writer.done if writer else 0
    progress(done)
    for clips in _of_one_length(source.read(done), batch):
        rate = model.sample_rate
        audio = torch.from_numpy(np.stack([resampled(clip, rate) for clip in clips]))
        values = read_activations(model, model.encode(audio.to(model.device)), pooling).numpy()
        writer = writer or Writer(folder, facts, source.clips, values.shape[1:])
        writer.append(values, [clip.labels for clip in clips])
        progress(len(clips))
    if writer is None:
        raise BadInput(f"{source.name} holds no clip: choose another dataset")
    return writer.finish()


def _of_one_length(clips: Iterator[SourceClip], size: int) -> Iterator[list[SourceClip]]:
    """Clips that follow each other and are equally long, at most ``size`` at a time."""
    held: list[SourceClip] = []
    for clip in clips:
        if held and (len(held) == size or _length(clip) != _length(held[0])):
            yield held
            held = []
        held.append(clip)
    if held:
        yield held


def _length(clip: SourceClip) -> tuple[int, int]:
    return len(clip.audio), clip.sample_rate


def typical_norms(activations: Tensor) -> Tensor:
    """The residual stream's typical length per layer ``[L]``: the mean over clips ``[N, L, D]``."""
    return activations.float().norm(dim=-1).mean(0)
