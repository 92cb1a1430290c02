"""The probe table: how well each probe tells each family, pooled in two ways, split in two ways.

It stands as the paper's does (MusicRFM, arXiv 2510.19127): a row for each probe, a column for each
family, accuracy by a predictor over all layers, R squared of tempos.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import torch

from curation.concepts import get_family
from curation.files import write_whole
from listening.intervals import interval
from steering.activations.reader import Pooling, read_source_pooled
from steering.activations.sources import open_source
from steering.models.interface import MusicModel
from steering.probes import get_method, methods
from steering.probes.multiclass import DRAWS, aggregate
from steering.probes.rfm import Search
from steering.probes.scores import r_squared
from steering.training.banks import SplitColumn, Table, table

SPLITS: tuple[SplitColumn, ...] = ("split", "random_split")
POOLED: tuple[Pooling, ...] = ("mean", "last")
NUMBERS = {"tempos": "bpm"}
"""Families that are told as a number, as in the paper, and its label; others by their target."""

Where = tuple[str, str, str, str, str]
"""Dataset, label, pooling, column of the split, method."""


@dataclass(frozen=True)
class Entry:
    """One probe of one family.

    Attributes:
        chance: share of the test clips' commonest class; 0 for numbers.
        layer: the one that validation chose. best: the test figure there: accuracy over all
            classes, R squared of numbers. together: accuracy of the predictor over all layers;
            None for numbers.
    """

    dataset: str
    label: str
    pooling: str
    split: str
    method: str
    clips: int
    chance: float
    layer: int
    best: float
    together: float | None

    @property
    def shown(self) -> str:
        """The figure that the table has first: accuracy with its interval, or R squared."""
        if self.together is None:
            return f"{self.best:.3f}"
        low, high = interval(round(self.together * self.clips), self.clips)
        return f"{self.together:.3f} ({low:.2f} to {high:.2f})"

    @property
    def where(self) -> Where:
        """All that tells it from the others."""
        return (self.dataset, self.label, self.pooling, self.split, self.method)


def compared() -> list[str]:
    """Every method, in the order of the table's rows: the simplest stands last."""
    return list(methods())[::-1]


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


SPLIT_NAMES = {"split": "leak-free", "random_split": "random"}


def page(found: Sequence[Entry]) -> str:
    """The table in Markdown: over all layers, and at the best one."""
    datasets = list(dict.fromkeys(one.dataset for one in found))
    kinds = sorted({one.where[2:] for one in found}, key=_place)
    by_where = {(one.dataset, *one.where[2:]): one for one in found}
    lines = [
        "# Probes",
        "",
        "Accuracy on test clips by a predictor over all layers, with Wilson's 95 % interval; R "
        "squared of tempos, at the layer that validation chose. Leak-free splits keep apart what a "
        f"probe could lean on instead. RFM's search has {Search().draws} draws a layer, the "
        f"predictor's {DRAWS}.",
    ]
    for title, cell in (("", _over_all), ("At the layer that validation chose", _at_best)):
        lines += ["", f"## {title}"] if title else []
        lines += ["", "| probe | pooling | split | " + " | ".join(datasets) + " |"]
        lines.append("|" + " --- |" * (3 + len(datasets)))
        for pooling, split, method in kinds:
            cells = [cell(by_where.get((name, pooling, split, method))) for name in datasets]
            row = [method, pooling, SPLIT_NAMES[split], *cells]
            lines.append("| " + " | ".join(row) + " |")
    lines += ["", "## What is told", "", "| data | label | split | test clips | chance |"]
    lines.append("|" + " --- |" * 5)
    for name, label, split in dict.fromkeys((one.dataset, one.label, one.split) for one in found):
        one = next(e for e in found if (e.dataset, e.split) == (name, split))
        chance = f"{one.chance:.3f}" if one.chance else ""
        lines.append(f"| {name} | {label} | {SPLIT_NAMES[split]} | {one.clips} | {chance} |")
    return "\n".join(lines) + "\n"


def _place(kind: tuple[str, ...]) -> tuple[int, ...]:
    """Where pooling, split and method stand in their lists."""
    orders: tuple[Sequence[str], ...] = (POOLED, SPLITS, compared())
    return tuple(order.index(one) for one, order in zip(kind, orders, strict=True))


def _over_all(one: Entry | None) -> str:
    return one.shown if one else ""


def _at_best(one: Entry | None) -> str:
    return f"{one.best:.3f} (layer {one.layer})" if one else ""


def load(path: Path, facts: dict[str, str]) -> list[Entry]:
    """What an earlier run with the same model had finished."""
    try:
        record = json.loads(path.read_text())
        return [Entry(**one) for one in record["entries"]] if record["facts"] == facts else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def save(path: Path, found: Sequence[Entry], facts: dict[str, str]) -> None:
    """The numbers, and the page beside them."""
    entries = [vars(one) for one in found]
    write_whole(path, json.dumps({"facts": facts, "entries": entries}, indent=1))
    write_whole(path.with_suffix(".md"), page(found))


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
