"""From nothing to banks: build a family's clips, read them, train every method. Resumable throughout."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from curation.build import build
from curation.recipe import make_recipe
from steering.activations.reader import read_source
from steering.activations.sources import BuiltSource
from steering.activations.store import Activations
from steering.directions.bank import Bank
from steering.families import get_family
from steering.families.family import Training
from steering.models.interface import MusicModel
from steering.probes import Fitted
from steering.training.banks import Table, bank_of, train_bank
from steering.training.targets import table_of

log = logging.getLogger(__name__)

Told = Callable[[str, int, int], None]


def quiet(what: str, done: int, total: int) -> None:
    """A progress that says nothing."""


@dataclass(frozen=True)
class Workshop:
    """Where datasets and activations are kept between runs.

    Args:
        datasets: folder of builds. store: folder of activations.
        preset: of curation, how much of a family's grid is built: ``small``, or ``full`` as in
            the papers.
        told: called with what is being done, how much of it is there, and how much there will be.
    """

    model: MusicModel
    datasets: Path = Path("build")
    store: Path = Path("build/activations")
    workers: int = 1
    batch: int = 16
    told: Told = quiet
    preset: str = "small"
    kept: dict[str, tuple[Table, Activations]] = field(default_factory=dict, compare=False)

    def activations(self, training: Training) -> Activations:
        """A family's activations; the dataset is built first where it is not there.

        Whoever else builds or reads it is waited for.
        """
        folder = self.datasets / training.folder(self.preset)
        preset = "small" if training.clips else self.preset
        recipe, fonts = make_recipe(training.dataset, preset, clips=training.clips)
        done = 0

        def count(clips: int) -> None:
            nonlocal done
            done += clips
            self.told(f"building {folder.name}", done, recipe.clips)

        def wait(holder: str) -> None:
            log.warning("%s is building %s: waiting for it", holder, folder)

        build(recipe, folder, fonts, workers=self.workers, progress=count, taken=wait)
        source, done = BuiltSource(folder), 0

        def read(clips: int) -> None:
            nonlocal done
            done += clips
            self.told(f"reading {folder.name}", done, source.clips)

        return read_source(self.model, source, self.store, training.pooling, self.batch, read)

    def table(self, family: str) -> tuple[Table, Activations]:
        """What a family's directions are trained on; the last family's is kept at hand."""
        if family not in self.kept:
            training = get_family(family).training
            store = self.activations(training)
            self.kept.clear()
            self.kept[family] = (table_of(training, store), store)
        return self.kept[family]

    def bank(self, family: str, method: str, shuffled: bool = False) -> Bank:
        """One bank, trained now.

        Args:
            method: a probe's name; `steering.finders.ways.find_bank` knows finders, too.
            shuffled: deal all labels out anew first: a control that can learn nothing.
        """
        data, facts = self._known(family)
        return train_bank(
            data,
            self.model.origin,
            family,
            method,
            facts,
            shuffled=shuffled,
            device=self.model.device,
        )[0]

    def finished(
        self,
        family: str,
        method: str,
        fitted: Fitted,
        facts: Mapping[str, object],
        shuffled: bool = False,
    ) -> Bank:
        """The bank of what a finder found, with all that a probe's bank says of its source.

        Args:
            facts: what else there is to say of it.
        """
        data, known = self._known(family)
        said = known | dict(facts) | ({"shuffled": True} if shuffled else {})
        return bank_of(data, fitted, self.model.origin, family, method, said)

    def _known(self, family: str) -> tuple[Table, dict[str, object]]:
        """What a family's directions are trained on, and what is said of it."""
        data, store = self.table(family)
        label = get_family(family).training.label
        return data, {**store.facts, "label": label, "split": "split"}
