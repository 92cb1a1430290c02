"""Probes: fitted on the train split of builds, chosen on validation, looked at once on the test split."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import torch

from curation.concepts import get_family
from curation.errors import BadInput
from steering.activations.reader import Pooling, read_source_pooled
from steering.activations.sources import open_source
from steering.evaluation import drawing
from steering.evaluation.probe_table import POOLED, SPLITS, Entry, Where, compared, load, page, save
from steering.evaluation.study import Study
from steering.models.interface import MusicModel
from steering.probes import get_method
from steering.probes.multiclass import DRAWS, aggregate
from steering.probes.rfm import Search
from steering.probes.scores import r_squared
from steering.training.banks import SplitColumn, Table, table

NUMBERS = {"tempos": "bpm"}
"""Families that are told as a number, as in the paper, and its label; others by their target."""


def planned(
    model: MusicModel, dataset: str, store: Path, tried: Sequence[str], batch: int = 16
) -> Iterator[tuple[Where, Callable[[], Entry]]]:
    """Every probe of a dataset's label: what it is, and how to get it."""
    source = open_source(dataset)
    family = get_family(source.name)
    label = NUMBERS.get(family.name, family.target)
    task = "classification" if family.labels[label].classes else "regression"
    for pooling in POOLED:

        @cache
        def tables(split: SplitColumn, pooling: Pooling = pooling) -> Table:
            activations = read_source_pooled(model, source, store, POOLED, batch)[pooling]
            return _with_test(table(activations, label, split))

        for split in SPLITS:
            for method in tried:
                if task in get_method(method).tasks:
                    where = (source.name, label, pooling, split, method)
                    yield where, partial(_made, tables, where, model.device)


def _made(tables: Callable[[SplitColumn], Table], where: Where, device: torch.device) -> Entry:
    return entry(tables(where[3]), where, device=device)  # type: ignore[arg-type]


def _with_test(data: Table) -> Table:
    """The table with a test split: where the division has none, half of the validation clips."""
    if len(data.x["test"]):
        return data
    half = len(data.x["validation"]) // 2
    x, y = dict(data.x), dict(data.y)
    for part in (x, y):
        part["test"], part["validation"] = part["validation"][half:], part["validation"][:half]
    return replace(data, x=x, y=y)


def entry(data: Table, where: Where, seed: int = 0, device: torch.device | str = "cpu") -> Entry:
    """Fit on train, choose on validation, look at test once."""
    generator = torch.Generator().manual_seed(seed)
    known = data.probe_data().to(device)
    fitted = get_method(where[-1]).fit(known, None, generator)
    x, y = data.x["test"].to(device), data.y["test"].to(device)
    held_out = fitted.decide(known.x_val)  # [N, C, L]
    if data.task == "regression":
        layer = int(r_squared(held_out, known.y_val).mean(0).argmax())
        best = float(r_squared(fitted.decide(x), y)[0, layer])
        return Entry(*where, len(x), 0.0, layer, best, None)
    layer = int(_right(held_out, known.y_val).argmax())
    best = float(_right(fitted.decide(x), y)[layer])
    over = aggregate(fitted, known, generator, DRAWS)
    chance = float(y.mean(0).max())
    return Entry(*where, len(x), chance, layer, best, over.accuracy(x, y))


def _right(decided: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Share of clips ``[N, C, L]`` whose likeliest concept is the true one, per layer ``[L]``."""
    truth = y.argmax(-1)[:, None]
    return (decided.argmax(1) == truth).float().mean(0)


def run(
    model: MusicModel,
    datasets: Sequence[str],
    store: Path,
    path: Path,
    batch: int,
    told: Callable[[str], None],
    tried: Sequence[str] = (),
) -> list[Entry]:
    """Every entry of every dataset; those in ``path`` already, of this model, are not made again.

    Args:
        tried: methods, all by default.
    """
    facts = {
        "model": model.origin.model,
        "revision": model.origin.revision,
        "draws": f"{Search().draws} a layer, {DRAWS} over layers",
    }
    found = load(path, facts)
    for dataset in datasets:
        for where, make in planned(model, dataset, store, tried or compared(), batch):
            if any(where == one.where for one in found):
                continue
            found.append(make())
            save(path, found, facts)
            told(f"{' '.join(where)}: {found[-1].best:.3f}")
    return found


def report(
    loaded: Callable[[], MusicModel], options: Namespace, told: Callable[[str], None]
) -> str:
    """The table of the datasets that the options name, kept and drawn on the way.

    Raises:
        BadInput: they name none, or a method that is no probe.
    """
    for method in options.methods or ():
        get_method(method)
    if not options.datasets:
        raise BadInput("evaluate probes needs --datasets: name builds, as build/notes-small")
    path = (options.out or options.home / "probes") / "report.json"
    tried = [method for method in compared() if method in (options.methods or compared())]
    store = options.builds / "activations"
    found = run(loaded(), options.datasets, store, path, options.batch, told, tried)
    drawing.draw_probes(found, path.parent / "probes.png")
    return page(found)


study = Study("probes", alone=report)
