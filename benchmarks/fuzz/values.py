"""Inputs: JSON and files that are nearly right, and nonsense.

All is chosen from lists and small numbers: hypothesis mixes constants of the project's own modules into
free numbers and text, and what is drawn would hang on what happens to be imported.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Owner = dict[str, Any] | list[Any]

NUMBERS = (
    0, 1, -1, 2, 7, 0.5, -0.0, 1e-300, 5e-324, 1e9, 1e308, -1e308, 2**31, 2**53 + 1, 2**63, -(2**63) - 1,
    10**400, -(10**400), float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
TEXTS = (
    "", " ", "C", "calm jazz", "x" * 5000, "\ud800", "a\ud800b", "\x00", "\x1b[31m", "two\nlines",
    "one\r\u2028two", "../../etc/passwd", "/etc/passwd", "NaN", "1e999", "9" * 5000, "{}", "%s {0}",
    "é" * 300, "🎛", "' OR 1=1 --", "<script>",
)  # fmt: skip
NAMES = ("", "format", "seconds", "shape", "points", "k", "__class__", "x" * 300, "\ud800", "a\nb")
DEEP = 120
"""So deeply nested that much code that walks down fails, and hypothesis itself does not."""


def _nested(depth: int, kind: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = kind(value)
    return value


@cache
def scalars() -> SearchStrategy[Any]:
    """Text, numbers, truth and nothing."""
    letters = st.lists(st.sampled_from("aC#/.\x00\ud800\né0 "), max_size=6).map("".join)
    numbers = st.tuples(st.integers(-99, 99), st.integers(-3, 3)).map(lambda p: p[0] * 10.0 ** p[1])
    return st.one_of(
        st.sampled_from((None, True, False)),
        st.sampled_from(NUMBERS),
        st.sampled_from(TEXTS),
        letters,
        numbers,
        numbers.map(int),
    )


@cache
def nonsense() -> SearchStrategy[Any]:
    """Anything that JSON can hold, and NaN."""
    flat = st.one_of(
        scalars(),
        st.sampled_from(
            ([], {}, [[]], [None], [[0, 1], [1]], _nested(DEEP, lambda one: [one]))
        ).map(copy.deepcopy),
        st.just(DEEP).map(lambda depth: _nested(depth, lambda one: {"a": one})),
        st.sampled_from((0, 5000)).map(lambda size: [0.5] * size),
    )
    names = st.sampled_from(NAMES)
    return st.recursive(
        flat,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)
        ),
        max_leaves=6,
    )


@st.composite
def nearly(draw: DrawFn, examples: Sequence[Any]) -> Any:
    """One of the examples, changed in one to three places; now and then as it is."""
    value = [copy.deepcopy(draw(st.sampled_from(list(examples))))]
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2, 2, 3)))):
        if places := list(_places(value)):
            _change(draw, *draw(st.sampled_from(places)))
    return value[0] if value else None


def _places(owner: Owner) -> Iterator[tuple[Owner, Any]]:
    """Every place of a value and of what is in it: who holds it, and under which name."""
    names = range(len(owner)) if isinstance(owner, list) else list(owner)
    for name in names:
        yield owner, name
        inner = owner[name]  # type: ignore[index]
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _change(draw: DrawFn, owner: Any, name: Any) -> None:
    """One place another value, none, twice, or what stands elsewhere."""
    kind = draw(
        st.sampled_from(("scalar", "scalar", "near", "nonsense", "gone", "more", "swapped"))
    )
    if kind == "scalar":
        owner[name] = draw(scalars())
    elif kind == "near":
        owner[name] = _near(draw, owner[name])
    elif kind == "nonsense":
        owner[name] = draw(nonsense())
    elif kind == "gone":
        del owner[name]
    elif kind == "more" and isinstance(owner, list):
        owner.insert(name, copy.deepcopy(owner[name]))
    elif kind == "more":
        owner[draw(st.sampled_from(NAMES))] = copy.deepcopy(owner[name])
    else:
        names = list(range(len(owner)) if isinstance(owner, list) else owner)
        other = draw(st.sampled_from(names))
        owner[name], owner[other] = owner[other], owner[name]


def _near(draw: DrawFn, value: Any) -> Any:
    """A value of the same type, a little further on."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        factors = (-1, 2, 0.5, 1000, 1.001, 0)
        small = isinstance(value, float) or abs(value) < 2**1000  # no float holds more
        return value * draw(st.sampled_from(factors if small else (-1, 2, 0)))
    if isinstance(value, str):
        return draw(
            st.sampled_from((value + "\n", value + " ", value.upper(), value[:-1], value * 99))
        )
    if isinstance(value, list):
        return value[::-1] * draw(st.sampled_from((1, 2, 40)))
    return {name.upper(): one for name, one in value.items()}


def as_text(value: Any) -> bytes:
    """A value as a JSON file."""
    return json.dumps(value).encode()


@st.composite
def damaged(draw: DrawFn, content: bytes) -> bytes:
    """A file's bytes: cut off, with flipped bits, zeros, pieces lost, doubled or put in its place."""
    kind = draw(
        st.sampled_from(("cut", "flipped", "flipped", "zeros", "lost", "doubled", "put", "other"))
    )
    if kind == "other":
        return draw(
            st.sampled_from(
                (b"", b"\x00" * 999, b"[" * 100_000, b"null", b"[]", b"{}", b'"a"', b"1" * 5000,
                 b"\xff\xfe", b"PK\x03\x04", b"RIFF", b"fLaC", b"\x80\x04N.", b"version https://git-lfs")
            )
        )  # fmt: skip
    at = _position(draw, len(content))
    if kind == "cut":
        return content[:at]
    changed = bytearray(content)
    if kind == "flipped":
        for _ in range(draw(st.integers(1, 4))):
            if changed:
                changed[_position(draw, len(changed))] ^= 1 << draw(st.integers(0, 7))
        return bytes(changed)
    size = draw(st.sampled_from((1, 2, 7, 30, 99)))
    piece = bytes(changed[at : at + size])
    if kind == "put":
        new = draw(st.sampled_from((b"NaN", b"1e999", b"-1", b"9" * 5000, b"\xff" * 8, b"[", b'"')))
    else:
        new = {"zeros": bytes(len(piece)), "lost": b"", "doubled": 2 * piece}[kind]
    changed[at : at + len(piece)] = new
    return bytes(changed)


def _position(draw: DrawFn, size: int) -> int:
    """A place in a file; its beginning and its end, where formats say what is what, are as likely as
    all that is between."""
    near = draw(st.integers(0, 99)) + 100 * draw(st.integers(0, 2))
    where = draw(st.sampled_from(("begin", "end", "anywhere")))
    if where == "anywhere":
        at = (100 * draw(st.integers(0, 99)) + draw(st.integers(0, 99))) * size // 10_000
    else:
        at = near if where == "begin" else size - 1 - near
    return min(max(at, 0), max(size - 1, 0))


def json_files(content: bytes) -> SearchStrategy[bytes]:
    """A JSON file, changed in what it says, or in its bytes."""
    said = nearly([json.loads(content)]).map(as_text)
    return st.one_of(said, said, damaged(content), nonsense().map(as_text))


@st.composite
def rewritten(draw: DrawFn, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of which one or two have another shape, kind, name or content, or are gone."""
    changed = dict(arrays)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(changed) or ["none"]))
        one = changed.pop(name, np.zeros(1, np.float32))
        kind = draw(st.sampled_from(("gone", "named", "cut", "flat", "empty", "typed", "content")))
        if kind == "named":
            changed[name.upper()] = one
        elif kind == "cut":
            changed[name] = one[:-1]
        elif kind == "flat":
            changed[name] = one.reshape(-1)
        elif kind == "empty":
            changed[name] = one[:0]
        elif kind == "typed":
            changed[name] = one.astype(draw(st.sampled_from(("float16", "int64", "uint8", "bool"))))
        elif kind == "content":
            value = draw(st.sampled_from((0.0, -1.0, 1e30, np.nan, np.inf)))
            with np.errstate(over="ignore"):
                changed[name] = np.full_like(one, value if one.dtype.kind == "f" else 127)
    return changed
