"""Which weights these are: what directions are marked with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor


def fingerprint(weights: Iterable[Tensor]) -> str:
    """Sixteen hexadecimal digits of a decoder's weights, the same in every dtype that holds them.

    Args:
        weights: embeddings, the two feed-forward matrices of every block, heads: what both
            libraries keep alike, so that a bank fits a model from either.

    A few thousand values of each are read, rounded to bfloat16: enough to tell checkpoints apart,
    and quick on the largest.
    """
    digest = hashlib.blake2b(digest_size=8)
    for weight in weights:
        digest.update(str(tuple(weight.shape)).encode())
        values = weight.detach().flatten()
        sample = values[:: max(1, len(values) // 2048)][:2048]
        digest.update(sample.to("cpu", torch.bfloat16).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
