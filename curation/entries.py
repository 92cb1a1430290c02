"""Records of JSON or TOML read by declared types: what an entry must be follows from its field's.

Text, numbers, truth, a dataclass, a tuple or list of any one of these, or a dict of names to one. A
class with ``from_record`` reads its own record, an empty one where there is none. A function is read
as a class is: its parameters are the fields.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from inspect import Parameter
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from curation.errors import BadInput

T = TypeVar("T")
Path = tuple[str | int, ...]
Bound = Callable[[Path, Any], None]
"""Called with each entry's path and value as they came, before it is read: it may refuse them."""

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


class WrongEntry(BadInput):
    """An entry of a recipe is not of its type.

    Attributes:
        path: what leads to it, as ``("interventions", 0, "coefficient")``.
        value: what is there; None where nothing is.
    """

    def __init__(self, path: Path, value: Any, wanted: str) -> None:
        super().__init__(path, value, wanted)
        self.path, self.value, self.wanted = path, value, wanted

    def __str__(self) -> str:
        return f"{_label(self.path)} must be {self.wanted}: mend it"

    def below(self, path: Path) -> WrongEntry:
        """The same, seen from further up."""
        return type(self)((*path, *self.path), self.value, self.wanted)


class UnknownEntry(WrongEntry):
    """An entry of a recipe that nothing reads. ``wanted`` says what is read beside it."""

    def __str__(self) -> str:
        *owner, name = self.path
        mended = f"give {self.wanted}" if owner else "take it out"
        return f"{_label(tuple(owner))} has an unknown entry {name!r:.40}: {mended}"


class MissingEntry(WrongEntry):
    """An entry of a recipe that must be there."""

    def __str__(self) -> str:
        if len(self.path) == 1:
            return f"the recipe has no {self.path[0]}: add it"
        return f"{_label(self.path)} must be {self.wanted}: add it"


def unbounded(path: Path, value: Any) -> None:
    """The bound that nothing breaks."""


def read_fields(
    kind: Callable[..., T], record: Any, path: Path = (), bound: Bound = unbounded
) -> T:
    """What a dataclass or a function makes of a record; what is left out has its default.

    Raises:
        WrongEntry: an entry is of another type, unknown or missing.
        BadInput: the class or the function refuses the values, or ``bound`` does.
    """
    if not isinstance(record, Mapping):
        raise WrongEntry(path, record, _object(kind))
    known = inspect.signature(kind).parameters
    for name, value in record.items():
        if name not in known:
            raise UnknownEntry((*path, name), value, _object(kind))
    hints, values = get_type_hints(kind), {}
    for name, one in known.items():
        if name in record:
            values[name] = read(hints[name], record[name], (*path, name), bound)
        elif hasattr(hints[name], "from_record"):
            values[name] = hints[name].from_record({})
        elif one.default is Parameter.empty:
            wanted = _WORDS.get(hints[name], "there")
            raise MissingEntry((*path, name), None, f"{wanted}, in {_object(kind)}")
    return kind(**values)


def read(kind: Any, value: Any, path: Path = (), bound: Bound = unbounded) -> Any:
    """A value of JSON as a type.

    Raises:
        WrongEntry: it is of another type.
        BadInput: the type refuses it, or ``bound`` does.
    """
    bound(path, value)
    return _typed(kind, value, path, bound)


def written(value: Any) -> Any:
    """A value as JSON keeps it: what `read` makes the same value of again."""
    if hasattr(value, "record"):
        return value.record()
    if is_dataclass(value):
        return {one.name: written(getattr(value, one.name)) for one in fields(value)}
    return [written(one) for one in value] if isinstance(value, tuple) else value


def check_settings(function: Callable[..., Any], settings: Mapping[str, Any], what: str) -> None:
    """Check settings by the signature of the function that takes them, after its first argument.

    Args:
        what: begins every message, as ``schedule pulse``.

    Raises:
        BadInput: one is unknown, missing, or not of its parameter's type.
    """
    known = dict(list(inspect.signature(function).parameters.items())[1:])
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise BadInput(
            f"{what} has no {', '.join(unknown)}: it takes {', '.join(known) or 'nothing'}"
        )
    hints = get_type_hints(function)
    for name, one in known.items():
        if name not in settings and one.default is one.empty:
            raise BadInput(f"{what} lacks {name}: give {_shape(hints[name])}")
        if name in settings and not _fits(hints[name], settings[name]):
            raise BadInput(f"{what}: {name} must be {_shape(hints[name])}")


def _fits(kind: Any, value: Any) -> bool:
    """Whether a setting is of a type: a number, a list of one type, or a tuple of several."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:  # a type or None, which is said by leaving the setting out
        return _fits(inner[0], value)
    if origin is tuple:
        there = isinstance(value, list | tuple) and len(value) == len(inner)
        return there and all(map(_fits, inner, value))
    if origin in (list, Sequence):
        return isinstance(value, list | tuple) and all(_fits(inner[0], one) for one in value)
    try:
        _scalar(kind, value, ())
    except WrongEntry:
        return False
    return kind is not int or isinstance(value, int)


def _shape(kind: Any) -> str:
    """A setting's type in words.

    >>> _shape(Sequence[tuple[float, float]])
    'a list, each [a number, a number]'
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return _shape(inner[0])
    if origin is tuple:
        return f"[{', '.join(map(_shape, inner))}]"
    return f"a list, each {_shape(inner[0])}" if origin in (list, Sequence) else _WORDS[kind]


def _typed(kind: Any, value: Any, path: Path, bound: Bound) -> Any:
    if get_origin(kind) in (tuple, list):
        return get_origin(kind)(_read_list(get_args(kind)[0], value, path, bound))
    if get_origin(kind) is dict:
        return _read_names(get_args(kind)[1], value, path, bound)
    if get_origin(kind) is UnionType:  # a type or None
        return None if value is None else _typed(get_args(kind)[0], value, path, bound)
    if hasattr(kind, "from_record"):
        return _read_own(kind, value, path)
    if is_dataclass(kind):
        return read_fields(kind, value, path, bound)  # type: ignore[arg-type]
    return _scalar(str if get_origin(kind) is Literal else kind, value, path)


def _read_list(kind: Any, value: Any, path: Path, bound: Bound) -> tuple[Any, ...]:
    of_objects = kind not in _WORDS and get_origin(kind) is not tuple
    wanted = "a list of objects" if of_objects else "a list"
    if not isinstance(value, list | tuple):
        raise WrongEntry(path, value, wanted)
    for place, one in enumerate(value):
        bound((*path, place), one)
    if of_objects and not all(isinstance(one, Mapping) for one in value):
        raise WrongEntry(path, value, wanted)
    return tuple(_typed(kind, one, (*path, place), bound) for place, one in enumerate(value))


def _read_names(kind: Any, value: Any, path: Path, bound: Bound) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise WrongEntry(path, value, "an object")
    return {name: read(kind, one, (*path, name), bound) for name, one in value.items()}


def _read_own(kind: Any, value: Any, path: Path) -> Any:
    if not isinstance(value, Mapping):
        raise WrongEntry(path, value, "an object")
    try:
        return kind.from_record(value)
    except WrongEntry as wrong:
        raise wrong.below(path) from None


def _scalar(kind: Any, value: Any, path: Path) -> Any:
    if (kind is bool and isinstance(value, bool)) or (kind is str and _is_text(value)):
        return value
    if kind in (int, float) and isinstance(value, int | float) and not isinstance(value, bool):
        return _whole(value, path) if kind is int else _finite(value, path)
    raise WrongEntry(path, value, _WORDS[kind])


def _is_text(value: Any) -> bool:
    """Whether a value is text that can be written: half of a surrogate pair cannot."""
    return isinstance(value, str) and value.encode(errors="ignore").decode() == value


def _whole(value: float, path: Path) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise WrongEntry(path, value, _WORDS[int])
    return int(value)


def _finite(value: float, path: Path) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise WrongEntry(path, value, "a finite number")
    return number


def _object(kind: Any) -> str:
    *names, last = inspect.signature(kind).parameters
    return f"an object with {', '.join(names)} and {last}"


def _label(path: Path) -> str:
    """``the recipe's interventions[0]'s coefficient``."""
    parts = ["the recipe"]
    for one in path:
        if isinstance(one, int):
            parts[-1] += f"[{one}]"
        else:
            parts.append(f"{one:.40}")
    return "'s ".join(parts)
