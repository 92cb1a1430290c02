"""The probe table: how well each probe tells each family, pooled in two ways, split in two ways.

It stands as the paper's does (MusicRFM, arXiv 2510.19127): a row for each probe, a column for each
family, accuracy by a predictor over all layers, R squared of tempos.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curation.files import write_whole
from listening.intervals import interval
from steering.activations.reader import Pooling
from steering.probes import methods
from steering.probes.multiclass import DRAWS
from steering.probes.rfm import Search
from steering.training.banks import SplitColumn

SPLITS: tuple[SplitColumn, ...] = ("split", "random_split")
POOLED: tuple[Pooling, ...] = ("mean", "last")
SPLIT_NAMES = {"split": "leak-free", "random_split": "random"}

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
