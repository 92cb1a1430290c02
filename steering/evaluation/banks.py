"""The banks and held-out probes of an evaluation: shipped ones, or made on the way and kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from curation.errors import BadInput
from steering.directions.bank import Bank, load_bank
from steering.directions.bank_name import BankName
from steering.directions.library import BANKS, Library, folder_name
from steering.evaluation.cells import Cell
from steering.evaluation.sections import SHUFFLED
from steering.families import get_family
from steering.finders.ways import find_bank
from steering.probes.fitted import finish
from steering.probes.multiclass import Discriminant, aggregate, discriminant
from steering.training.workshop import Workshop


class BankShelf:
    """Banks by their names, as ``notes/ridge`` or ``notes/ridge-shuffled``.

    Args:
        shipped: folder that is looked into first; it is never written to.
        made: folder of banks that had to be trained for the evaluation.
    """

    def __init__(
        self,
        workshop: Workshop,
        shipped: Path = BANKS,
        made: Path = Path("build/banks"),
    ) -> None:
        self.workshop = workshop
        self.library = Library(workshop.model, (shipped, made))
        self.made = made / folder_name(workshop.model.origin.model)

    def get(self, name: str) -> Bank:
        """A bank, trained and kept where neither folder has it for this very model."""
        try:
            return self.library[name]
        except BadInput:
            pass
        made = BankName.parse(name)
        bank = find_bank(
            self.workshop,
            made.family,
            made.method.removesuffix(SHUFFLED),
            made.method.endswith(SHUFFLED),
        )
        bank.save(self.made / name)
        return load_bank(self.made / name, self.workshop.model.origin, name)

    def own_probe(self, name: str) -> OwnProbe:
        """The probe that a bank's directions make together."""
        return OwnProbe(self.workshop, BankName.parse(name).family, self.get(name))

    def of(self, cells: Sequence[Cell]) -> dict[str, Bank]:
        """All banks that some cells need."""
        names = {steer.bank for cell in cells for steer in cell.steers}
        return {name: self.get(name) for name in sorted(names)}


class OwnProbe:
    """One predictor over all layers of the probes that a bank came from, fitted on the same clips.

    So MusicRFM (arXiv 2510.19127) scores what it steered. It judges its own case.
    """

    def __init__(self, workshop: Workshop, family: str, bank: Bank) -> None:
        data = workshop.table(family)[0]
        known = data.probe_data()
        directions = [bank[concept] for concept in data.concepts]
        fitted = finish(
            known,
            torch.stack([one.vectors for one in directions]),
            torch.stack([one.scores for one in directions]),
            {},
        )
        self.probe = aggregate(fitted, known, torch.Generator().manual_seed(0))
        held_out = next(split for split in ("test", "validation") if len(data.x[split]))
        right = self.probe.accuracy(data.x[held_out], data.y[held_out])
        self.about = (
            f"the bank's {len(directions)} x {bank.origin.layers} directions under one kernel "
            f"machine, right on {right:.1%} of the {len(data.x[held_out]):,} {held_out} clips of "
            f"{get_family(family).training.folder(workshop.preset)}"
        )

    def __call__(self, states: np.ndarray) -> list[str]:
        return self.probe.name(torch.from_numpy(states.astype(np.float32)))


class HeldOutProbe:
    """A multiclass probe that shares neither clips nor family with those that found the directions.

    It is a linear discriminant analysis (the banks hold none) of the dataset's validation and test
    splits, whose instruments or bands no direction was trained on, over all layers.
    """

    def __init__(self, workshop: Workshop, family: str) -> None:
        data = workshop.table(family)[0]
        training = get_family(family).training
        parts = ("validation", "test")
        self.probe: Discriminant = discriminant(
            torch.cat([data.x[split] for split in parts]),
            torch.cat([data.y[split] for split in parts]),
            data.concepts,
        )
        right = self.probe.accuracy(data.x["train"], data.y["train"])
        clips = sum(len(data.x[split]) for split in parts)
        self.about = (
            f"linear discriminant analysis of all layers, trained on the {clips:,} validation and "
            f"test clips of {training.folder(workshop.preset)}, which no bank was trained on; right on "
            f"{right:.1%} of its train clips, which it never saw"
        )

    def __call__(self, states: np.ndarray) -> list[str]:
        return self.probe.name(torch.from_numpy(states))
