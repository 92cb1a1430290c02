"""The corpus as codes: rendered and encoded in one go, because sound would fill the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch

from sketch.codec.model import SketchCodec
from sketch.material import Piece, pieces, render
from sketch.parallel import spread

PER_SHARD = 40


@dataclass(frozen=True)
class Song:
    """A piece and its codes, uint16 ``[K, T]``."""

    piece: Piece
    codes: np.ndarray


def codec_fingerprint(folder: Path) -> str:
    """Says which codec made the codes: another one's codes are other sounds."""
    digest = blake2b(digest_size=8)
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def encode_corpus(
    folder: Path,
    codec: Path,
    split: str,
    hours: float,
    workers: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Song]:
    """The codes of a split's pieces, made where they are missing.

    Args:
        folder: where the codes are kept, apart for every codec.
        codec: folder of the trained codec.
    """
    home = folder / codec_fingerprint(codec)
    home.mkdir(parents=True, exist_ok=True)
    wanted = pieces(split, hours)
    batches = [wanted[i : i + PER_SHARD] for i in range(0, len(wanted), PER_SHARD)]
    paths = [home / f"{_name(batch)}.npz" for batch in batches]
    missing = [(p, b, codec) for p, b in zip(paths, batches, strict=True) if not p.exists()]
    for done, _ in enumerate(spread(_write, missing, workers), start=1):
        progress(done, len(missing))
    return [song for path, batch in zip(paths, batches, strict=True) for song in _read(path, batch)]


def _name(batch: Sequence[Piece]) -> str:
    return blake2b(repr(list(batch)).encode(), digest_size=12).hexdigest()


@cache
def _codec(folder: Path) -> SketchCodec:
    return SketchCodec.from_pretrained(folder).eval()


def _write(path: Path, batch: Sequence[Piece], codec: Path) -> None:
    arrays = {}
    for place, piece in enumerate(batch):
        sound = render(piece)
        if sound is not None:
            audio = torch.from_numpy(sound.astype(np.float32) / 32767)[None, None]
            codes = _codec(codec).encode(audio).audio_codes
            assert codes is not None
            arrays[str(place)] = codes[0, 0].numpy().astype(np.uint16)
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    part.replace(path)


def _read(path: Path, batch: Sequence[Piece]) -> list[Song]:
    with np.load(path) as arrays:
        return [Song(batch[int(place)], arrays[place]) for place in arrays]
