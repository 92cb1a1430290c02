"""Sound on disk for the codec's training: int16 samples and the bands that its encoder hears."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from sketch.codec.features import HOP, FrameFeatures
from sketch.material import Piece, pieces, render
from sketch.parallel import spread

PER_SHARD = 40


@dataclass(frozen=True)
class Shard:
    """Clips end to end: ``audio`` int16 ``[N]``, ``bands`` float16 ``[N / 640, F]``.

    ``starts`` are the clips' first frames, and one more: the end.
    """

    audio: np.ndarray
    bands: np.ndarray
    starts: np.ndarray


def prepare(
    folder: Path,
    split: str,
    hours: float,
    workers: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Shard]:
    """Render what is not there yet, and open it all."""
    wanted = pieces(split, hours)
    batches = [wanted[i : i + PER_SHARD] for i in range(0, len(wanted), PER_SHARD)]
    paths = [folder / f"{split}-{number:05d}" for number in range(len(batches))]
    folder.mkdir(parents=True, exist_ok=True)
    missing = [(p, b) for p, b in zip(paths, batches, strict=True) if not _holds(p, b)]
    for done, _ in enumerate(spread(_write, missing, workers), start=1):
        progress(done, len(missing))
    return [_open(path) for path in paths]


def _write(path: Path, batch: Sequence[Piece]) -> None:
    sounds = [sound for piece in batch if (sound := render(piece)) is not None]
    bands = [_bands(sound) for sound in sounds]
    np.save(path.with_suffix(".audio.npy"), np.concatenate(sounds))
    np.save(path.with_suffix(".bands.npy"), np.concatenate(bands))
    starts = np.cumsum([0, *(len(sound) // HOP for sound in sounds)]).tolist()
    record = {"pieces": _record(batch), "starts": starts}
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(record))
    part.replace(path.with_suffix(".json"))


def _bands(sound: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        audio = torch.from_numpy(sound.astype(np.float32) / 32767)
        bands: np.ndarray = _features()(audio[None])[0].numpy().astype(np.float16)
    return bands


@cache
def _features() -> FrameFeatures:
    return FrameFeatures()


def _record(batch: Sequence[Piece]) -> list[list[object]]:
    return [[piece.family, piece.index, piece.seconds] for piece in batch]


def _holds(path: Path, batch: Sequence[Piece]) -> bool:
    """Whether a shard is there, whole and of these pieces: its record is written last."""
    try:
        record = json.loads(path.with_suffix(".json").read_text())
    except (OSError, ValueError):
        return False
    return bool(record["pieces"] == _record(batch))


def _open(path: Path) -> Shard:
    return Shard(
        np.load(path.with_suffix(".audio.npy"), mmap_mode="r"),
        np.load(path.with_suffix(".bands.npy"), mmap_mode="r"),
        np.array(json.loads(path.with_suffix(".json").read_text())["starts"]),
    )


class Crops:
    """Random crops out of shards, none across two clips.

    Args:
        frames: length of a crop.
    """

    def __init__(self, shards: Sequence[Shard], frames: int, seed: int) -> None:
        self.shards, self.frames = shards, frames
        self.rng = np.random.default_rng(seed)
        self.weights = np.array([len(shard.bands) for shard in shards], dtype=float)
        self.weights /= self.weights.sum()

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Samples ``[size, frames * 640]`` and bands ``[size, frames, F]``, both float32."""
        drawn = [self._one() for _ in range(size)]
        audio = np.stack([audio for audio, _ in drawn]).astype(np.float32) / 32767
        bands = np.stack([bands for _, bands in drawn]).astype(np.float32)
        return torch.from_numpy(audio), torch.from_numpy(bands)

    def _one(self) -> tuple[np.ndarray, np.ndarray]:
        shard = self.shards[self.rng.choice(len(self.shards), p=self.weights)]
        anywhere = self.rng.integers(shard.starts[-1])
        clip = np.searchsorted(shard.starts, anywhere, side="right") - 1
        first, end = shard.starts[clip], shard.starts[clip + 1]
        start = int(self.rng.integers(first, end - self.frames + 1))
        stop = start + self.frames
        return shard.audio[start * HOP : stop * HOP], shard.bands[start:stop]
