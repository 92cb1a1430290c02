"""Sound on disk for the codec's training: stems, their codes, and the bands of the mixture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from curation.files import write_whole
from sketch.checkpoints import preparing
from sketch.codec.analysis import Analysis, Description
from sketch.codec.books import Codebooks
from sketch.codec.features import HOP, FrameFeatures
from sketch.codec.stems import CODEBOOKS, SILENCE, STEMS
from sketch.material import CODEC_MIX, Piece, Stems, pieces, render, render_stems
from sketch.parallel import spread

PER_SHARD = 40
_PARTS = ("audio", "bands", "codes")


@dataclass(frozen=True)
class RenderedShard:
    """Clips end to end.

    Attributes:
        audio: stems, int16 ``[4, N]``.
        bands: what the encoder hears of the mixture, float16 ``[N / 640, F]``.
        codes: uint16 ``[K, N / 640]``.
        starts: the clips' first frames, and one more: the end.
    """

    audio: np.ndarray
    bands: np.ndarray
    codes: np.ndarray
    starts: np.ndarray


def prepare(
    folder: Path,
    books: Path,
    split: str,
    hours: float,
    workers: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[RenderedShard]:
    """Render what is not there yet, and open it all."""
    wanted = pieces(split, hours, CODEC_MIX)
    batches = [wanted[i : i + PER_SHARD] for i in range(0, len(wanted), PER_SHARD)]
    paths = [folder / f"{split}-{number:05d}" for number in range(len(batches))]
    with preparing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        missing = [(p, b, books) for p, b in zip(paths, batches, strict=True) if not _holds(p, b)]
        for done, _ in enumerate(spread(_write, missing, workers), start=1):
            progress(done, len(missing))
    return [_open(path) for path in paths]


def describe(piece: Piece) -> tuple[np.ndarray, list[Description]] | None:
    """A piece's stems, float32 ``[4, N]``, each with its description; None where it has no sound."""
    stems = render_stems(piece)
    if stems is None:
        return None
    return stems.audio, describe_stems(stems)


def describe_stems(stems: Stems) -> list[Description]:
    """Each stem's description."""
    parts = zip(stems.audio, stems.onsets, strict=True)
    return [_analysis().describe(audio, onsets) for audio, onsets in parts]


@cache
def _analysis() -> Analysis:
    return Analysis()


def _write(path: Path, batch: Sequence[Piece], books: Path) -> None:
    found = [(piece, clip) for piece in batch if (clip := describe(piece)) is not None]
    clips = [clip for _, clip in found]
    codebooks, features = _codebooks(books), _features()
    codes = [codebooks.encode(described).astype(np.uint16) for _, described in clips]
    with torch.no_grad():
        mixtures = [_mixture(piece, audio) for piece, (audio, _) in found]
        bands = [features(audio)[0].numpy().astype(np.float16) for audio in mixtures]
    sounds = [np.rint(audio.clip(-1, 1) * 32767).astype(np.int16) for audio, _ in clips]
    np.save(path.with_suffix(".audio.npy"), np.concatenate(sounds, axis=1))
    np.save(path.with_suffix(".bands.npy"), np.concatenate(bands))
    np.save(path.with_suffix(".codes.npy"), np.concatenate(codes, axis=1))
    starts = np.cumsum([0, *(part.shape[1] for part in codes)]).tolist()
    record = {"pieces": _record(batch), "starts": starts}
    write_whole(path.with_suffix(".json"), json.dumps(record))


def _mixture(piece: Piece, stems: np.ndarray) -> torch.Tensor:
    """What the encoder hears, float32 ``[1, N]``: the stems added up, or for every other piece the
    same notes with a human touch and reverb, which it is to hear through."""
    touched = render(piece, exact=False) if piece.index % 2 else None
    mixture = stems.sum(0) if touched is None else touched.astype(np.float32) / 32767
    return torch.from_numpy(mixture)[None]


@cache
def _codebooks(books: Path) -> Codebooks:
    return Codebooks.load(books)


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


def _open(path: Path) -> RenderedShard:
    audio, bands, codes = (
        np.load(path.with_suffix(f".{part}.npy"), mmap_mode="r", allow_pickle=False)
        for part in _PARTS
    )
    starts = np.array(json.loads(path.with_suffix(".json").read_text())["starts"])
    return RenderedShard(audio, bands, codes, starts)


class Crops:
    """Random crops out of shards, none across two clips.

    Args:
        frames: length of a crop.
    """

    def __init__(self, shards: Sequence[RenderedShard], frames: int, seed: int) -> None:
        self.shards, self.frames = shards, frames
        self.rng = np.random.default_rng(seed)
        self.weights = np.array([len(shard.bands) for shard in shards], dtype=float)
        self.weights /= self.weights.sum()

    def state_dict(self) -> dict[str, Any]:
        """Where the draw stands: what `load_state_dict` takes to go on from there."""
        return {"random": json.dumps(self.rng.bit_generator.state)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a draw out of the same shards stood."""
        self.rng.bit_generator.state = json.loads(state["random"])

    def mixtures(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Bands float32 ``[size, frames, F]`` of mixtures and their codes ``[size, K, frames]``."""
        drawn = [self._place() for _ in range(size)]
        bands = np.stack([shard.bands[start:stop] for shard, start, stop in drawn])
        codes = np.stack([shard.codes[:, start:stop] for shard, start, stop in drawn])
        return torch.from_numpy(bands.astype(np.float32)), torch.from_numpy(codes.astype(np.int64))

    def stems(self, size: int, stem: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Samples float32 ``[size, frames * 640]`` of a stem that sounds, and all codes."""
        drawn = [self._sounding(CODEBOOKS.index(stem)) for _ in range(size)]
        row = STEMS.index(stem)
        audio = [shard.audio[row, a * HOP : b * HOP] for shard, a, b in drawn]
        codes = np.stack([shard.codes[:, start:stop] for shard, start, stop in drawn])
        sound = np.stack(audio).astype(np.float32) / 32767
        return torch.from_numpy(sound), torch.from_numpy(codes.astype(np.int64))

    def whole(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Samples float32 ``[size, frames * 640]`` of mixtures, and their codes."""
        drawn = [self._place() for _ in range(size)]
        stems = np.stack([shard.audio[:, a * HOP : b * HOP] for shard, a, b in drawn])
        codes = np.stack([shard.codes[:, start:stop] for shard, start, stop in drawn])
        sound = stems.astype(np.float32).sum(1) / 32767
        return torch.from_numpy(sound), torch.from_numpy(codes.astype(np.int64))

    def _sounding(self, book: int) -> tuple[RenderedShard, int, int]:
        """A crop in which a codebook's stem is heard for a quarter of the time or more."""
        while True:
            shard, start, stop = self._place()
            if (shard.codes[book, start:stop] != SILENCE).mean() >= 0.25:
                return shard, start, stop

    def _place(self) -> tuple[RenderedShard, int, int]:
        shard = self.shards[self.rng.choice(len(self.shards), p=self.weights)]
        anywhere = self.rng.integers(shard.starts[-1])
        clip = np.searchsorted(shard.starts, anywhere, side="right") - 1
        first, end = shard.starts[clip], shard.starts[clip + 1]
        start = int(self.rng.integers(first, end - self.frames + 1))
        return shard, start, start + self.frames
