"""Kernels of a step on a GPU, in Triton, which comes with torch there.

With few rows a step is as fast as its matrices can be read, and a block of MusicGen-large reads its own
in 25 microseconds: what counts is that little stands between them. So activation, residual sum and push are
done by the product that they go with, and so are norms of two rows; each attention is one kernel, and a kernel
begins while the one before it is still at work (programmatic dependent launch, Hopper and later). To have the
weights of the next kernel taken into the second-level cache ahead was tried at several places; it cost time.

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
def _activated(value, ACTIVATION: tl.constexpr):
    if ACTIVATION == 1:
        value = value * 0.5 * (1.0 + tl.erf(value * 0.7071067811865476))
    elif ACTIVATION == 2:
        value = tl.maximum(value, 0.0)
    return value


@triton.jit
def _added(rows, scales, sums, total, square, part, NORM: tl.constexpr):
    """What a row's terms add to its sums ``[BN, BK]``, and to those that a norm wants ``[BK]``."""
    x = tl.load(rows).to(tl.float32)
    if NORM:
        total += x
        square += x * x
        x *= scales
    return sums + part * x[None, :], total, square


@triton.jit
def _put(
    sums, total, square, out, slope, shift, more, eps, K: tl.constexpr, NORM: tl.constexpr,
    ACTIVATION: tl.constexpr,
):  # fmt: skip
    """A row's columns, of all that was summed for it."""
    value = tl.sum(sums, 1)
    if NORM:
        mean = tl.sum(total, 0) / K
        over = tl.rsqrt(tl.sum(square, 0) / K - mean * mean + eps)
        value = over * (value - mean * slope) + shift
    tl.store(out, _activated(value, ACTIVATION) + more)


@triton.jit
def product(
    rows, weight, out, scale, folded, push, eps,
    N, K: tl.constexpr, R: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, STAGES: tl.constexpr,
    NORM: tl.constexpr, ACTIVATION: tl.constexpr, ADD: tl.constexpr, PUSH: tl.constexpr,
    EARLY: tl.constexpr,
):  # fmt: skip
    """One or two rows ``[R, K]`` times a weight ``[N, K]``: BN columns a program, BK of the sum at a time.

    A norm of the rows needs no pass of its own: its mean and deviation are summed beside the products,
    and what they do to those is known from the sums of the weights. What does not depend on the rows is
    fetched before they are there, and what is added while they are multiplied.

    Args:
        scale: of the norm ``[K]``, if NORM. folded: ``[2, N]``, the weight times its scale and its shift.
        push: ``[R, N]`` that is added, if PUSH.
    """
    n, k = tl.program_id(0) * BN + tl.arange(0, BN), tl.arange(0, BK)
    places = weight + n[:, None] * K + k[None, :]
    if BK == K:
        part = tl.load(places)
    slope, shift, more0, more1 = 0.0, 0.0, 0.0, 0.0
    if NORM:
        slope, shift = tl.load(folded + n), tl.load(folded + N + n)
    if PUSH:
        more0 = tl.load(push + n).to(tl.float32)
        if R == 2:
            more1 = tl.load(push + N + n).to(tl.float32)
    _await(EARLY)
    if ADD:
        more0 += tl.load(out + n).to(tl.float32)
        if R == 2:
            more1 += tl.load(out + N + n).to(tl.float32)
    sums0, sums1 = tl.zeros((BN, BK), tl.float32), tl.zeros((BN, BK), tl.float32)
    total0, square0 = tl.zeros((BK,), tl.float32), tl.zeros((BK,), tl.float32)
    total1, square1 = tl.zeros((BK,), tl.float32), tl.zeros((BK,), tl.float32)
    for start in tl.range(0, K, BK, num_stages=STAGES):
        if BK != K:
            part = tl.load(places + start)
        now, scales = part.to(tl.float32), 1.0
        if NORM:
            scales = tl.load(scale + start + k).to(tl.float32)
        one = rows + start + k
        sums0, total0, square0 = _added(one, scales, sums0, total0, square0, now, NORM)
        if R == 2:
            sums1, total1, square1 = _added(one + K, scales, sums1, total1, square1, now, NORM)
    _put(sums0, total0, square0, out + n, slope, shift, more0, eps, K, NORM, ACTIVATION)
    if R == 2:
        _put(sums1, total1, square1, out + N + n, slope, shift, more1, eps, K, NORM, ACTIVATION)


@triton.jit
def products(
    rows, weight, out, push, N, R, K: tl.constexpr, WIDE: tl.constexpr, BN: tl.constexpr,
    BK: tl.constexpr, STAGES: tl.constexpr, ACTIVATION: tl.constexpr, ADD: tl.constexpr,
    PUSH: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """The same for more rows, by the matrix units: ``[WIDE, K]``, of which R count.

    Each is multiplied by itself, so that it is the same whatever stands beside it.
    """
    n, r, k = tl.program_id(0) * BN + tl.arange(0, BN), tl.arange(0, WIDE), tl.arange(0, BK)
    places, there = r[None, :] * N + n[:, None], r[None, :] < R
    sums, more = tl.zeros((BN, WIDE), tl.float32), 0.0
    if PUSH:
        more = tl.load(push + places, mask=there, other=0.0).to(tl.float32)
    _await(EARLY)
    if ADD:
        more += tl.load(out + places, mask=there, other=0.0).to(tl.float32)
    for start in tl.range(0, K, BK, num_stages=STAGES):
        part = tl.load(weight + n[:, None] * K + (start + k)[None, :])
        x = tl.load(rows + r[None, :] * K + (start + k)[:, None])
        sums = tl.dot(part, x, sums, input_precision="ieee")
    tl.store(out + places, _activated(sums, ACTIVATION) + more, mask=there)


@triton.jit
def normalise(rows, scale, shift, out, eps, K, WIDE: tl.constexpr, EARLY: tl.constexpr):
    """A norm of rows ``[R, K]``, one a program."""
    k = tl.arange(0, WIDE)
    there = k < K
    scales = tl.load(scale + k, mask=there, other=0.0).to(tl.float32)
    shifts = tl.load(shift + k, mask=there, other=0.0).to(tl.float32)
    _await(EARLY)
    x = tl.load(rows + tl.program_id(0) * K + k, mask=there, other=0.0).to(tl.float32)
    x = tl.where(there, x - tl.sum(x, 0) / K, 0.0)
    x *= tl.rsqrt(tl.sum(x * x, 0) / K + eps)
    tl.store(out + tl.program_id(0) * K + k, x * scales + shifts, mask=there)


@triton.jit
def attend_past(
    mixed, keys, values, place, out, parts, ready, length, by_row, H: tl.constexpr, D: tl.constexpr,
    BS: tl.constexpr, SHARES: tl.constexpr, STAGES: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """A head of a row attends to what is kept and to its own step, which it keeps: ``[R, 3 H D]``.

    Args:
        keys, values: ``[R, H, length, D]``. place: int64, how many steps are kept already, of all rows
            or ``by_row``, which is 1 then and else 0.
        parts: float32 ``[R H, SHARES, D + 2]``, what a program reads of its share of the past, its largest
            score and the sum of its shares; the last that is ready puts them together.
        ready: int32 ``[R H]``, zeros. BS: steps that are read at a time.
    """
    one, share = tl.program_id(0), tl.program_id(1)
    row, head, d = one // H, one % H, tl.arange(0, D)
    own = mixed + row * 3 * H * D + head * D + d
    keys += one.to(tl.int64) * length * D
    values += one.to(tl.int64) * length * D
    _await(EARLY)
    kept = tl.load(place + row * by_row).to(tl.int32)
    query = tl.load(own).to(tl.float32)
    each = tl.cdiv(tl.cdiv(kept, SHARES), BS) * BS
    first = share * each
    last = tl.minimum(first + each, kept)
    most, whole, read = float("-inf"), 0.0, tl.zeros((D,), tl.float32)
    if share == 0:
        new_key, new_value = tl.load(own + H * D), tl.load(own + 2 * H * D)
        tl.store(keys + kept * D + d, new_key)
        tl.store(values + kept * D + d, new_value)
        most, whole = tl.sum(query * new_key.to(tl.float32), 0), 1.0
        read = new_value.to(tl.float32)
    for start in tl.range(first, last, BS, num_stages=STAGES):
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
    if SHARES == 1:
        tl.store(out + one * D + d, read / whole)
    else:
        mine = parts + (one * SHARES + share) * (D + 2)
        tl.store(mine + d, read)
        tl.store(mine + D, most)
        tl.store(mine + D + 1, whole)
        tl.debug_barrier()
        if tl.atomic_add(ready + one, 1) == SHARES - 1:
            tl.store(ready + one, 0)
            _put_together(parts + one * SHARES * (D + 2), out + one * D, D, SHARES)


@triton.jit
def _put_together(parts, out, D: tl.constexpr, SHARES: tl.constexpr):
    """What the shares of the past come to; those that read nothing have the weight 0."""
    d, share = tl.arange(0, D), tl.arange(0, SHARES) * (D + 2)
    most = tl.load(parts + share + D, volatile=True)
    weights = tl.exp(most - tl.max(most, 0))
    whole = tl.sum(weights * tl.load(parts + share + D + 1, volatile=True), 0)
    read = tl.load(parts + share[:, None] + d[None, :], volatile=True)
    tl.store(out + d, tl.sum(weights[:, None] * read, 0) / whole)


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
    overs,
    tops,
    K: tl.constexpr,
    E: tl.constexpr,
    WIDE: tl.constexpr,
    EARLY: tl.constexpr,
):
    """A code out of logits ``[E]`` and exponential noise, of the likeliest and what ties with them.

    Args:
        overs: float32 ``[B]``, one over the temperature of each row of K codes. tops: int32 ``[B]``, how many
            codes it is drawn of.
    """
    one = tl.program_id(0)
    e = tl.arange(0, WIDE)
    fresh = tl.load(noise + one * E + e, mask=e < E, other=1.0)
    _await(EARLY)
    found = tl.load(logits + one * E + e, mask=e < E, other=float("-inf")).to(tl.float32)
    top, over = tl.load(tops + one // K), tl.load(overs + one // K)
    if top < E:
        # Floats in the order of integers: the bound is found bit by bit, from the sign on.
        order = found.to(tl.int32, bitcast=True)
        order = order ^ ((order >> 31) & 0x7FFFFFFF)
        bound = tl.where(tl.sum((order >= 0).to(tl.int32), 0) >= top, 0, -2147483648)
        for bit in range(31):
            tried = bound | (1 << (30 - bit))
            bound = tl.where(tl.sum((order >= tried).to(tl.int32), 0) >= top, tried, bound)
        found = tl.where(order >= bound, found, float("-inf"))
    scores = found * over - tl.log(tl.maximum(fresh, 1e-20))
    tl.store(out + one, tl.argmax(scores, 0).to(tl.int64))


def wide(count: int) -> int:
    """The power of two that so many fit into."""
    return int(triton.next_power_of_2(count))


def launched(
    kernel: Any, programs: tuple[int, ...], *given: Any, early: bool, warps: int, **fixed: Any
) -> None:
    """Run a kernel in so many programs; where it begins early, by what the launch is told."""
    more = {"launch_pdl": True} if early else {}
    kernel[programs](*given, **fixed, EARLY=early, num_warps=warps, **more)
