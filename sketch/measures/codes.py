"""Whether codes are easy to learn: the same for what is the same, and silent of what is to come."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sketch.codec.books import Codebooks
from sketch.material import Piece, render_stems
from sketch.rendered import describe_stems


def steadiness(codes: np.ndarray, bar: int) -> np.ndarray:
    """Share of frames whose code is that of a bar before, by codebook, ``[K]``.

    Args:
        codes: ``[K, T]`` of music whose bars repeat.
        bar: frames of a bar.
    """
    return (codes[:, bar:] == codes[:, :-bar]).mean(axis=1)


def foresight(codes: np.ndarray, other: np.ndarray, change: int, frames: int = 3) -> np.ndarray:
    """Share of codes that tell of a change before it comes, by codebook, ``[K]``; 0 is best.

    Args:
        codes: ``[K, T]`` of one clip.
        other: ``[K, T]`` of another, which is like it until the frame ``change``.
        frames: so many before it are compared.
    """
    before = slice(change - frames, change)
    return (codes[:, before] != other[:, before]).mean(axis=1)


def foresight_of(piece: Piece, other: Piece, books: Path) -> np.ndarray:
    """`foresight` of a piece whose second bar gives way to that of another piece, by codebook.

    Args:
        books: file of the codebooks.
    """
    one, two = render_stems(piece), render_stems(other)
    assert one is not None and two is not None, "genres and songs stay within their ranges"
    codebooks, change = Codebooks.load(books), piece.bar_frames
    whole, cut = (
        codebooks.encode(describe_stems(stems)) for stems in (one, one.giving_way(two, change))
    )
    return foresight(whole, cut, change)
