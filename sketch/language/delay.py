"""The delay pattern: codebook k is k steps late (Copet et al. 2023, arXiv 2306.05284, section 2.2)."""

from __future__ import annotations

import torch
from torch import Tensor


def delayed(codes: Tensor, blank: int) -> Tensor:
    """Codes ``[..., K, T]`` as a decoder reads them: ``[..., K, T + K]``.

    Column 0 is blank, frame t of codebook k stands in column ``t + k + 1``, and what is not there is
    blank.

    >>> delayed(torch.tensor([[1, 2, 3], [4, 5, 6]]), blank=9).tolist()
    [[9, 1, 2, 3, 9], [9, 9, 4, 5, 6]]
    """
    *lead, books, frames = codes.shape
    columns = codes.new_full((*lead, books, frames + books), blank)
    for k in range(books):
        columns[..., k, k + 1 : k + 1 + frames] = codes[..., k, : frames + books - k - 1]
    return columns


def undelayed(columns: Tensor) -> Tensor:
    """What `delayed` made of codes, as codes again: ``[..., K, T + K]`` to ``[..., K, T]``.

    >>> undelayed(delayed(torch.tensor([[1, 2, 3], [4, 5, 6]]), blank=9)).tolist()
    [[1, 2, 3], [4, 5, 6]]
    """
    books = columns.shape[-2]
    frames = columns.shape[-1] - books
    return torch.stack([columns[..., k, k + 1 : k + 1 + frames] for k in range(books)], dim=-2)
