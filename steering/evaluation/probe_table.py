"""The probe table: how well each probe tells each family, pooled in two ways, split in two ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import torch

from curation.concepts import get_family
from steering.activations import Pooling, read_source
from steering.models.interface import MusicModel
from steering.probes import get_method
from steering.probes.multiclass import aggregate
from steering.probes.scores import r_squared
from steering.sources import open_source
from steering.training import SplitColumn, Table, table

METHODS = ("rfm", "ridge", "logistic", "mean_difference")
SPLITS: tuple[SplitColumn, ...] = ("split", "random_split")
POOLED: tuple[Pooling, ...] = ("mean", "last")
DRAWS = 60
"""Settings that are tried over the layers; the paper has 300."""


Where = tuple[str, str, str, str, str]
"""Dataset, label, pooling, column of the split, method."""


@dataclass(frozen=True)
class Entry:
    """One probe of one family.

    Attributes:
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
    layer: int
    best: float
    together: float | None

    @property
    def where(self) -> Where:
        """All that tells it from the others."""
        return (self.dataset, self.label, self.pooling, self.split, self.method)


def planned(
    model: MusicModel, dataset: str, store: Path, batch: int = 16
) -> Iterator[tuple[Where, Callable[[], Entry]]]:
    """Every probe of a dataset's target label: what it is, and how to get it."""
    source = open_source(dataset)
    family = get_family(source.name)
    numeric = not family.labels[family.target].classes
    for pooling in POOLED:

        @cache
        def tables(split: SplitColumn, pooling: Pooling = pooling) -> Table:
            activations = read_source(model, source, store, pooling, batch)
            return _with_test(table(activations, family.target, split))

        for split in SPLITS:
            for method in METHODS:
                if not (numeric and method == "logistic"):
                    where = (source.name, family.target, pooling, split, method)
                    yield where, partial(_made, tables, where)


def _made(tables: Callable[[SplitColumn], Table], where: Where) -> Entry:
    return entry(tables(where[3]), where)  # type: ignore[arg-type]


def _with_test(data: Table) -> Table:
    """The table with a test split: where the division has none, half of the validation clips."""
    if len(data.x["test"]):
        return data
    half = len(data.x["validation"]) // 2
    x, y = dict(data.x), dict(data.y)
    for part in (x, y):
        part["test"], part["validation"] = part["validation"][half:], part["validation"][:half]
    return replace(data, x=x, y=y)


def entry(data: Table, where: Where, seed: int = 0) -> Entry:
    """Fit on train, choose on validation, look at test once."""
    generator = torch.Generator().manual_seed(seed)
    known = data.probe_data()
    fitted = get_method(where[-1])(known, None, generator)
    x, y = data.x["test"], data.y["test"]
    held_out = fitted.decide(known.x_val)  # [N, C, L]
    if data.task == "regression":
        layer = int(r_squared(held_out, known.y_val).mean(0).argmax())
        best = float(r_squared(fitted.decide(x), y)[0, layer])
        return Entry(*where, len(x), layer, best, None)
    layer = int(_right(held_out, known.y_val).argmax())
    best = float(_right(fitted.decide(x), y)[layer])
    over = aggregate(fitted, known, generator, DRAWS)
    return Entry(*where, len(x), layer, best, over.accuracy(x, y))


def _right(decided: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Share of clips ``[N, C, L]`` whose likeliest concept is the true one, per layer ``[L]``."""
    truth = y.argmax(-1)[:, None]
    return (decided.argmax(1) == truth).float().mean(0)


HEADINGS = "| data | label | pooling | split | probe | clips | layer | best layer | all layers |"


def page(found: Sequence[Entry]) -> str:
    """The table in Markdown."""
    lines = ["# Probes", "", "Accuracy on test clips (R squared of numbers).", "", HEADINGS]
    lines.append("|" + " --- |" * 9)
    for one in found:
        together = "" if one.together is None else f"{one.together:.3f}"
        split = "leak-free" if one.split == "split" else "random"
        lines.append(
            f"| {one.dataset} | {one.label} | {one.pooling} | {split} | {one.method} | {one.clips} "
            f"| {one.layer} | {one.best:.3f} | {together} |"
        )
    return "\n".join(lines) + "\n"


def load(path: Path, facts: dict[str, str]) -> list[Entry]:
    """What an earlier run with the same model had finished."""
    try:
        record = json.loads(path.read_text())
        return [Entry(**one) for one in record["entries"]] if record["facts"] == facts else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def save(path: Path, found: Sequence[Entry], facts: dict[str, str]) -> None:
    """The numbers, and the page beside them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for target, text in (
        (path, json.dumps({"facts": facts, "entries": [vars(one) for one in found]}, indent=1)),
        (path.with_suffix(".md"), page(found)),
    ):
        part = target.with_suffix(".part")
        part.write_text(text)
        part.replace(target)


def run(
    model: MusicModel,
    datasets: Sequence[str],
    store: Path,
    path: Path,
    batch: int,
    told: Callable[[str], None],
) -> list[Entry]:
    """Every entry of every dataset; those in ``path`` already, of this model, are not made again."""
    facts = {"model": model.origin.model, "revision": model.origin.revision}
    found = load(path, facts)
    for dataset in datasets:
        for where, make in planned(model, dataset, store, batch):
            if any(where == one.where for one in found):
                continue
            found.append(make())
            save(path, found, facts)
            told(f"{' '.join(where)}: {found[-1].best:.3f}")
    return found
