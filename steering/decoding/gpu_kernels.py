"""Kernels of a step on a GPU, in Triton, which comes with torch there.

With two rows a step is as fast as its matrices can be read, and a block of MusicGen-large reads its eight
in 40 microseconds: what counts is that nothing stands between them. So norms, activation, residual sum and
push are done by the product that they go with, each attention is one kernel, and a kernel fetches its first
weights while the one before it is still at work (programmatic dependent launch, Hopper and later).

Numbers are added as float32 whatever the dtype, always in the same order.
"""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl
from triton.language.extra import cuda

GELU, RELU, NONE = 1, 2, 0
"""What a product's results go through, as the kernel knows it."""


@triton.jit
def _await(EARLY: tl.constexpr):
    """Let the next kernel begin, and wait for what the one before has written."""
    if EARLY:
        cuda.gdc_launch_dependents()
        cuda.gdc_wait()


@triton.jit
def _normed(sums, total, square, folded, n, N, eps, K: tl.constexpr):
    """What a product would be had its row been normalised before, of the row's total and square."""
    mean = tl.sum(total, 0) / K
    over = tl.rsqrt(tl.sum(square, 0) / K - mean * mean + eps)
    return over * (sums - mean * tl.load(folded + n)) + tl.load(folded + N + n)


@triton.jit
def _put(out, n, value, ACTIVATION: tl.constexpr, ADD: tl.constexpr, push, PUSH: tl.constexpr):
    if ACTIVATION == 1:
        value = value * 0.5 * (1.0 + tl.erf(value * 0.7071067811865476))
    elif ACTIVATION == 2:
        value = tl.maximum(value, 0.0)
    if ADD:
        value += tl.load(out + n).to(tl.float32)
    if PUSH:
        value += tl.load(push + n).to(tl.float32)
    tl.store(out + n, value)


@triton.jit
def product(
    rows, weight, out, scale, folded, push, eps,
    N, K: tl.constexpr, R: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    NORM: tl.constexpr, ACTIVATION: tl.constexpr, ADD: tl.constexpr, PUSH: tl.constexpr,
    EARLY: tl.constexpr,
):  # fmt: skip
    """One or two rows ``[R, K]`` times a weight ``[N, K]``: BN columns a program, BK of the sum at a time.

    A norm of the rows needs no pass of its own: its mean and deviation are summed beside the products,
    and what they do to those is known from the sums of the weights.

    Args:
        scale: of the norm ``[K]``, if NORM. folded: ``[2, N]``, the weight times its scale and its shift.
        push: ``[R, N]`` that is added, if PUSH.
    """
    n = tl.program_id(0) * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    places = weight + n[:, None] * K + k[None, :]
    part = tl.load(places)
    _await(EARLY)
    sums0 = tl.zeros((BN, BK), tl.float32)
    sums1 = tl.zeros((BN, BK), tl.float32)
    total0, square0 = tl.zeros((BK,), tl.float32), tl.zeros((BK,), tl.float32)
    total1, square1 = tl.zeros((BK,), tl.float32), tl.zeros((BK,), tl.float32)
    for start in range(0, K, BK):
        now = part.to(tl.float32)
        more = start + BK < K
        part = tl.load(places + start + BK, mask=more & (n[:, None] < N), other=0.0)
        x = tl.load(rows + start + k).to(tl.float32)
        if NORM:
            total0 += x
            square0 += x * x
            x *= tl.load(scale + start + k).to(tl.float32)
        sums0 += now * x[None, :]
        if R == 2:
            x = tl.load(rows + K + start + k).to(tl.float32)
            if NORM:
                total1 += x
                square1 += x * x
                x *= tl.load(scale + start + k).to(tl.float32)
            sums1 += now * x[None, :]
    found = tl.sum(sums0, 1)
    if NORM:
        found = _normed(found, total0, square0, folded, n, N, eps, K)
    _put(out, n, found, ACTIVATION, ADD, push, PUSH)
    if R == 2:
        found = tl.sum(sums1, 1)
        if NORM:
            found = _normed(found, total1, square1, folded, n, N, eps, K)
        _put(out + N, n, found, ACTIVATION, ADD, push + N, PUSH)


@triton.jit
def attend_past(
    mixed, keys, values, place, out, length, H: tl.constexpr, D: tl.constexpr, BS: tl.constexpr,
    EARLY: tl.constexpr,
):  # fmt: skip
    """A head of a row attends to what is kept and to its own step, which it keeps: ``[R, 3 H D]``.

    Args:
        keys, values: ``[R, H, length, D]``. place: int64 ``[1]``, how many steps are kept already.
        BS: steps that are read at a time.
    """
    row, head = tl.program_id(0) // H, tl.program_id(0) % H
    d = tl.arange(0, D)
    own = mixed + row * 3 * H * D + head * D + d
    keys += tl.program_id(0).to(tl.int64) * length * D
    values += tl.program_id(0).to(tl.int64) * length * D
    _await(EARLY)
    kept = tl.load(place)
    query = tl.load(own).to(tl.float32)
    new_key, new_value = tl.load(own + H * D), tl.load(own + 2 * H * D)
    tl.store(keys + kept * D + d, new_key)
    tl.store(values + kept * D + d, new_value)
    most = tl.sum(query * new_key.to(tl.float32), 0)
    whole = most * 0.0 + 1.0
    read = new_value.to(tl.float32)
    start = kept * 0
    while start < kept:
        s = start + tl.arange(0, BS)
        there = s[:, None] < kept
        places = s[:, None] * D + d[None, :]
        key = tl.load(keys + places, mask=there, other=0.0).to(tl.float32)
        value = tl.load(values + places, mask=there, other=0.0).to(tl.float32)
        scores = tl.where(s < kept, tl.sum(key * query[None, :], 1), float("-inf"))
        now = tl.maximum(most, tl.max(scores, 0))
        shares, before = tl.exp(scores - now), tl.exp(most - now)
        whole = whole * before + tl.sum(shares, 0)
        read = read * before + tl.sum(shares[:, None] * value, 0)
        most = now
        start += BS
    tl.store(out + tl.program_id(0) * D + d, read / whole)


@triton.jit
def attend_prompt(
    query, keys, values, hidden, out, words, D: tl.constexpr, WIDE: tl.constexpr,
    MASK: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """A head of a row attends to its prompt.

    Args:
        keys: ``[C H, D, W]``. values: ``[C H, W, D]``. hidden: ``[C H, 1, W]``, if MASK.
        WIDE: the power of two that the words fit into.
    """
    one = tl.program_id(0)
    d, w = tl.arange(0, D), tl.arange(0, WIDE)
    there = w < words
    places = one * D * words + d[None, :] * words + w[:, None]
    key = tl.load(keys + places, mask=there[:, None], other=0.0).to(tl.float32)
    places = one * D * words + w[:, None] * D + d[None, :]
    value = tl.load(values + places, mask=there[:, None], other=0.0).to(tl.float32)
    _await(EARLY)
    asked = tl.load(query + one * D + d).to(tl.float32)
    scores = tl.sum(key * asked[None, :], 1)
    if MASK:
        scores += tl.load(hidden + one * words + w, mask=there, other=0.0).to(tl.float32)
    scores = tl.where(there, scores, float("-inf"))
    shares = tl.exp(scores - tl.max(scores, 0))
    tl.store(out + one * D + d, tl.sum(shares[:, None] * value, 0) / tl.sum(shares, 0))


@triton.jit
def add_words(
    scores, words, out, H, W, N, BN: tl.constexpr, HEADS: tl.constexpr, WIDE: tl.constexpr,
    EARLY: tl.constexpr,
):  # fmt: skip
    """What a row's heads read of its prompt, added to ``out [N]``: BN columns a program.

    Args:
        scores: of each head's words ``[H, W]``. words: ``[N, HEADS, WIDE]``, what each adds, with zeros
            where there is no such head or word.
    """
    n, h, w = tl.program_id(0) * BN + tl.arange(0, BN), tl.arange(0, HEADS), tl.arange(0, WIDE)
    places = (n[:, None, None] * HEADS + h[None, :, None]) * WIDE + w[None, None, :]
    adds = tl.load(words + places).to(tl.float32)
    _await(EARLY)
    there = (h[:, None] < H) & (w[None, :] < W)
    found = tl.load(scores + h[:, None] * W + w[None, :], mask=there, other=0.0).to(tl.float32)
    found = tl.where(w[None, :] < W, found, float("-inf"))
    shares = tl.exp(found - tl.max(found, 1)[:, None])
    shares /= tl.sum(shares, 1)[:, None]
    value = tl.sum(tl.sum(adds * shares[None, :, :], 2), 1) + tl.load(out + n).to(tl.float32)
    tl.store(out + n, value)


@triton.jit
def draw(
    logits,
    noise,
    out,
    over,
    E: tl.constexpr,
    WIDE: tl.constexpr,
    TOP: tl.constexpr,
    EARLY: tl.constexpr,
):
    """A code out of logits ``[E]`` and exponential noise, of the TOP likeliest and what ties with them.

    Args:
        over: one over the temperature.
    """
    one = tl.program_id(0)
    e = tl.arange(0, WIDE)
    fresh = tl.load(noise + one * E + e, mask=e < E, other=1.0)
    _await(EARLY)
    found = tl.load(logits + one * E + e, mask=e < E, other=float("-inf")).to(tl.float32)
    if TOP < E:
        # Floats in the order of integers: the bound is found bit by bit, from the sign on.
        order = found.to(tl.int32, bitcast=True)
        order = order ^ ((order >> 31) & 0x7FFFFFFF)
        bound = tl.where(tl.sum((order >= 0).to(tl.int32), 0) >= TOP, 0, -2147483648)
        for bit in range(31):
            tried = bound | (1 << (30 - bit))
            bound = tl.where(tl.sum((order >= tried).to(tl.int32), 0) >= TOP, tried, bound)
        found = tl.where(order >= bound, found, float("-inf"))
    scores = found * over - tl.log(tl.maximum(fresh, 1e-20))
    tl.store(out + one, tl.argmax(scores, 0).to(tl.int64))


def wide(count: int) -> int:
    """The power of two that so many fit into."""
    return int(triton.next_power_of_2(count))


def launched(
    kernel: Any, programs: int, *given: Any, early: bool, warps: int, **fixed: Any
) -> None:
    """Run a kernel in so many programs; where it begins early, by what the launch is told."""
    more = {"launch_pdl": True} if early else {}
    kernel[(programs,)](*given, **fixed, EARLY=early, num_warps=warps, **more)
