"""The table of transfer: probes of one corpus on another, beside the tested corpus's own and chance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curation.files import write_whole
from steering.evaluation import drawing
from steering.evaluation.probe_table import SPLIT_NAMES, SPLITS, compared
from steering.evaluation.statistics import Estimate

PICTURE = "transfer.png"

Kind = tuple[str, str, str, str, str]
"""Trained on, tested on, label, column of the split, method."""


@dataclass(frozen=True)
class Entry:
    """One probe, tried on one corpus.

    Attributes:
        classes: that both corpora have enough of; none for numbers. clips: that are tested; groups: of
            them. layer: that validation chose.
        found: accuracy, or Spearman's rank correlation for numbers, with its 95 % interval over groups.
        centred: the same with the tested corpus moved so that both have one mean, which needs no label.
        balanced: accuracy where each class counts as much as the others; that of numbers as found.
        shuffled: what was found by probes that were fitted on labels dealt out anew, draw by draw.
        chance: share of the commonest. explained: R squared of numbers.
    """

    trained: str
    tested: str
    label: str
    split: str
    method: str
    classes: tuple[str, ...]
    clips: int
    groups: int
    layer: int
    found: Estimate
    centred: Estimate
    balanced: Estimate
    shuffled: tuple[float, ...]
    chance: float
    explained: float | None = None

    @property
    def kind(self) -> Kind:
        return (self.trained, self.tested, self.label, self.split, self.method)

    @property
    def within(self) -> tuple[object, ...]:
        """What it has in common with the tested corpus's own probe of the same classes."""
        return (self.tested, self.label, self.split, self.method, self.classes)

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> Entry:
        made: dict[str, Any] = {k: tuple(record[k]) for k in ("classes", "shuffled")}
        made |= {k: Estimate(**record[k]) for k in ("found", "centred", "balanced")}
        return Entry(**{**record, **made})


HEAD = (
    "label", "trained on", "tested on", "split", "probe", "classes", "clips (groups)", "found",
    "centred", "classes alike", "within", "shuffled", "chance",
)  # fmt: skip
ABOUT = (
    "A probe is fitted on the train split of one corpus and chosen, with its layer, on its validation "
    "split. Found: accuracy on all clips of the other corpus, with its 95 % interval (bootstrap over "
    "groups: pieces, songs, artists); of bpm Spearman's rank correlation. Centred: the same after both "
    "corpora were given one mean, for which no label is needed. Classes alike: accuracy as found, each "
    "class counting as much as the others, so that chance is one by the classes. Within: the tested "
    "corpus's own probe on its own test split, of the same classes. Shuffled: mean, lowest and highest of "
    "so many probes that were fitted on labels dealt out anew. Chance: share of the commonest class."
)
LEAK = (
    "Each corpus's own probe on its own test split: where groups are kept apart, and where clips are "
    "divided plainly at random, so that a piece or an artist may stand on both sides. What is more at "
    "random is what a probe owes to that."
)


def page(found: Sequence[Entry]) -> str:
    """The report in Markdown: a row for each direction, label, split and probe; and each by itself."""
    lines = ["# Transfer", "", ABOUT, "", *_table(HEAD, _across(found))]
    numbers = [one for one in found if one.explained is not None]
    if numbers:
        lines += ["", "R squared of bpm, in its own unit:", ""]
        lines += [
            f"- {e.method}, {SPLIT_NAMES[e.split]}, {e.trained} to {e.tested}: {e.explained:.2f}"
            for e in numbers
        ]
    head = ("label", "corpus", "probe", *(SPLIT_NAMES[by] for by in SPLITS))
    lines += ["", "## Groups apart, and at random", "", LEAK, "", *_table(head, _within(found))]
    return "\n".join([*lines, "", f"![Transfer]({PICTURE})"]) + "\n"


def _across(found: Sequence[Entry]) -> list[list[str]]:
    own = {one.within: one for one in found if one.trained == one.tested}
    rows = []
    for one in found:
        if one.trained != one.tested:
            within = own[one.within]
            named = [one.label, one.trained, one.tested, SPLIT_NAMES[one.split], one.method]
            counts = [str(len(one.classes) or "number"), f"{one.clips:,} ({one.groups:,})"]
            figures = [short(one.found), short(one.centred)]
            figures += [short(one.balanced) if one.classes else ""]
            figures += [f"{short(within.found)} of {within.clips}", _spread(one.shuffled)]
            rows.append([*named, *counts, *figures, f"{one.chance:.2f}"])
    return rows


def _within(found: Sequence[Entry]) -> list[list[str]]:
    """A row for each corpus, label and probe that was tried by both splits."""
    own = {one.kind: one for one in found if one.trained == one.tested}
    rows = []
    for e in own.values():
        both = [own.get((e.trained, e.tested, e.label, by, e.method)) for by in SPLITS]
        if e.split == SPLITS[0] and all(both):
            cells = [f"{short(one.found)} of {one.clips}" for one in both if one]
            rows.append([e.label, e.trained, e.method, *cells])
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def short(one: Estimate) -> str:
    return f"{one.mean:.2f} ({one.low:.2f} to {one.high:.2f})"


def _spread(draws: Sequence[float]) -> str:
    """Mean, lowest and highest.

    >>> _spread((0.1, 0.3)), _spread((0.1,))
    ('0.20 (0.10 to 0.30) of 2', '0.10 of 1')
    """
    reach = f" ({min(draws):.2f} to {max(draws):.2f})" if len(draws) > 1 else ""
    return f"{np.mean(draws):.2f}{reach} of {len(draws)}"


def load(path: Path, facts: Mapping[str, str]) -> list[Entry]:
    """What an earlier run with the same model and corpora had finished."""
    try:
        record = json.loads(path.read_text())
        if record["facts"] != dict(facts):
            return []
        return [Entry.from_record(one) for one in record["entries"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def save(path: Path, found: Sequence[Entry], facts: Mapping[str, str]) -> None:
    """The numbers, and the page beside them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"facts": dict(facts), "entries": [asdict(one) for one in found]}
    write_whole(path, json.dumps(record, indent=1) + "\n")
    write_whole(path.with_suffix(".md"), page(found))


def in_order(found: Sequence[Entry], labels: Sequence[str]) -> list[Entry]:
    """As the table has them, whichever were finished first."""
    corpora = list(dict.fromkeys(one.trained for one in found))

    def place(one: Entry) -> tuple[int, ...]:
        pair = (corpora.index(one.trained), corpora.index(one.tested))
        by = (SPLITS.index(one.split), compared().index(one.method))
        return (labels.index(one.label), *pair, *by)

    return sorted(found, key=place)


def draw(found: Sequence[Entry], folder: Path) -> None:
    """The picture beside the page."""
    drawing.draw_transfer(found, folder / PICTURE)
