"""One report: a page to read, the numbers behind it, and its pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curation.files import write_whole
from steering.evaluation.life import LIMITS
from steering.evaluation.tables import Row

HEADINGS = (
    "cell", "accuracy", "against unsteered", "p", "share of clip", "held-out probe",
    "adherence", "entropy", "onsets", "level", "FD", "MMD", "alive",
)  # fmt: skip
LEGEND = (
    "Accuracy: share of clips whose most prominent concept is the target, with its 95 % interval. "
    "p: two-sided, paired bootstrap over prompts and seeds, corrected for all comparisons of the "
    "table (Holm). Adherence: of the plain prompt; below the first row, the change. Entropy, onsets "
    "and level: times the unsteered twin's. "
    f"Alive: {LIMITS}."
)


@dataclass(frozen=True)
class Part:
    """A section as it stands in the report.

    Attributes:
        rows: its table. lines: further findings, in words. numbers: the same as JSON keeps them.
        pictures: file names beside the report.
    """

    title: str
    about: str
    rows: Sequence[Row] = ()
    lines: Sequence[str] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
    pictures: Sequence[str] = ()


def write(folder: Path, title: str, facts: Mapping[str, str], parts: Sequence[Part]) -> None:
    """``report.md`` and ``report.json`` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {
        "title": title,
        "facts": dict(facts),
        "parts": [
            {
                "title": part.title,
                "rows": [row.record() for row in part.rows],
                "lines": list(part.lines),
                **part.numbers,
            }
            for part in parts
        ],
    }
    for name, text in (
        ("report.json", json.dumps(numbers, indent=1, default=float) + "\n"),
        ("report.md", page(title, facts, parts)),
    ):
        write_whole(folder / name, text)


def page(title: str, facts: Mapping[str, str], parts: Sequence[Part]) -> str:
    """The report in Markdown."""
    lines = [f"# {title}", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    if any(part.rows for part in parts):
        lines += ["", LEGEND]
    for part in parts:
        lines += ["", f"## {part.title}", "", part.about, ""]
        if part.rows:
            lines += [*table(part.rows), ""]
        lines += [f"- {line}" for line in part.lines]
        lines += [f"![{part.title}]({name})" for name in part.pictures]
    return "\n".join(lines).rstrip() + "\n"


def table(rows: Sequence[Row]) -> list[str]:
    """Rows as a Markdown table."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    return lines + ["| " + " | ".join(_cells(row)) + " |" for row in rows]


def _cells(row: Row) -> list[str]:
    accuracy = f"{row.accuracy.mean:.2f} ({row.accuracy.low:.2f} to {row.accuracy.high:.2f})"
    common = [f"{row.share.mean:.2f}", _number(row.probe)]
    if row.against is None or row.life is None:
        return [row.label, accuracy, "", "", *common, f"{row.adherence.mean:.3f}", *[""] * 6]
    life = row.life
    changed = row.against.difference
    return [
        row.label,
        accuracy,
        f"{changed.mean:+.2f} ({changed.low:+.2f} to {changed.high:+.2f})",
        f"{row.against.adjusted:.2g}",
        *common,
        f"{row.adherence.mean:+.3f}",
        f"{life.entropy:.2f}",
        f"{life.onsets:.2f}",
        f"{life.level:.2f}",
        f"{life.fd:.2f}",
        f"{life.mmd:.3f}",
        "yes" if life.lives else "no",
    ]


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"
