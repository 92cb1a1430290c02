"""A MusicGen decoder's tensors, under one set of names whichever library holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from curation.errors import BadInput


@dataclass(frozen=True)
class Norm:
    """A layer norm's scale and shift ``[D]``."""

    weight: Tensor
    bias: Tensor
    eps: float

    @staticmethod
    def of(module: nn.LayerNorm) -> Norm:
        return Norm(module.weight.detach(), module.bias.detach(), module.eps)


@dataclass(frozen=True)
class BlockWeights:
    """One block: attention to the past, attention to the prompt, feed-forward; all without bias.

    Attributes:
        query_key_value: one matrix ``[3 * D, D]`` or three ``[D, D]``.
        cross_query, cross_key, cross_value, cross_out, out: ``[D, D]``.
        up: ``[F, D]``. down: ``[D, F]``.
    """

    norm: Norm
    query_key_value: tuple[Tensor, ...]
    out: Tensor
    cross_norm: Norm
    cross_query: Tensor
    cross_key: Tensor
    cross_value: Tensor
    cross_out: Tensor
    feed_forward_norm: Norm
    up: Tensor
    down: Tensor


@dataclass(frozen=True)
class DecoderWeights:
    """A whole decoder.

    Attributes:
        embeddings: K tables ``[E + 1, D]``. heads: K matrices ``[E, D]``.
        positions: how many to their embeddings ``[count, D]``.
        attention_heads: H.
        masks_padding: whether words that pad a prompt are left out of its attention.
    """

    embeddings: tuple[Tensor, ...]
    positions: Callable[[int], Tensor]
    blocks: tuple[BlockWeights, ...]
    norm: Norm
    heads: tuple[Tensor, ...]
    attention_heads: int
    activation: Callable[[Tensor], Tensor]
    masks_padding: bool


def without_bias(name: str, modules: Iterable[Any]) -> tuple[Tensor, ...]:
    """The matrices of linear layers.

    Raises:
        BadInput: one has a bias, as no MusicGen does.
    """
    matrices = []
    for module in modules:
        if getattr(module, "bias", None) is not None:
            raise unfit(name, "has biases in its matrices")
        matrices.append(module.weight.detach())
    return tuple(matrices)


def unfit(name: str, why: str) -> BadInput:
    """What to say of a model that the fused decoder cannot play."""
    return BadInput(f"{name} {why}, which the fused decoder does not know: use --decoder hooks")
