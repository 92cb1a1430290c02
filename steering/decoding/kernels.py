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
from numba import carray, config, njit, types  # type: ignore[attr-defined]
from numba.core import cgutils
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
_RAREST, _CLOSE = np.float32(1e-20), np.float32(1e-5)

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


def _lanes() -> int:
    """Numbers of a vector: with fewer registers it is half as long."""
    chosen = config.CPU_NAME or config.CPU_FEATURES  # type: ignore[attr-defined]
    if chosen or platform.machine() in ("aarch64", "arm64"):
        return 8
    return 16 if dict(binding.get_host_cpu_features()).get("avx512f") else 8


_LANES = _lanes()
COLUMNS = 4 * _LANES if _LANES == 16 else 2 * _LANES
"""Of a matrix that are multiplied at a time with four rows."""


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


@_inserted
def _memory(context, address):  # type: ignore[no-untyped-def]
    """Where float32 numbers lie, of the address as a whole number."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.inttoptr(arguments[0], ir.PointerType(ir.FloatType()))

    return types.CPointer(types.float32)(address), generate  # type: ignore[no-untyped-call]


@_compiled(_EXACT)
def _at(table, layer, part, head, count, width):  # type: ignore[no-untyped-def]
    """Keys (part 0) or values (1) of a row's head in a layer ``[count, width]``; see `blocks`."""
    address = table[0] + table[1] * layer + table[2] * part + table[3] * head
    return carray(_memory(address), (count, width))


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


def _tile_of(count: int) -> Any:
    """So many rows times a panel, added to as many of ``out``; sums stay in registers."""

    @_inserted
    def tile(context, like, rows, panel, depth, out, width):  # type: ignore[no-untyped-def]
        """Args: like: a number of the panel. rows, panel, out: addresses. depth, width: of a row."""

        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            _, rows, panel, depth, out, width = arguments
            half = signature.args[0] != types.float32
            single, vector = ir.FloatType(), ir.VectorType(ir.FloatType(), _LANES)
            kept = ir.VectorType(ir.HalfType(), _LANES) if half else vector
            item = 2 if half else 4

            def at(base: Any, number: Any, kind: Any, size: int = 4) -> Any:
                bytes_on = builder.mul(number, ir.Constant(number.type, size))
                return builder.inttoptr(builder.add(base, bytes_on), ir.PointerType(kind))

            def constant(number: int) -> Any:
                return ir.Constant(depth.type, number)

            places = [
                at(out, builder.add(builder.mul(width, constant(r)), constant(n)), vector)
                for r in range(count)
                for n in range(0, COLUMNS, _LANES)
            ]
            sums = [cgutils.alloca_once(builder, vector) for _ in places]  # type: ignore[no-untyped-call]
            for total, place in zip(sums, places, strict=True):
                builder.store(builder.load(place, align=4), total)
            with cgutils.for_range(builder, depth) as loop:
                begin = builder.mul(loop.index, constant(COLUMNS))
                columns = [
                    builder.load(at(panel, builder.add(begin, constant(n)), kept, item), align=item)
                    for n in range(0, COLUMNS, _LANES)
                ]
                if half:
                    columns = [builder.fpext(one, vector) for one in columns]
                for r in range(count):
                    place = builder.add(builder.mul(depth, constant(r)), loop.index)
                    one = builder.load(at(rows, place, single), align=4)
                    same = builder.insert_element(
                        ir.Constant(vector, ir.Undefined), one, ir.Constant(ir.IntType(32), 0)
                    )
                    zeros = ir.Constant(ir.VectorType(ir.IntType(32), _LANES), None)
                    same = builder.shuffle_vector(same, ir.Constant(vector, ir.Undefined), zeros)
                    for n, column in enumerate(columns):
                        total = sums[r * len(columns) + n]
                        product = builder.fmul(same, column, flags=("contract", "nsz"))
                        added = builder.fadd(
                            builder.load(total), product, flags=("contract", "nsz")
                        )
                        builder.store(added, total)
            for total, place in zip(sums, places, strict=True):
                builder.store(builder.load(total), place, align=4)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(like, whole, whole, whole, whole, whole), generate

    return tile


_one_row, _two_rows, _four_rows = (_tile_of(count) for count in (1, 2, 4))


@_compiled(_EXACT)
def accumulate(rows, matrix, panels, out):  # type: ignore[no-untyped-def]
    """Add ``rows [R, K] @ matrix [K, N]`` to ``out [R, N]``, each row in the order of K.

    Args:
        panels: the matrix once more, `COLUMNS` of its columns after another ``[N / COLUMNS, K, COLUMNS]``: then
            they are read as they lie there, once for four rows. None where they do not come out even.
    """
    count, depth = rows.shape
    width = matrix.shape[1]
    if len(panels) == 0:
        _accumulate_plain(rows, matrix, out)
        return
    fours, pairs = count - count % 4, count - count % 2
    for p in range(len(panels)):
        like, panel = panels[p, 0, 0], panels[p].ctypes.data
        given, made = rows.ctypes.data, out.ctypes.data + 4 * p * COLUMNS
        for r in range(0, fours, 4):
            at, to = given + 4 * r * depth, made + 4 * r * width
            _four_rows(like, at, panel, depth, to, width)
        at, to = given + 4 * fours * depth, made + 4 * fours * width
        if fours < pairs:
            _two_rows(like, at, panel, depth, to, width)
        at, to = given + 4 * pairs * depth, made + 4 * pairs * width
        if pairs < count:
            _one_row(like, at, panel, depth, to, width)


@_compiled(_EXACT)
def _accumulate_plain(rows, matrix, out):  # type: ignore[no-untyped-def]
    """Eight rows of the matrix at a time, so that ``out`` is read and written an eighth as often, and
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


_SPAN = 2 * _LANES
"""Numbers of a head that are summed up side by side."""


@_inserted
def _mixed(context, shares, values, seen, width, out):  # type: ignore[no-untyped-def]
    """`_SPAN` numbers of ``values [S, width]``, each times its share, summed in the order of S in registers.

    Args: shares, values, out: addresses.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        shares, values, seen, width, out = arguments
        single, vector = ir.FloatType(), ir.VectorType(ir.FloatType(), _LANES)
        whole = ir.VectorType(ir.IntType(32), _LANES)
        empty, zeros = ir.Constant(vector, ir.Undefined), ir.Constant(whole, None)

        def at(base: Any, number: Any, kind: Any) -> Any:
            on = builder.mul(number, ir.Constant(number.type, 4))
            return builder.inttoptr(builder.add(base, on), ir.PointerType(kind))

        places = [ir.Constant(seen.type, n) for n in range(0, _SPAN, _LANES)]
        sums = [cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in places]  # type: ignore[no-untyped-call]
        with cgutils.for_range(builder, seen) as loop:
            one = builder.load(at(shares, loop.index, single), align=4)
            first = builder.insert_element(empty, one, ir.Constant(ir.IntType(32), 0))
            share = builder.shuffle_vector(first, empty, zeros)
            begin = builder.mul(loop.index, width)
            for total, place in zip(sums, places, strict=True):
                value = builder.load(at(values, builder.add(begin, place), vector), align=4)
                product = builder.fmul(share, value, flags=("contract", "nsz"))
                added = builder.fadd(builder.load(total), product, flags=("contract", "nsz"))
                builder.store(added, total)
        for total, place in zip(sums, places, strict=True):
            builder.store(builder.load(total), at(out, place, vector), align=4)
        return context.get_dummy_value()

    number = types.int64
    return types.void(number, number, number, number, number), generate


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
    for s in range(seen):
        total += scores[s]
    width = len(out)
    spans = width - width % _SPAN
    for n in range(0, spans, _SPAN):
        at, to = values.ctypes.data + 4 * n, out.ctypes.data + 4 * n
        _mixed(scores.ctypes.data, at, seen, width, to)
    for n in range(spans, width):
        out[n] = 0
    for s in range(seen):
        for n in range(spans, width):
            out[n] += scores[s] * values[s, n]
    for n in range(width):
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
    coefficients, strengths, kinds, places, vectors, written, evens, _, _, _, owners = pushes
    concepts = len(kinds)
    if concepts == 0:
        return
    for r in range(len(x)):
        row, clip, sums = x[r], owners[r], False
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
    _, _, _, _, _, _, _, heard_at, ears, read, _ = pushes
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
def draw(logits, noise, temperatures, tops, scores, out):  # type: ignore[no-untyped-def]
    """Codes ``out [B, K]`` of logits and noise ``[B, K, E]``, as `sampling.choose` draws them without top-p.

    The largest of probability over noise, were all codes allowed, is mostly among the likeliest, which are
    then not looked for. Where it is so close that rounding decides, the code is -1: whoever asks looks closer.

    Args:
        temperatures, tops: of each clip ``[B]``. scores: room for ``[E]``.
    """
    clips, books, entries = logits.shape
    for b in range(clips):
        over = _ONE / temperatures[b]
        for k in range(books):
            row, fresh = logits[b, k], noise[b, k]
            top = row[0]
            for e in range(entries):
                top = max(top, row[e])
            for e in range(entries):
                scores[e] = _exp((row[e] - top) * over) / max(fresh[e], _RAREST)
            out[b, k] = _largest(row, scores, tops[b])


@_compiled(_EXACT)
def _largest(row, scores, count):  # type: ignore[no-untyped-def]
    """The place of the largest score among the ``count`` largest of a row; -1 where it is too close."""
    entries = len(row)
    while True:
        best, most, second = 0, np.float32(-1), np.float32(-1)
        for e in range(entries):
            if scores[e] > most:
                best, most, second = e, scores[e], most
            elif scores[e] > second:
                second = scores[e]
        near = _CLOSE * max(abs(row[best]), _ONE)
        above, beside = 0, 0
        for e in range(entries):
            above += row[e] > row[best] + near
            beside += row[e] >= row[best] - near
        if above >= count:
            scores[best] = -1
        elif second >= most * (_ONE - _CLOSE) or beside > count:
            return -1
        else:
            return best


@_compiled(_EXACT)
def blocks(first, last, x, places, past, prompts, counts, model, kind, pushes):  # type: ignore[no-untyped-def]
    """One position of all rows through blocks ``first`` to ``last - 1``.

    Every row has memory of its own, wherever that lies: a table's line is the address of its first number
    and how many bytes further the next layer, the values after the keys and the next head begin.

    Args:
        x: the residual stream ``[R, D]``, which is changed.
        places: the position of each row ``[R]``; its keys and values are put into its past there.
        past: lines of the rows ``[R, 4]``. prompts: those of the first C rows ``[C, 4]``.
        counts: how many words of each prompt are read ``[C]``.
        model: norms ``[L, 3, 2, D]``, what is added to their variances ``[L, 3]``, and per layer the
            matrices query-key-value, out, cross query, cross out, up and down, each with its panels;
            the number of heads.
        kind: a place in `ACTIVATIONS`.
        pushes: what is heard and done after each layer, as `steering.decoding.pushes` has it.
    """
    norms, epsilons, qkv_weights, out, cross_query, cross_out, up, down, heads = model
    rows, size = x.shape
    part, conditional = size // heads, len(counts)
    normed, attended = np.empty_like(x), np.empty_like(x)
    query_key_value = np.empty((rows, 3 * size), np.float32)
    query = np.empty((conditional, size), np.float32)
    hidden = np.empty((rows, up[0].shape[2]), np.float32)
    scores = np.empty(max(places.max() + 1, counts.max() if conditional else 0), np.float32)
    total = np.empty(size, np.float32)
    qkv_by_head = query_key_value.reshape(rows, 3, heads, part)
    query_by_head = query.reshape(conditional, heads, part)
    attended_by_head = attended.reshape(rows, heads, part)
    for layer in range(first, last):
        normalise(x, norms[layer, 0], epsilons[layer, 0], normed)
        query_key_value[:] = 0
        accumulate(normed, qkv_weights[0][layer], qkv_weights[1][layer], query_key_value)
        for r in range(rows):
            seen = places[r] + 1
            for h in range(heads):
                keys = _at(past[r], layer, 0, h, seen, part)
                values = _at(past[r], layer, 1, h, seen, part)
                keys[seen - 1] = qkv_by_head[r, 1, h]
                values[seen - 1] = qkv_by_head[r, 2, h]
                attend(qkv_by_head[r, 0, h], keys, values, seen, scores, attended_by_head[r, h])
        accumulate(attended, out[0][layer], out[1][layer], x)
        normalise(x[:conditional], norms[layer, 1], epsilons[layer, 1], normed)
        query[:] = 0
        accumulate(normed[:conditional], cross_query[0][layer], cross_query[1][layer], query)
        for r in range(conditional):
            words = counts[r]
            for h in range(heads):
                keys = _at(prompts[r], layer, 0, h, words, part)
                values = _at(prompts[r], layer, 1, h, words, part)
                attend(query_by_head[r, h], keys, values, words, scores, attended_by_head[r, h])
        accumulate(
            attended[:conditional], cross_out[0][layer], cross_out[1][layer], x[:conditional]
        )
        normalise(x, norms[layer, 2], epsilons[layer, 2], normed)
        hidden[:] = 0
        accumulate(normed, up[0][layer], up[1][layer], hidden)
        activate(hidden, kind)
        accumulate(hidden, down[0][layer], down[1][layer], x)
        hear(layer, x, pushes)
        push(layer, x, pushes, total)
