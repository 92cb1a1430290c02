"""Inputs given to a target, judged and counted: refused in one line, right, or a fault."""

from __future__ import annotations

import logging
import sys
import sysconfig
import time
import traceback
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from random import Random
from typing import Any, Literal

import gradio as gr
import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Flaky, HypothesisWarning, NoSuchExample

from benchmarks.fuzz import Broken, Target, Wrong
from curation.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]
_OURS = tuple(
    f"{ROOT}/{room}/"
    for room in ("benchmarks", "curation", "listening", "sketch", "steering", "studio")
)
Kind = Literal["traceback", "null error", "wrong"]

LONGEST_MESSAGE = 2000
SHRINKING_SECONDS, SHRINKING_INPUTS = 5.0, 200
SHOWN = 300


@dataclass(frozen=True)
class Fault:
    """What must not be.

    Attributes:
        kind: a traceback where a line was due; no line, or one that is none; or what was accepted is
            not right.
        what: which one: the same fault of another input has the same words.
    """

    kind: Kind
    what: str


@dataclass
class Tally:
    """What came of a target's inputs.

    Attributes:
        slowest: seconds that the slowest input took.
        faults: each with its input, and how many inputs met it.
    """

    target: str
    inputs: int = 0
    refused: int = 0
    accepted: int = 0
    slowest: float = 0.0
    faults: dict[Fault, tuple[Any, int]] = field(default_factory=dict)

    def count(self, kind: Kind) -> int:
        """How many inputs met faults of this kind."""
        return sum(many for fault, (_, many) in self.faults.items() if fault.kind == kind)

    @property
    def lines(self) -> list[str]:
        """Each fault with the input that met it."""
        return [
            f"{self.target}: {fault.kind}, {fault.what}: {_shown(value)} ({many} inputs)"
            for fault, (value, many) in self.faults.items()
        ]


def run(target: Target, inputs: int, seed: int, shrink: bool = False) -> Tally:
    """Give a target so many inputs, or all that there are.

    Args:
        seed: the same gives the same inputs.
        shrink: look for a smaller input of each fault.
    """
    tally = Tally(target.name)

    @hypothesis.seed(seed)
    @_settings(inputs, Phase.generate)
    @given(target.inputs)
    def each(value: Any) -> None:
        began = time.monotonic()
        found = judged(target, value)
        tally.slowest = max(tally.slowest, time.monotonic() - began)
        tally.inputs += 1
        tally.refused += found == "refused"
        tally.accepted += found == "accepted"
        if isinstance(found, Fault):
            first, many = tally.faults.get(found, (value, 0))
            tally.faults[found] = first, many + 1

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisWarning)  # of large inputs
        each()
        if shrink:
            for fault, (value, many) in tally.faults.items():
                tally.faults[fault] = _smaller(target, fault, value, seed), many
    return tally


def allotted(some: Sequence[Target], total: int) -> Iterator[tuple[Target, int]]:
    """How many of so many inputs each target is given, one at least."""
    shares = sum(one.share for one in some)
    for one in some:
        yield one, max(1, ceil(total * one.share / shares))


def judged(target: Target, value: Any) -> Fault | Literal["refused", "accepted"]:
    """What came of one input."""
    with _logged() as told:
        try:
            target.give(value)
            found: Fault | Literal["refused", "accepted"] = "accepted"
        except BadInput as error:
            why = unfit(str(error))
            found = Fault("null error", why) if why else "refused"
        except Wrong as error:
            found = Fault("wrong", str(error))
        except Broken as error:
            found = Fault("traceback", str(error))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001  a panic in Rust is no Exception
            found = Fault("traceback", _place_of(error))
    return Fault("traceback", f"logged: {told[0]}") if told else found


def unfit(message: str) -> str:
    """Why a message is not the one line that tells somebody what to do; empty where it is."""
    if not message.strip():
        return "no message"
    if len(message) > LONGEST_MESSAGE:
        return "a message without end"
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in message):
        return "a message that is not one line of plain text"
    if "Traceback" in message or "Error:" in message or "Exception" in message:
        return "a message that names an exception"
    if any(path in message for path in _machine()):
        return "a message that names a path of this machine"
    return ""


def _machine() -> tuple[str, ...]:
    """Paths that nobody outside need know: of the code, its packages and Python's own."""
    return str(ROOT), sys.prefix, sysconfig.get_path("stdlib"), str(Path(gr.__file__).parent)


def _place_of(error: BaseException) -> str:
    """The kind of an exception, and the innermost of our own lines."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if one.filename.startswith(_OURS)]
    inner = [one for one in ours if "/benchmarks/" not in one.filename] or ours
    where = f"{Path(inner[-1].filename).relative_to(ROOT)}:{inner[-1].lineno}" if inner else "?"
    return f"{type(error).__name__} in {where}"


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Tracebacks that were written to the log meanwhile, by any thread."""
    told: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and record.exc_info[1] is not None:
                told.append(_place_of(record.exc_info[1]))

    ear = Ear()
    logging.getLogger().addHandler(ear)
    try:
        yield told
    finally:
        logging.getLogger().removeHandler(ear)


def _smaller(target: Target, fault: Fault, value: Any, seed: int) -> Any:
    """A smaller input of the same fault, where one is found in a short time."""
    until, smallest = time.monotonic() + SHRINKING_SECONDS, value

    def same(one: Any) -> bool:
        nonlocal smallest
        met = time.monotonic() < until and judged(target, one) == fault
        if met and len(repr(one)) < len(repr(smallest)):
            smallest = one
        return met

    with suppress(NoSuchExample, Flaky):
        hypothesis.find(
            target.inputs,
            same,
            settings=_settings(SHRINKING_INPUTS, Phase.generate, Phase.shrink),
            random=Random(seed),
        )
    return smallest


def _settings(inputs: int, *phases: Phase) -> settings:
    return settings(
        max_examples=inputs,
        phases=phases,
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text):,} characters)"
