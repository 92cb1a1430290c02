"""How strongly a concept is pushed as the clip goes on: curves over seconds.

A shape is a function that takes the times and its settings and gives a multiplier for each. To add
one, write it and mark it with ``@shape``; recipes and the command line know it by its name. Where a
setting called ``end`` is left out, it is the end of the clip.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from curation.entries import check_settings
from curation.errors import BadInput

Shape = Callable[..., np.ndarray]
SHAPES: dict[str, Shape] = {}


def shape(function: Shape) -> Shape:
    """Make a function known as a schedule by its own name."""
    SHAPES[function.__name__] = function
    return function


@shape
def constant(seconds: np.ndarray, start: float = 0.0, end: float | None = None) -> np.ndarray:
    """1 from ``start`` to ``end``, 0 outside.

    >>> constant(np.arange(4.0), start=1.0, end=3.0).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    return ((seconds >= start) & (seconds < _or_forever(end))).astype(float)


@shape
def linear_rise(seconds: np.ndarray, start: float = 0.0, end: float | None = None) -> np.ndarray:
    """From 0 at ``start`` to 1 at ``end``, and 1 from there on.

    Raises:
        ValueError: it needs the clip's length, and there is none.

    >>> linear_rise(np.arange(4.0), start=1.0, end=3.0).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    return np.clip((seconds - start) / (_needed(end) - start), 0, 1)


@shape
def linear_decay(seconds: np.ndarray, start: float = 0.0, end: float | None = None) -> np.ndarray:
    """From 1 at ``start`` to 0 at ``end``."""
    return 1 - linear_rise(seconds, start, end)


@shape
def logistic_rise(
    seconds: np.ndarray, middle: float | None = None, width: float = 4.0, end: float | None = None
) -> np.ndarray:
    """``1 / (1 + exp(-(t - middle) / width))``, the middle of the clip unless said otherwise.

    The paper (MusicRFM, arXiv 2510.19127) has 15 s and 4 s in a clip of 30 s.

    Raises:
        ValueError: it needs the clip's length, and there is none.
    """
    centre = _needed(end) / 2 if middle is None else middle
    return 1 / (1 + np.exp(-(seconds - centre) / width))


@shape
def logistic_decay(
    seconds: np.ndarray, middle: float | None = None, width: float = 4.0, end: float | None = None
) -> np.ndarray:
    """What `logistic_rise` lacks of 1."""
    return 1 - logistic_rise(seconds, middle, width, end)


@shape
def exponential_decay(
    seconds: np.ndarray, half_life: float = 6.92, start: float = 0.0
) -> np.ndarray:
    """1 at ``start``, half of it after every half-life; the paper's 0.998 a step is 6.92 s."""
    return np.where(seconds < start, 0.0, 0.5 ** (np.maximum(seconds - start, 0) / half_life))


@shape
def sine(seconds: np.ndarray, period: float | None = None, end: float | None = None) -> np.ndarray:
    """``(1 + sin(2 pi t / period)) / 2``, one period a clip unless said otherwise.

    Raises:
        ValueError: it needs the clip's length, and there is none.
    """
    return (1 + np.sin(2 * np.pi * seconds / (_needed(end) if period is None else period))) / 2


@shape
def pulse(
    seconds: np.ndarray, period: float = 2.0, width: float = 1.0, start: float = 0.0
) -> np.ndarray:
    """1 for ``width`` seconds out of every ``period``, from ``start`` on.

    >>> pulse(np.arange(5.0), period=2.0, width=1.0, start=1.0).tolist()
    [0.0, 1.0, 0.0, 1.0, 0.0]
    """
    return ((seconds >= start) & ((seconds - start) % period < width)).astype(float)


@shape
def breakpoints(seconds: np.ndarray, points: Sequence[tuple[float, float]]) -> np.ndarray:
    """Straight lines through ``(second, level)``; level before the first and after the last.

    >>> breakpoints(np.arange(4.0), points=[(1, 0), (3, 1)]).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    times, levels = np.array(points, dtype=float).T
    return np.interp(seconds, times, levels)


@dataclass(frozen=True)
class Schedule:
    """A shape by name, with its settings: what a recipe keeps.

    Raises:
        BadInput: there is no such shape, or it has no such setting, lacks one, or one is of another
            type.

    >>> Schedule("linear_rise").levels(np.array([0.0, 5.0, 10.0]), length=10.0).tolist()
    [0.0, 0.5, 1.0]
    """

    shape: str = "constant"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise BadInput(f"no schedule {self.shape!r:.40}: choose one of {', '.join(SHAPES)}")
        check_settings(SHAPES[self.shape], self.settings, f"schedule {self.shape}")

    def levels(self, seconds: np.ndarray, length: float) -> np.ndarray:
        """The curve at these times of a clip of ``length`` seconds: float64 ``[T]``.

        Raises:
            BadInput: the settings make no sense for this length, or the curve is not finite.
        """
        self.check(length)
        settings = dict(self.settings)
        if "end" in inspect.signature(SHAPES[self.shape]).parameters:
            settings.setdefault("end", length)
        with np.errstate(all="ignore"):
            levels = np.asarray(SHAPES[self.shape](seconds, **settings), dtype=float)
        if not np.isfinite(levels).all():
            raise BadInput(f"schedule {self.shape} is not finite: look at {dict(self.settings)}")
        return levels

    def check(self, length: float) -> None:
        """Refuse settings that make no sense for a clip of this length.

        Raises:
            BadInput: a setting is out of its range or order, or outside a clip of this length; a curve
                that ends with the clip, of one that goes on until it is stopped.
        """
        if math.isinf(length) and self._needs_end:
            raise BadInput(f"schedule {self.shape} in a clip without an end: give its own 'end'")
        times = [self.settings[n] for n in ("start", "middle", "end") if n in self.settings]
        times += [point[0] for point in self.settings.get("points", ())]
        outside = [time for time in times if not 0 <= time <= length]
        if outside:
            raise BadInput(
                f"schedule {self.shape}: {outside[0]:g} s lies outside the clip of {length:g} s"
            )
        self._check_order(length)

    def lasting(self, length: float) -> Schedule:
        """The same curve in a clip that goes on past ``length``: what rises or falls is at its end there.

        One that is constant lasts as long as the clip.
        """
        return replace(self, settings={**self.settings, "end": length}) if self._needs_end else self

    @property
    def _needs_end(self) -> bool:
        takes_one = "end" in inspect.signature(SHAPES[self.shape]).parameters
        return takes_one and "end" not in self.settings and self.shape != constant.__name__

    def _check_order(self, length: float) -> None:
        start, end = self.settings.get("start", 0.0), self.settings.get("end", length)
        if start >= end:
            raise BadInput(
                f"schedule {self.shape}: it starts at {start:g} s, but ends at {end:g} s"
            )
        for name in ("width", "period", "half_life"):
            if self.settings.get(name, 1.0) <= 0:
                raise BadInput(f"schedule {self.shape}: {name} must be above 0 s")
        times = [point[0] for point in self.settings.get("points", ())]
        if "points" in self.settings and (not times or times != sorted(times)):
            raise BadInput("schedule breakpoints: give at least one point, in the order of time")

    def record(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {"shape": self.shape, **self.settings}

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> Schedule:
        """What `record` kept."""
        settings = dict(record)
        return Schedule(str(settings.pop("shape", "constant")), settings)


def crossfade(start: float = 0.0, end: float | None = None) -> tuple[Schedule, Schedule]:
    """Schedules of two concepts of which the first gives way to the second; they sum to 1."""
    settings = {"start": start} | ({} if end is None else {"end": end})
    return Schedule("linear_decay", settings), Schedule("linear_rise", settings)


def staggered(count: int, gap: float, first: float = 0.0) -> list[Schedule]:
    """Schedules of concepts that set in one after another, ``gap`` seconds apart, and stay."""
    return [Schedule("constant", {"start": first + gap * place}) for place in range(count)]


def _or_forever(end: float | None) -> float:
    return float("inf") if end is None else end


def _needed(end: float | None) -> float:
    if end is None:
        raise ValueError("this schedule needs an end: the clip's length, unless it is given")
    return end
