"""How well numbers tell a concept: area under the ROC curve, share of variance explained."""

from __future__ import annotations

import torch
from torch import Tensor

_ROWS = 128
"""Numbers whose ranks are held at once."""


def auc(values: Tensor, y: Tensor) -> Tensor:
    """Chance that a clip with the concept gets a larger number than one without, ties counting half.

    Args:
        values: ``[N, C, L]``. y: ``[N, C]`` of 0 and 1.

    Returns:
        float32 ``[C, L]``.

    >>> auc(torch.tensor([[[1.0]], [[2.0]], [[2.0]], [[3.0]]]), torch.tensor([[0.0], [0], [1], [1]]))
    tensor([[0.8750]])
    """
    flat = values.flatten(1).T.contiguous()
    ranks = _middle_ranks(flat).view(values.shape[1], values.shape[2], -1)
    positive = y.T.double()[:, None]
    return _area((ranks * positive).sum(-1), positive.sum(-1), len(y))


def every_auc(values: Tensor, y: Tensor) -> Tensor:
    """`auc` of each of many numbers for each concept.

    Args:
        values: ``[N, M]``. y: ``[N, C]`` of 0 and 1.

    Returns:
        float32 ``[M, C]``.
    """
    parts = values.T.split(_ROWS)
    totals = [_middle_ranks(rows.contiguous()) @ y.double() for rows in parts]
    return _area(torch.cat(totals), y.double().sum(0), len(y))


def _area(total: Tensor, count: Tensor, clips: int) -> Tensor:
    """The area under the curve by the sum of the ranks of the ``count`` clips with the concept."""
    return ((total - count * (count + 1) / 2) / (count * (clips - count)).clamp_min(1)).float()


def _middle_ranks(rows: Tensor) -> Tensor:
    """Ranks from 1 along the last axis ``[R, N]``; equal values share the mean of theirs."""
    ordered = rows.sort(dim=-1).values
    below = torch.searchsorted(ordered, rows, side="left")
    upto = torch.searchsorted(ordered, rows, side="right")
    return (below + upto + 1).double() / 2


def r_squared(predicted: Tensor, y: Tensor) -> Tensor:
    """Share of the variance of ``y [N, C]`` that ``predicted [N, C, L]`` explains, ``[C, L]``."""
    target = y[..., None]
    left = (predicted - target).square().sum(0)
    whole = (target - target.mean(0)).square().sum(0).clamp_min(1e-12)
    return 1 - left / whole
