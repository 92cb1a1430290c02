"""From activations to a bank of directions: one concept per class of a label, or one number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from curation.errors import BadInput
from steering.activations.reader import typical_norms
from steering.activations.store import Activations
from steering.directions.bank import Bank
from steering.directions.direction import Direction
from steering.models.origin import Origin
from steering.probes import Fitted, ProbeData, get_method
from steering.probes.fitted import FEWEST

SplitColumn = Literal["split", "random_split"]
MOST_CLASSES = 64


@dataclass(frozen=True)
class Table:
    """Activations of one pooling and a label, by split.

    Attributes:
        x: float32 ``[N, L, D]`` per split.
        y: float32 ``[N, C]`` per split.
        concepts: classes of the label, or the label itself where it is a number.
    """

    x: dict[str, Tensor]
    y: dict[str, Tensor]
    concepts: tuple[str, ...]
    task: Literal["classification", "regression"]

    def probe_data(self, shuffled: torch.Generator | None = None) -> ProbeData:
        """What probes are fitted on: never the test split.

        Args:
            shuffled: what deals all labels out anew; None leaves them where they are.
        """
        x, y = self.x, self.y
        known = ProbeData(
            x["train"], y["train"], x["validation"], y["validation"], self.concepts, self.task
        )
        return known.shuffled(shuffled) if shuffled else known

    def enough(self) -> Table:
        """Without the classes that train or validation has too few of, and without their rows."""
        counts = [self.y[split].sum(0) for split in ("train", "validation")]
        kept = torch.nonzero(torch.stack(counts).amin(0) >= FEWEST).flatten()
        y = {split: one[:, kept] for split, one in self.y.items()}
        rows = {split: one.sum(1) > 0 for split, one in y.items()}
        return replace(
            self,
            x={split: one[rows[split]] for split, one in self.x.items()},
            y={split: one[rows[split]] for split, one in y.items()},
            concepts=tuple(self.concepts[place] for place in kept.tolist()),
        )


def table(
    activations: Activations,
    label: str,
    by: SplitColumn = "split",
    concepts: Sequence[str] | None = None,
) -> Table:
    """A label's table out of a store.

    Args:
        by: the grouped splits, or plain random ones as published figures have them.
        concepts: classes to keep apart, all by default; clips of others count as without them.

    Raises:
        BadInput: the store has several vectors a clip, no clips to train or validate on, or a label
            with an unknown concept, only one value, or too many classes.
    """
    if activations.values.shape[1] != 1:
        raise BadInput("directions come from one vector a clip: use the pooling mean or last")
    values, splits = activations.column(label), activations.column(by)
    if values.dtype.kind in "fiu":
        names, targets, task = (label,), _standardised(values, splits), "regression"
    else:
        names = tuple(concepts or sorted(set(values.tolist())))
        unknown = sorted(set(names) - set(values.tolist()))
        if unknown:
            raise BadInput(
                f"no clip has {label} {unknown[0]!r}: it has {', '.join(sorted(set(values.tolist())))}"
            )
        if len(names) < 2 and len(set(values.tolist())) < 2:
            raise BadInput(
                f"all clips have {label} {names[0]!r}: a direction needs others beside it"
            )
        if len(names) > MOST_CLASSES:
            raise BadInput(f"{label} has {len(names)} classes, {MOST_CLASSES} at most: choose some")
        targets = np.stack([values == name for name in names], axis=1).astype(np.float32)
        task = "classification"
    rows = {split: np.flatnonzero(splits == split) for split in ("train", "validation", "test")}
    short = [split for split in ("train", "validation") if not len(rows[split])]
    if short:
        raise BadInput(f"the dataset has no {short[0]} split: build one with more clips")
    return Table(
        {s: torch.from_numpy(activations.values[r, 0].astype(np.float32)) for s, r in rows.items()},
        {s: torch.from_numpy(targets[r]) for s, r in rows.items()},
        names,
        task,  # type: ignore[arg-type]
    )


def _standardised(values: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """Numbers in units of the training split's spread, ``[N, 1]``."""
    known = values[splits == "train"].astype(float)
    if not len(known) or known.std() == 0:
        raise BadInput("the label has one value only: a direction needs others beside it")
    return ((values - known.mean()) / known.std()).astype(np.float32)[:, None]


def train_bank(
    data: Table,
    origin: Origin,
    family: str,
    method: str,
    facts: dict[str, object],
    seed: int = 0,
    shuffled: bool = False,
    device: torch.device | str = "cpu",
) -> tuple[Bank, Fitted]:
    """Directions of all concepts at all layers by one method, and the probes that they come from.

    Directions of classes are calibrated on validation clips; a number's are not.

    Args:
        shuffled: deal all labels out anew first: a control that can learn nothing.
        device: that probes are fitted on; what comes back is on the CPU.
    """
    generator = torch.Generator().manual_seed(seed)
    known = data.probe_data(generator if shuffled else None)
    facts = {**facts, "shuffled": True} if shuffled else facts
    fitted = get_method(method).fit(known.to(device), None, generator).to("cpu")
    return bank_of(data, fitted, origin, family, method, facts | {"seed": seed}), fitted


def bank_of(
    data: Table,
    fitted: Fitted,
    origin: Origin,
    family: str,
    method: str,
    facts: Mapping[str, object],
) -> Bank:
    """The bank of directions that were fitted on this table, or found for its concepts."""
    directions = {
        name: Direction(
            name,
            fitted.vectors[place],
            fitted.scores[place],
            origin,
            fitted.calibration[place] if data.task == "classification" else None,
        )
        for place, name in enumerate(data.concepts)
    }
    said = {**facts, "task": data.task, "clips": len(data.x["train"])}
    return Bank(family, method, origin, directions, typical_norms(data.x["train"]), said)
