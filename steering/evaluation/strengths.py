"""Strengths are chosen on validation clips and written down; the test reads them and chooses nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

from curation.errors import BadInput, first_line
from curation.files import read_object, write_whole
from steering.directions.bank_name import BankName
from steering.directions.library import RESULTS
from steering.evaluation.cells import Control, Steer, Together
from steering.evaluation.tables import Row
from steering.interventions.record import InterventionRecord
from steering.models.origin import Origin
from steering.models.sites import SITES

FORMAT = 1
Way = TypeVar("Way")
_PLAYED = ("coefficient", "layers", "schedule", "rows", "operator", "unit", "monitor")


@dataclass(frozen=True)
class Chosen:
    """What validation chose.

    Attributes:
        methods: the steering of each method. best: the one whose controls and ablations are run.
        rivals: how much of each rival. together: how the best is given two concepts at once.
    """

    methods: Mapping[str, Steer]
    best: Steer
    rivals: Mapping[str, float] = field(default_factory=dict)
    together: Together = Together()


SAFE = 0.75
"""Share of each limit that a choice may use: the best of many cells is flattered by chance."""


def choose(
    candidates: Mapping[str, tuple[Way, Row]], hits: Mapping[str, float] | None = None
) -> Way:
    """The most accurate way, as a steering, that leaves the music alive where it is pushed, safely if any does.

    Where none does, the one that hits most for what it costs.

    Args:
        candidates: by label.
        hits: what is wanted of each, where it is something else than the row's accuracy.

    Raises:
        BadInput: there are no candidates.
    """
    if not candidates:
        raise BadInput("there is nothing to choose from: try at least one strength")
    wanted = hits or {label: row.accuracy.mean for label, (_, row) in candidates.items()}
    for share in (SAFE, 1.0):
        alive = [label for label, (_, row) in candidates.items() if row.alive_within(share)]
        if alive:
            return candidates[max(alive, key=wanted.__getitem__)][0]
    # Less what the music lost beyond its limits, in the clip or where it is pushed.
    return candidates[max(candidates, key=lambda one: wanted[one] - 2 * candidates[one][1].excess)][
        0
    ]


def path_of(study: str, home: Path) -> Path:
    """Where a study's choice is read: the own one, or else the one that comes with the sketch."""
    own, shipped = (folder / "strengths" / f"{study}.json" for folder in (home, RESULTS))
    return own if own.exists() or not shipped.exists() else shipped


def check_chosen(path: Path, name: str) -> None:
    """Check early, before the model is loaded, that `read` will find a choice.

    Raises:
        BadInput: nothing was chosen yet.
    """
    if not path.exists():
        raise _missing(path, name)


def _missing(path: Path, name: str) -> BadInput:
    return BadInput(f"{path} is not there: strengths are chosen on validation, {_again(name)}")


def _again(name: str) -> str:
    return f"run 'python -m steering evaluate {name} --split validation' first"


def write(path: Path, chosen: Chosen, origin: Origin, seeds: Sequence[int]) -> None:
    """Keep the choice, with the model and the seeds that it was made with."""
    record = {
        "format": FORMAT,
        "origin": asdict(origin),
        "first_seed": min(seeds),
        "last_seed": max(seeds),
        "best": chosen.best.record(),
        "methods": {name: steer.record() for name, steer in chosen.methods.items()},
        "rivals": dict(chosen.rivals),
        "together": asdict(chosen.together),
    }
    write_whole(path, json.dumps(record, indent=1) + "\n")


def read(path: Path, origin: Origin, seeds: Sequence[int], name: str) -> Chosen:
    """What validation chose.

    Raises:
        BadInput: nothing was chosen, the file is damaged, or the choice is for another model or was
            made on these clips.
    """
    again = _again(name)
    try:
        record = read_object(path)
        made_for = Origin.from_record(record["origin"])
        methods = {method: _steer(one) for method, one in record["methods"].items()}
        amounts = {str(n): float(amount) for n, amount in record.get("rivals", {}).items()}
        together = _together(record.get("together", {}))
        chosen = Chosen(methods, _steer(record["best"]), amounts, together)
        span = range(record["first_seed"], record["last_seed"] + 1)
    except FileNotFoundError:
        raise _missing(path, name) from None
    except PermissionError:
        raise BadInput(f"{path} may not be read: give yourself the right to") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise BadInput(f"{path} is damaged ({first_line(error)}): {again}") from None
    if made_for.revision != origin.revision:
        raise BadInput(
            f"{path} is for revision {made_for.revision}, the model is {origin.revision}: {again}"
        )
    if any(seed in span for seed in seeds):
        raise BadInput(f"{path} was chosen on clips of this very test: {again}")
    return chosen


def _together(record: Any) -> Together:
    together = Together(**record)
    if not 0 < float(together.multiple) <= 10 or type(together.orthogonalise) is not bool:
        raise ValueError(f"two at once {record!r:.60} is no multiple and yes or no")
    return together


def _steer(record: Any) -> Steer:
    """What `Steer.record` kept, read as an intervention's record is: that knows what can be played."""
    steer = Steer(**record)
    BankName.parse(steer.bank)
    if type(steer.target) is not int or steer.target not in (0, 1):
        raise ValueError(f"target {steer.target!r:.20} is not 0 or 1")
    if steer.draw is not None and type(steer.draw) is not int:
        raise ValueError(f"draw {steer.draw!r:.20} is no whole number")
    if steer.site not in SITES:
        raise ValueError(f"there is no site {steer.site!r:.20}")
    if steer.control not in get_args(Control):
        raise ValueError(f"there is no control {steer.control!r:.20}")
    same = {name: record[name] for name in _PLAYED if name in record}
    gate = {"probability": steer.gate}
    InterventionRecord.from_record({**same, "concept": "", "bank": steer.bank, "gate": gate})
    return steer
