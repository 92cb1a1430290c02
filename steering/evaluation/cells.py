"""A cell: one way of steering, tried on every clip of an evaluation. And what is kept of it.

Everything that determines a cell makes its key, so that a finished cell is found again by a later
run, and by another table that has the same row.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np

from curation.errors import BadInput
from curation.files import whole
from curation.locks import locked
from steering.decoding.sampling import Sampling
from steering.directions.bank import Bank
from steering.evaluation.asks import Ask, Wording
from steering.interventions.record import Unit
from steering.models.origin import SITE, Origin
from steering.models.sites import Site

log = logging.getLogger(__name__)

FORMAT = 2
Control = Literal["", "random", "orthogonal", "flipped"]


@dataclass(frozen=True)
class Steer:
    """One concept's part in a cell; the concept itself is each clip's own target.

    Attributes:
        bank: name of the bank, as ``notes/ridge``.
        target: which of a clip's targets: 0 or 1.
        control: ``random`` puts a random direction in the concept's place, ``orthogonal`` one that
            shares nothing with any concept of the bank; each clip has its own. A flipped sign is
            a negative coefficient, shuffled labels are another bank. ``flipped`` is for monitored
            steers, which would let go of a negative coefficient: it pushes the other way as long
            as the concept is not heard.
        unit: of the coefficient: ``relative`` to the layer's typical norm, or ``raw``.
        monitor: settings of the `Monitor` that the strength follows; None for one that is fixed. A
            control hears the concept that it does not push.
        draw: number of a control that is one direction for all clips; None for each its own.
        site: where in a block it is added; the vector is that of the block's output, wherever it is.
    """

    bank: str
    coefficient: float
    target: int = 0
    control: Control = ""
    layers: Mapping[str, Any] = field(default_factory=lambda: {"weighting": "all"})
    schedule: Mapping[str, Any] = field(default_factory=dict)
    gate: float = 1.0
    rows: str = "both"
    operator: str = "add"
    unit: Unit = "relative"
    monitor: Mapping[str, float] | None = None
    draw: int | None = None
    site: Site = SITE

    def record(self) -> dict[str, Any]:
        """What determines its clips; what is new since cells were kept goes without saying."""
        unsaid = (("unit", "relative"), ("monitor", None), ("draw", None), ("site", SITE))
        return {name: value for name, value in asdict(self).items() if (name, value) not in unsaid}


@dataclass(frozen=True)
class Together:
    """How two concepts of a family are steered to at once.

    Attributes:
        multiple: each gets so many times the strength that one alone is given.
    """

    multiple: float = 0.7
    orthogonalise: bool = False


@dataclass(frozen=True)
class Cell:
    """A row of a table. The label is only a name; all else makes the key.

    Attributes:
        first_seed: moves every seed: another draw of the same prompts.
        rival: name out of `steering.rivals` of what plays the clips instead of a push; empty for none.
        amount: how much of it.
    """

    label: str
    steers: tuple[Steer, ...] = ()
    wording: Wording = "plain"
    orthogonalise: bool = False
    first_seed: int = 0
    rival: str = ""
    amount: float = 1.0


@dataclass(frozen=True)
class Setting:
    """What all cells of an evaluation share.

    Attributes:
        clap: name of the CLAP that hears whether a clip is what its plain prompt asks for; empty
            where the listeners of the sketch do.
    """

    origin: Origin
    asks: tuple[Ask, ...]
    seconds: float
    sampling: Sampling
    clap: str = ""

    def key(self, cell: Cell, banks: Mapping[str, Bank]) -> str:
        """Twenty hexadecimal digits of all that determines the cell's clips."""
        record = {
            "format": FORMAT,
            "origin": asdict(self.origin),
            "clips": [[ask.text[cell.wording], ask.seed + cell.first_seed] for ask in self.asks],
            "seconds": self.seconds,
            "sampling": asdict(self.sampling),
            "clap": self.heard_by(),
            "steers": [steer.record() for steer in cell.steers],
            "orthogonalise": cell.orthogonalise and len(cell.steers) > 1,
            "targets": [ask.targets for ask in self.asks] if cell.steers or cell.rival else [],
            "banks": [digest(banks[name]) for name in _bank_names(cell)],
        }
        if cell.rival:
            record["rival"] = [cell.rival, cell.amount, [dict(ask.text) for ask in self.asks]]
        text = json.dumps(record, sort_keys=True)
        return blake2b(text.encode(), digest_size=10).hexdigest()

    def heard_by(self) -> list[str]:
        """CLAP's name and what it compares the clips with; nothing where listeners hear adherence."""
        return [self.clap, *(ask.text["plain"] for ask in self.asks)] if self.clap else []


def _bank_names(cell: Cell) -> list[str]:
    return [steer.bank for steer in cell.steers]


def digest(bank: Bank) -> str:
    """Says which directions these are."""
    found = blake2b(digest_size=10)
    for name, direction in bank.items():
        found.update(name.encode() + direction.vectors.numpy().tobytes())
        found.update(direction.scores.numpy().tobytes())
    found.update(bank.norms.numpy().tobytes())
    return found.hexdigest()


Result = dict[str, np.ndarray]
"""Codes ``[B, K, T]`` and everything heard, each with the clips along its first axis."""


class Shelf:
    """Finished cells in a folder, one file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, key: str) -> Result | None:
        """What is kept under a key; None where nothing is, or where a file is damaged."""
        try:
            with np.load(self._path(key), allow_pickle=False) as kept:
                return {name: kept[name] for name in kept.files}
        except (OSError, ValueError, EOFError, KeyError, RuntimeError, BadZipFile, zlib.error):
            return None

    def keep(self, key: str, result: Result) -> None:
        """Write whole or not at all."""
        with whole(self._path(key)) as part, part.open("wb") as file:
            np.savez_compressed(file, **result)  # type: ignore[arg-type]

    @contextmanager
    def playing(self, setting: Setting) -> Iterator[None]:
        """Be the only one that plays cells of these clips; another evaluation is waited for."""

        def tell(holder: str) -> None:
            log.warning("%s is playing these clips: waiting for it", holder)

        with locked(self.folder / f"{setting.key(Cell('unsteered'), {})}.lock", tell):
            yield

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


def check_labels(cells: Sequence[Cell]) -> None:
    """Check that each row has a name of its own: a table could not tell them apart.

    Raises:
        BadInput: two have the same.
    """
    labels = [cell.label for cell in cells]
    twice = {label for label in labels if labels.count(label) > 1}
    if twice:
        raise BadInput(f"two cells are called {min(twice)!r}: give each a name of its own")
