"""The corpus as codes of its stems: rendered and encoded in one go, because sound would fill the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np

from curation.files import whole
from sketch.checkpoints import preparing
from sketch.codec.books import Codebooks
from sketch.codec.stems import CODEBOOKS
from sketch.material import Piece, pieces
from sketch.parallel import spread
from sketch.rendered import describe

PER_SHARD = 40


@dataclass(frozen=True)
class Song:
    """A piece and its codes, uint16 ``[K, T]``; ``bar`` is the frames of a bar."""

    piece: Piece
    codes: np.ndarray
    bar: int


def fingerprint(books: Path) -> str:
    """Says which codebooks made the codes: codes of others are other sounds."""
    return blake2b(repr(CODEBOOKS).encode() + books.read_bytes(), digest_size=8).hexdigest()


def encode_corpus(
    folder: Path,
    books: Path,
    split: str,
    hours: float,
    workers: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Song]:
    """The codes of a split's pieces, made where they are missing.

    Args:
        folder: where the codes are kept, apart for other codebooks.
        books: file of the codebooks.
    """
    home = folder / fingerprint(books)
    wanted = pieces(split, hours)
    batches = [wanted[i : i + PER_SHARD] for i in range(0, len(wanted), PER_SHARD)]
    paths = [home / f"{_name(batch)}.npz" for batch in batches]
    with preparing(home):
        missing = [(p, b, books) for p, b in zip(paths, batches, strict=True) if not p.exists()]
        for done, _ in enumerate(spread(_write, missing, workers), start=1):
            progress(done, len(missing))
    return [song for path, batch in zip(paths, batches, strict=True) for song in _read(path, batch)]


def _name(batch: Sequence[Piece]) -> str:
    return blake2b(repr(list(batch)).encode(), digest_size=12).hexdigest()


def codes_of(piece: Piece, books: Path) -> np.ndarray | None:
    """A piece's codes, uint16 ``[K, T]``; None where the sound font cannot play it."""
    described = describe(piece)
    return None if described is None else _codebooks(books).encode(described[1]).astype(np.uint16)


@cache
def _codebooks(books: Path) -> Codebooks:
    return Codebooks.load(books)


def _write(path: Path, batch: Sequence[Piece], books: Path) -> None:
    arrays = {
        str(place): codes
        for place, piece in enumerate(batch)
        if (codes := codes_of(piece, books)) is not None
    }
    with whole(path) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read(path: Path, batch: Sequence[Piece]) -> list[Song]:
    with np.load(path, allow_pickle=False) as arrays:
        pieces_of = ((batch[int(place)], arrays[place]) for place in arrays)
        return [Song(piece, codes, piece.bar_frames) for piece, codes in pieces_of]
