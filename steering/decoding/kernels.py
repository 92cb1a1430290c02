"""The loops of one step on the CPU, compiled by numba: products, layer norms, attention, GELU, pushes.

A step of a few rows is many small operations, each shorter than the call of a library that makes it;
here all blocks are one call. Each row is worked out by the same operations in the same order whatever
stands beside it, so a row of a batch is the row alone, bit for bit. Matrices are float32, or float16
kept as uint16 where they can be without loss: the processor widens them as it reads, so that half as
many bytes come from memory.

Importing this needs numba. Compiled once on a machine, which takes some seconds, and kept beside
this file where that can be written: until the file changes, so that what the loops call stands here too.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba import config, njit, types
from numba.extending import intrinsic

Loop = Callable[..., Any]
_inserted: Callable[[Loop], Any] = intrinsic
_EXACT = {"contract", "nsz"}
_SUMS = {"contract", "nsz", "reassoc"}
"""For sums along a row, whose order is then the compiler's: the same for every row."""
_ROUNDED = {"nsz"}
"""For pushes, each of whose operations is rounded as torch rounds it."""

ACTIVATIONS = ("gelu", "relu")
OPERATORS = ("add", "ablate", "add_keeping_norm", "clamp", "affine")
"""Those of `steering.interventions.operators` that have a loop; a kind of push is a place among them."""
_LEAST = np.float32(1e-12)

_ROUNDING = np.float32(1.5 * 2**23)
_PER_OCTAVE = np.float32(1 / np.log(2))
_OCTAVE_HIGH = np.float32(0.693359375)
_OCTAVE_LOW = np.float32(np.log(2) - 0.693359375)
_LOWEST = np.float32(-87.0)
_HALF, _ONE = np.float32(0.5), np.float32(1)
_ROOT_HALF = np.float32(0.5**0.5)
_TAYLOR = tuple(np.float32(1 / n) for n in (5040, 720, 120, 24, 6))
_ERF_SLOPE = np.float32(0.3275911)
_ERF = tuple(
    np.float32(one) for one in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
)


def widens_halves() -> bool:
    """Whether this processor reads float16 as fast as it should."""
    if config.CPU_NAME or config.CPU_FEATURES:  # type: ignore[attr-defined]
        return False
    if platform.machine() in ("aarch64", "arm64"):
        return True
    return bool(dict(binding.get_host_cpu_features()).get("f16c"))


def _compiled(fastmath: set[str]) -> Callable[[Loop], Loop]:
    options: dict[str, Any] = {"fastmath": fastmath, "nogil": True, "error_model": "numpy"}

    def decorate(function: Loop) -> Loop:
        made: Loop
        try:
            made = njit(cache=True, **options)(function)
        except RuntimeError:  # no folder that a compiled function could be kept in
            made = njit(**options)(function)
        return made

    return decorate


@_inserted
def _wide(context, value):  # type: ignore[no-untyped-def]
    """A matrix's number as float32, from float32 or from the bits of a float16."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        if signature.args[0] == types.float32:
            return arguments[0]
        half = builder.bitcast(arguments[0], ir.HalfType())
        return builder.fpext(half, ir.FloatType())

    return types.float32(value), generate


@_inserted
def _octaves(context, rounded):  # type: ignore[no-untyped-def]
    """2 to the whole number n, of ``n + _ROUNDING``, whose last bits are n."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        whole = ir.IntType(32)
        bits = builder.bitcast(arguments[0], whole)
        moved = builder.add(bits, ir.Constant(whole, 127 - 0x4B400000))
        return builder.bitcast(builder.shl(moved, ir.Constant(whole, 23)), ir.FloatType())

    return types.float32(rounded), generate


@_compiled(_EXACT)
def _exp(x):  # type: ignore[no-untyped-def]
    """e to the x, x at most 0, by its series around the nearest power of 2."""
    if x < _LOWEST:
        x = _LOWEST
    rounded = x * _PER_OCTAVE + _ROUNDING
    whole = rounded - _ROUNDING
    rest = x - whole * _OCTAVE_HIGH - whole * _OCTAVE_LOW
    series = _TAYLOR[0] * rest + _TAYLOR[1]
    series = series * rest + _TAYLOR[2]
    series = series * rest + _TAYLOR[3]
    series = series * rest + _TAYLOR[4]
    series = series * rest + _HALF
    series = series * rest + _ONE
    return (series * rest + _ONE) * _octaves(rounded)


@_compiled(_EXACT)
def _gelu(x):  # type: ignore[no-untyped-def]
    """x times the normal distribution's share below x (Abramowitz and Stegun 1964, 7.1.26)."""
    size = (x if x > 0 else -x) * _ROOT_HALF
    t = _ONE / (_ONE + _ERF_SLOPE * size)
    series = _ERF[0] * t + _ERF[1]
    series = series * t + _ERF[2]
    series = series * t + _ERF[3]
    series = series * t + _ERF[4]
    beyond = _HALF * series * t * _exp(-size * size)
    return x * (_ONE - beyond if x > 0 else beyond)


@_compiled(_EXACT)
def activate(rows, kind):  # type: ignore[no-untyped-def]
    """``rows [R, F]`` in place; ``kind`` is a place in `ACTIVATIONS`."""
    count, width = rows.shape
    for r in range(count):
        for n in range(width):
            x = rows[r, n]
            if kind == 0:
                rows[r, n] = _gelu(x)
            else:
                rows[r, n] = max(x, np.float32(0))


@_compiled(_EXACT)
def accumulate(rows, matrix, out):  # type: ignore[no-untyped-def]
    """Add ``rows [R, K] @ matrix [K, N]`` to ``out [R, N]``, each row in the order of K.

    Eight rows of the matrix at a time, so that ``out`` is read and written an eighth as often, and
    two of the rows at a time, so that the matrix is read and widened half as often.
    """
    count, depth = rows.shape
    width = matrix.shape[1]
    whole = depth - depth % 8
    for k in range(0, whole, 8):
        for r in range(0, count - 1, 2):
            _eight_by_two(rows, matrix, out, k, r, width)
        if count % 2:
            _eight_by_one(rows, matrix, out, k, count - 1, width)
    for k in range(whole, depth):
        for r in range(count):
            for n in range(width):
                out[r, n] += rows[r, k] * _wide(matrix[k, n])


@_compiled(_EXACT)
def _eight_by_two(rows, matrix, out, k, r, width):  # type: ignore[no-untyped-def]
    a, b, c, d = rows[r, k], rows[r, k + 1], rows[r, k + 2], rows[r, k + 3]
    e, f, g, h = rows[r, k + 4], rows[r, k + 5], rows[r, k + 6], rows[r, k + 7]
    s, t, u, v = rows[r + 1, k], rows[r + 1, k + 1], rows[r + 1, k + 2], rows[r + 1, k + 3]
    w, x, y, z = rows[r + 1, k + 4], rows[r + 1, k + 5], rows[r + 1, k + 6], rows[r + 1, k + 7]
    for n in range(width):
        one, two = out[r, n], out[r + 1, n]
        first, second = _wide(matrix[k, n]), _wide(matrix[k + 1, n])
        third, fourth = _wide(matrix[k + 2, n]), _wide(matrix[k + 3, n])
        one, two = one + a * first, two + s * first
        one, two = one + b * second, two + t * second
        one, two = one + c * third, two + u * third
        one, two = one + d * fourth, two + v * fourth
        first, second = _wide(matrix[k + 4, n]), _wide(matrix[k + 5, n])
        third, fourth = _wide(matrix[k + 6, n]), _wide(matrix[k + 7, n])
        one, two = one + e * first, two + w * first
        one, two = one + f * second, two + x * second
        one, two = one + g * third, two + y * third
        out[r, n], out[r + 1, n] = one + h * fourth, two + z * fourth


@_compiled(_EXACT)
def _eight_by_one(rows, matrix, out, k, r, width):  # type: ignore[no-untyped-def]
    a, b, c, d = rows[r, k], rows[r, k + 1], rows[r, k + 2], rows[r, k + 3]
    e, f, g, h = rows[r, k + 4], rows[r, k + 5], rows[r, k + 6], rows[r, k + 7]
    for n in range(width):
        one = out[r, n]
        one = one + a * _wide(matrix[k, n])
        one = one + b * _wide(matrix[k + 1, n])
        one = one + c * _wide(matrix[k + 2, n])
        one = one + d * _wide(matrix[k + 3, n])
        one = one + e * _wide(matrix[k + 4, n])
        one = one + f * _wide(matrix[k + 5, n])
        one = one + g * _wide(matrix[k + 6, n])
        out[r, n] = one + h * _wide(matrix[k + 7, n])


@_compiled(_SUMS)
def _dot(one, other):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for n in range(len(one)):
        total += one[n] * other[n]
    return total


@_compiled(_SUMS)
def _sum(row):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for n in range(len(row)):
        total += row[n]
    return total


@_compiled(_EXACT)
def normalise(rows, norm, epsilon, out):  # type: ignore[no-untyped-def]
    """Layer norm of ``rows [R, D]`` with scale and shift ``norm [2, D]``, into ``out [R, D]``."""
    count, width = rows.shape
    scale, shift = norm[0], norm[1]
    for r in range(count):
        row, made = rows[r], out[r]
        mean = _sum(row) / np.float32(width)
        for n in range(width):
            made[n] = row[n] - mean
        factor = _ONE / np.sqrt(_dot(made, made) / np.float32(width) + epsilon)
        for n in range(width):
            made[n] = made[n] * factor * scale[n] + shift[n]


@_compiled(_EXACT)
def attend(query, keys, values, seen, scores, out):  # type: ignore[no-untyped-def]
    """What a query ``[d]`` hears of the first ``seen`` keys and values ``[S, d]``, into ``out [d]``."""
    top = np.float32(-np.inf)
    for s in range(seen):
        scores[s] = _dot(query, keys[s])
        top = max(top, scores[s])
    for s in range(seen):
        scores[s] = _exp(scores[s] - top)
    total = np.float32(0)
    for n in range(len(out)):
        out[n] = 0
    for s in range(seen):
        share, value = scores[s], values[s]
        total += share
        for n in range(len(out)):
            out[n] += share * value[n]
    for n in range(len(out)):
        out[n] /= total


@_compiled(_ROUNDED)
def _move(row, amount, along):  # type: ignore[no-untyped-def]
    for n in range(len(row)):
        row[n] += amount * along[n]


@_compiled(_ROUNDED)
def _add_keeping_norm(row, coefficient, written):  # type: ignore[no-untyped-def]
    before = max(np.sqrt(_dot(row, row)), _LEAST)
    _move(row, coefficient, written)
    factor = before / max(np.sqrt(_dot(row, row)), _LEAST)
    for n in range(len(row)):
        row[n] *= factor


@_compiled(_ROUNDED)
def operate(kind, row, coefficient, vector, even, written):  # type: ignore[no-untyped-def]
    """What the operator of this kind does to ``row [D]``; `steering.interventions.operators` says what."""
    if kind == 0:
        _move(row, coefficient, written)
    elif kind == 1:
        _move(row, -(coefficient * _dot(row, vector)), written)
    elif kind == 2:
        _add_keeping_norm(row, coefficient, written)
    else:
        missing = even + coefficient - _dot(row, vector)
        if kind == 4:
            _move(row, _HALF * missing, written)
        elif (missing > 0) == (coefficient > 0):
            _move(row, missing, written)


@_compiled(_ROUNDED)
def push(layer, x, pushes, total):  # type: ignore[no-untyped-def]
    """What all concepts do to the rows ``x [R, D]`` after a layer; ``total [D]`` is room to work in.

    Those of a row that are added one after another are summed before, as torch sums them.
    """
    coefficients, strengths, kinds, places, vectors, written, evens, _, _, _ = pushes
    concepts, clips = kinds.shape
    for r in range(len(x)):
        row, clip, sums = x[r], r % clips, False
        for m in range(concepts):
            kind, place = kinds[m, clip], places[m, clip]
            coefficient = coefficients[m, layer, r] * strengths[m, clip]
            if kind != 0 and sums:
                _move(row, _ONE, total)
                sums = False
            if coefficient == 0:
                continue
            if kind == 0:
                if not sums:
                    total[:] = 0
                sums = True
                _move(total, coefficient, written[place, layer])
            else:
                vector, even = vectors[place, layer], evens[place, layer]
                operate(kind, row, coefficient, vector, even, written[place, layer])
        if sums:
            _move(row, _ONE, total)


@_compiled(_ROUNDED)
def hear(layer, x, pushes):  # type: ignore[no-untyped-def]
    """What the probes that hear a layer read in the rows ``x [R, D]``; conditional rows come first."""
    _, _, _, _, _, _, _, heard_at, ears, read = pushes
    concepts, clips = heard_at.shape
    for m in range(concepts):
        for clip in range(clips):
            if heard_at[m, clip] == layer:
                read[m, clip] = _dot(x[clip], ears[m, clip])


@_compiled(_ROUNDED)
def settle(read, numbers, gains, before, after):  # type: ignore[no-untyped-def]
    """What `Followers.settle` does, on arrays ``[M, B]``.

    Args:
        read, numbers: as `Followers` has them. gains: of the step.
        before, after: means and strengths ``[2, M, B]``, of this step and of the next.
    """
    for m in range(read.shape[0]):
        for clip in range(read.shape[1]):
            gain, mean, strength = gains[m, clip], np.float32(0), _ONE
            if gain != 0:
                odds = numbers[4, m, clip] + numbers[3, m, clip] * read[m, clip]
                heard = _ONE / (_ONE + np.exp(-odds))
                mean = before[0, m, clip] + numbers[2, m, clip] * (heard - before[0, m, clip])
                strength = before[1, m, clip] + gain * (numbers[0, m, clip] - mean)
            after[0, m, clip] = mean
            after[1, m, clip] = min(max(strength, np.float32(0)), _ONE)


@_compiled(_EXACT)
def blocks(first, last, x, place, past, prompts, counts, model, kind, pushes):  # type: ignore[no-untyped-def]
    """One position of all rows through blocks ``first`` to ``last - 1``.

    Args:
        x: the residual stream ``[R, D]``, which is changed.
        place: the position; its keys and values are put into ``past [L, 2, R, H, S, d]``.
        prompts: keys and values of the prompts ``[L, 2, C, H, W, d]``, for the first C rows.
        counts: how many words of each are read ``[C]``.
        model: norms ``[L, 3, 2, D]``, what is added to their variances ``[L, 3]``, and per layer the
            matrices query-key-value, out, cross query, cross out, up and down.
        kind: a place in `ACTIVATIONS`.
        pushes: what is heard and done after each layer, as `steering.decoding.pushes` has it.
    """
    norms, epsilons, qkv_weights, out, cross_query, cross_out, up, down = model
    rows, size = x.shape
    heads, part = past.shape[3], past.shape[5]
    conditional = len(counts)
    normed, attended = np.empty_like(x), np.empty_like(x)
    query_key_value = np.empty((rows, 3 * size), np.float32)
    query = np.empty((conditional, size), np.float32)
    hidden = np.empty((rows, up.shape[2]), np.float32)
    scores = np.empty(max(place + 1, prompts.shape[4]), np.float32)
    total = np.empty(size, np.float32)
    qkv_by_head = query_key_value.reshape(rows, 3, heads, part)
    query_by_head = query.reshape(conditional, heads, part)
    attended_by_head = attended.reshape(rows, heads, part)
    for layer in range(first, last):
        normalise(x, norms[layer, 0], epsilons[layer, 0], normed)
        query_key_value[:] = 0
        accumulate(normed, qkv_weights[layer], query_key_value)
        for r in range(rows):
            for h in range(heads):
                keys, values = past[layer, 0, r, h], past[layer, 1, r, h]
                keys[place] = qkv_by_head[r, 1, h]
                values[place] = qkv_by_head[r, 2, h]
                attend(
                    qkv_by_head[r, 0, h], keys, values, place + 1, scores, attended_by_head[r, h]
                )
        accumulate(attended, out[layer], x)
        normalise(x[:conditional], norms[layer, 1], epsilons[layer, 1], normed)
        query[:] = 0
        accumulate(normed[:conditional], cross_query[layer], query)
        for r in range(conditional):
            for h in range(heads):
                keys, values = prompts[layer, 0, r, h], prompts[layer, 1, r, h]
                attend(query_by_head[r, h], keys, values, counts[r], scores, attended_by_head[r, h])
        accumulate(attended[:conditional], cross_out[layer], x[:conditional])
        normalise(x, norms[layer, 2], epsilons[layer, 2], normed)
        hidden[:] = 0
        accumulate(normed, up[layer], hidden)
        activate(hidden, kind)
        accumulate(hidden, down[layer], x)
        hear(layer, x, pushes)
        push(layer, x, pushes, total)
