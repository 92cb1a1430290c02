"""Cells that many machines play: each takes its share of those that are not on the shelf yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from curation.errors import BadInput
from curation.executors import make_pieces
from curation.machines import Machines
from steering.decoding.reference import player
from steering.directions.bank import Bank
from steering.evaluation.cells import Cell, Setting, Shelf
from steering.metrics.adherence import Clap, find_clap
from steering.models.loading import NamedModel

if TYPE_CHECKING:
    from steering.evaluation.runner import Runner

Group = Sequence[tuple[str, Cell]]
"""Cells that are played side by side, each with its key."""


@dataclass(frozen=True)
class Groups:
    """Groups of cells as `Pieces`.

    Attributes:
        model: each process loads it once.
        shelf: folder of the finished cells, which every machine sees.
        threads: that a task computes with.
    """

    model: NamedModel
    shelf: Path
    setting: Setting
    banks: Mapping[str, Bank]
    groups: Sequence[Group]
    batch: int
    threads: int = 1

    @property
    def count(self) -> int:
        return len(self.groups)

    def there(self, number: int) -> bool:
        shelf = Shelf(self.shelf)
        return all(shelf.find(key) is not None for key, _ in self.groups[number])

    def make(self, number: int) -> None:
        """Play a group, and keep each of its cells.

        Raises:
            BadInput: the model or the CLAP of that name is another one here, or not there.
        """
        torch.set_num_threads(self.threads)
        runner, group = self._runner(), dict(self.groups[number])
        keys = {cell.label: key for key, cell in group.items()}
        for label, result in runner.fresh(self.setting, list(group.values()), self.banks):
            runner.shelf.keep(keys[label], result)

    def _runner(self) -> Runner:
        from steering.evaluation.runner import Runner

        model, clap = self.model.load(), self.setting.clap
        if model.origin != self.setting.origin:
            raise BadInput(f"{self.model.name} is another model here: give every machine the same")
        hears = _clap(clap) if clap else None
        if clap and hears is None:
            raise BadInput(f"{clap} is not on this machine: put it on all, or leave out --clap")
        return Runner(model, Shelf(self.shelf), player(model), self.batch, 0, hears)


@cache
def _clap(name: str) -> Clap | None:
    return find_clap(name)


@dataclass(frozen=True)
class Spread:
    """Who plays cells beside this process."""

    machines: Machines
    model: NamedModel

    def play(
        self,
        shelf: Shelf,
        setting: Setting,
        groups: Sequence[Group],
        banks: Mapping[str, Bank],
        batch: int,
        told: Callable[[str], None],
    ) -> None:
        """Have machines play groups of cells.

        Args:
            told: the label of every cell that is there now.
        """
        home = shelf.folder.resolve()
        pieces = Groups(self.model, home, setting, dict(banks), groups, batch, self.machines.cpus)

        def finished(number: int) -> None:
            for _, cell in groups[number]:
                told(cell.label)

        name = f"steering-cells-{setting.key(Cell('unsteered'), {})[:8]}"
        make_pieces(pieces, self.machines, home / f".{name}", name, finished)
