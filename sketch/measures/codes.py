"""Whether codes are easy to learn: the same for what is the same, and silent of what is to come."""

from __future__ import annotations

import numpy as np


def steadiness(codes: np.ndarray, bar: int) -> np.ndarray:
    """Share of frames whose code is that of a bar before, by codebook, ``[K]``.

    Args:
        codes: ``[K, T]`` of music whose bars repeat.
        bar: frames of a bar.
    """
    share: np.ndarray = (codes[:, bar:] == codes[:, :-bar]).mean(axis=1)
    return share


def foresight(codes: np.ndarray, other: np.ndarray, change: int, frames: int = 3) -> np.ndarray:
    """Share of codes that tell of a change before it comes, by codebook, ``[K]``; 0 is best.

    Args:
        codes, other: ``[K, T]`` of two clips that are alike until the frame ``change``.
        frames: so many before it are compared.
    """
    before = slice(change - frames, change)
    share: np.ndarray = (codes[:, before] != other[:, before]).mean(axis=1)
    return share
