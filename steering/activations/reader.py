"""What a model makes of clips: the residual stream after every block, pooled over time.

codes -> one teacher-forced pass without a prompt -> every block's output -> mean, last frame or
one mean per second. The first column of the delay pattern, which is blank, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from curation.errors import BadInput
from steering.activations.hooks import reading
from steering.activations.sources import Source, SourceClip, resampled
from steering.activations.store import Activations, Damaged, Writer, find, key_of, writing
from steering.models.interface import MusicModel
from steering.models.origin import Origin

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
    return read_pooled(model, codes, [pooling])[pooling]


def read_pooled(
    model: MusicModel, codes: Tensor, poolings: Sequence[Pooling]
) -> dict[Pooling, Tensor]:
    """`read_activations` in several poolings out of one pass.

    Raises:
        BadInput: there is no such pooling, or the clips have no frame.
    """
    for pooling in poolings:
        if pooling not in _POOLS:
            raise BadInput(f"no pooling {pooling!r}: choose one of {', '.join(POOLINGS)}")
    layers: dict[Pooling, list[Tensor]] = {pooling: [] for pooling in poolings}

    def pool(_: int, stream: Tensor) -> None:
        for pooling, taken in layers.items():
            taken.append(_POOLS[pooling](stream, model.frame_rate))

    read_streams(model, codes, pool)
    return {pooling: torch.stack(taken, dim=2).cpu() for pooling, taken in layers.items()}


def read_streams(model: MusicModel, codes: Tensor, take: Callable[[int, Tensor], None]) -> None:
    """Hand every layer's stream of codes ``[B, K, T]``, float32 ``[B, T, D]``, to ``take``.

    One teacher-forced pass without a prompt; layers come in their order.

    Raises:
        BadInput: the clips have no frame.
    """
    frames = codes.shape[-1]
    if not frames:
        raise BadInput("a clip without a frame has no activations: leave it out")
    silent = model.condition([""]).repeated(len(codes))
    with reading(model, lambda layer, stream: take(layer, stream[:, 1 : 1 + frames].float())):
        model.run(model.delayed(codes.to(model.device)), silent)


def read_source(
    model: MusicModel,
    source: Source,
    folder: Path,
    pooling: Pooling = "mean",
    batch: int = 16,
    progress: Callable[[int], None] = lambda clips: None,
) -> Activations:
    """Every clip's activations, on disk; what an earlier run left there is not read again.

    What is damaged there is. Whoever else reads the same is waited for.

    Args:
        folder: of all stores; each has a folder of its own in it.
        batch: clips of one length that pass through the model together.
        progress: told how many more clips are there.
    """
    return read_source_pooled(model, source, folder, [pooling], batch, progress)[pooling]


def read_source_pooled(
    model: MusicModel,
    source: Source,
    folder: Path,
    poolings: Sequence[Pooling],
    batch: int = 16,
    progress: Callable[[int], None] = lambda clips: None,
) -> dict[Pooling, Activations]:
    """`read_source` in several poolings; those that are missing share one pass over the clips.

    Raises:
        BadInput: the source holds no clip, or a clip does not decode.
    """
    facts = {pooling: facts_of(model.origin, source, pooling) for pooling in poolings}
    known = {pooling: finished(folder, one) for pooling, one in facts.items()}
    missing = [pooling for pooling, store in known.items() if store is None]
    with ExitStack() as held:
        for pooling in sorted(missing, key=lambda pooling: key_of(facts[pooling])):
            held.enter_context(writing(folder, facts[pooling]))
            known[pooling] = finished(folder, facts[pooling])
        stores = {pooling: facts[pooling] for pooling in missing if known[pooling] is None}
        if stores:
            known |= _read(model, source, folder, stores, batch, progress)
        else:
            progress(source.clips)
    return {pooling: store for pooling, store in known.items() if store is not None}


def facts_of(origin: Origin, source: Source, pooling: Pooling) -> dict[str, Any]:
    """What a store of a source's activations is made from."""
    return {
        "model": origin.model,
        "revision": origin.revision,
        "site": origin.site,
        "dataset": source.name,
        "dataset_fingerprint": source.fingerprint,
        "pooling": pooling,
    }


def finished(folder: Path, facts: Mapping[str, Any]) -> Activations | None:
    """The store of these facts, if it is there and nothing needs to be read for it."""
    try:
        return find(folder, facts)
    except Damaged:
        return None


def _read(
    model: MusicModel,
    source: Source,
    folder: Path,
    facts: Mapping[Pooling, Mapping[str, Any]],
    batch: int,
    progress: Callable[[int], None],
) -> dict[Pooling, Activations]:
    """Go on where the store that is furthest behind was stopped."""
    writers = {pooling: Writer(folder, one, source.clips) for pooling, one in facts.items()}
    there = {pooling: writer.done for pooling, writer in writers.items()}
    place = min(there.values())
    progress(place)
    for clips in _of_one_length(source.read(place), batch):
        rate = model.sample_rate
        audio = torch.from_numpy(np.stack([resampled(clip, rate) for clip in clips]))
        read = read_pooled(model, model.encode(audio.to(model.device)), list(facts))
        labels = [clip.labels for clip in clips]
        for pooling, values in read.items():
            known = min(max(there[pooling] - place, 0), len(clips))
            if known < len(clips):
                writers[pooling].append(values[known:].numpy(), labels[known:])
        place += len(clips)
        progress(len(clips))
    if not place:
        raise BadInput(f"{source.name} holds no clip: choose another dataset")
    return {pooling: writer.finish() for pooling, writer in writers.items()}


def read_codes(model: MusicModel, source: Source, batch: int = 16) -> Tensor:
    """Every clip's codes: int16 ``[N, K, T]`` on the CPU.

    Raises:
        BadInput: the source holds no clip, or clips that are not equally long.
    """
    codes = []
    for clips in _of_one_length(source.read(0), batch):
        audio = torch.from_numpy(np.stack([resampled(clip, model.sample_rate) for clip in clips]))
        codes.append(model.encode(audio.to(model.device)).to("cpu", torch.int16))
    if len({part.shape[-1] for part in codes}) != 1:
        raise BadInput(f"{source.name} holds no clips of one length: choose another dataset")
    return torch.cat(codes)


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
