"""Which weights these are: what directions are marked with."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def fingerprint(decoder: nn.Module) -> str:
    """Sixteen hexadecimal digits of a decoder's weights, the same in every dtype that holds them.

    A few thousand values of each weight are read, rounded to bfloat16: enough to tell checkpoints
    apart, and quick on the largest.
    """
    digest = hashlib.blake2b(digest_size=8)
    for name, weight in sorted(decoder.state_dict().items()):
        digest.update(f"{name}{tuple(weight.shape)}".encode())
        values = weight.flatten()
        sample = values[:: max(1, len(values) // 2048)][:2048]
        digest.update(sample.to("cpu", torch.bfloat16).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
