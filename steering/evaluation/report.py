"""One report: a page to read, the numbers behind it, and its pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curation.files import write_whole
from steering.evaluation.life import Life
from steering.evaluation.statistics import Estimate
from steering.evaluation.tables import Pushed, Row

HEADINGS = (
    "cell", "accuracy", "against unsteered", "p", "share of clip", "held-out probe",
    "adherence", "entropy", "onsets", "level", "FD", "MMD",
    "pushed s", "accuracy there", "entropy there", "onsets there", "level there", "adherence there",
    "alive",
)  # fmt: skip
LEGEND = (
    "Accuracy: share of clips whose most prominent concept is the target, with its 95 % interval. "
    "p: two-sided, paired bootstrap over prompts and seeds, corrected for all comparisons of the "
    "table (Holm). Adherence: of the plain prompt; below the first row, the change. Entropy, onsets "
    "and level: times the unsteered twin's. There: in the seconds of each clip that are pushed with half "
    "of the greatest strength or more, beside the same seconds of the twin."
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
    common = [row.label, _share(row.accuracy)]
    by_others = [_number(row.share.mean), _number(row.probe)]
    if row.against is None or row.life is None:
        blank = [""] * (len(HEADINGS) - 7)
        return [*common, "", "", *by_others, f"{row.adherence.mean:.3f}", *blank]
    changed = [_change(row.against.difference), _number(row.against.adjusted, ".2g")]
    entropy, onsets, level, adherence = _left(row.life)
    return [
        *common,
        *changed,
        *by_others,
        adherence,
        entropy,
        onsets,
        level,
        f"{row.life.fd:.2f}",
        f"{row.life.mmd:.3f}",
        *_there(row.pushed),
        "yes" if row.lives else "no",
    ]


def _there(pushed: Pushed | None) -> list[str]:
    """The columns of the pushed seconds."""
    if pushed is None:
        return [""] * 6
    return [f"{pushed.seconds:.3g}", _share(pushed.accuracy), *_left(pushed.life)]


def _left(life: Life) -> list[str]:
    """Entropy, onsets, level and adherence."""
    means = [f"{one.mean:.2f}" for one in (life.entropy, life.onsets, life.level)]
    return [*means, _change(life.adherence, 3)]


def _share(found: Estimate) -> str:
    if math.isnan(found.mean):
        return ""
    return f"{found.mean:.2f} ({found.low:.2f} to {found.high:.2f})"


def _change(found: Estimate, places: int = 2) -> str:
    if math.isnan(found.mean):
        return ""
    return f"{found.mean:+.{places}f} ({found.low:+.2f} to {found.high:+.2f})"


def _number(value: float, digits: str = ".2f") -> str:
    return "" if math.isnan(value) else format(value, digits)
