"""What came of all cases: lines for the terminal, and a page in Markdown with its figures beside it in JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.parts import Lines
from benchmarks.taught.cells import Judged, Pushed
from benchmarks.taught.concepts import CONCEPTS
from curation.files import write_whole
from listening.intervals import interval
from steering.evaluation.statistics import Estimate

HEAD = ("case", "pushed", "heard", "unsteered", "moved", "AUC", "entropy", "onsets", "level", "lives")  # fmt: skip


def ear_lines(errors: Mapping[str, Sequence[Estimate]], count: int) -> Lines:
    """How well the listeners tell."""
    return [
        (
            f"{name}, by {CONCEPTS[name].ear}",
            f"AUC {played} as played, {held} through the codec, n = {count} and {count}",
        )
        for name, (played, held) in errors.items()
    ]


def case_lines(cases: Iterable[Judged]) -> Lines:
    """A line for every cell, and what was said beforehand."""
    found: Lines = []
    for one in cases:
        for kind, row in one.rows.items():
            found.append((f"{one.case}: {kind}", _of_row(row)))
        found.append((f"{one.case}: said", f"{one.said.verdict}, {one.said.trials}"))
        found.append((f"{one.case}: came of it", one.outcome))
    return found


def _of_row(row: Pushed) -> str:
    return (
        f"{row.heard:.3g} (unsteered {row.unsteered:.3g}), moved {row.moved:.2f}, AUC {row.auc}, "
        f"entropy {row.entropy:.2f}, onsets {row.onsets:.2f}, level {row.level:.2f}, "
        f"{'lives' if row.lives else 'suffers'}"
    )


def foretold_lines(cases: Sequence[Judged]) -> Lines:
    """How often what was said beforehand came true."""
    words = ("the model knows it", "the model hears something of it", "cannot be told")
    trials = ("the push is heard", "the push is hardly heard")
    found = [
        *((f"said: {word}", _came([c for c in cases if c.said.verdict == word])) for word in words),
        *((f"said: {word}", _came([c for c in cases if c.said.trials == word])) for word in trials),
    ]
    knew = sum(c.said.known == c.moves for c in cases)
    heard = sum(c.said.works == c.moves for c in cases)
    both = sum((c.said.known and c.said.works) == c.moves for c in cases)
    told = sum(c.said.told_by_chance for c in cases)
    worked = sum(c.said.works_by_chance for c in cases)
    cannot = sorted({c.case.concept for c in cases} - {c.case.concept for c in cases if c.moves})
    return [
        *found,
        ("'the model knows it' was right", _share(knew, len(cases))),
        ("'the push is heard' was right", _share(heard, len(cases))),
        ("both together were right", _share(both, len(cases))),
        ("shuffled labels that were told all the same", _share(told, len(cases))),
        ("shuffled labels whose push was 'heard'", _share(worked, len(cases))),
        ("concepts that are never moved", ", ".join(cannot) or "none"),
    ]


def _came(cases: Sequence[Judged]) -> str:
    moved = sum(case.moves for case in cases)
    living = sum(case.outcome == "can" for case in cases)
    return f"{len(cases)} cases, moved in {moved}, with the music alive in {living}"


def _share(hits: int, count: int) -> str:
    low, high = interval(hits, max(count, 1))
    return f"{hits} of {count} ({low:.0%} to {high:.0%})"


def write_report(
    folder: Path, errors: Mapping[str, Sequence[Estimate]], cases: Sequence[Judged], facts: Lines
) -> None:
    """`report.md` and `report.json`, each whole or not at all."""
    table: dict[str, Any] = {
        "facts": dict(facts),
        "listeners": {name: list(map(asdict, both)) for name, both in errors.items()},
        "cases": [asdict(one) | {"outcome": one.outcome} for one in cases],
    }
    write_whole(folder / "report.json", json.dumps(_plain(table), indent=1) + "\n")
    write_whole(folder / "report.md", page(errors, cases, facts))


def page(errors: Mapping[str, Sequence[Estimate]], cases: Sequence[Judged], facts: Lines) -> str:
    """The report in Markdown."""
    told = [(f"{c.case}", c.said.words.replace("\n", "; "), c.outcome) for c in cases]
    rows = [(str(c.case), *_cells(row)) for c in cases for row in c.rows.values()]
    ears = [
        (name, CONCEPTS[name].ear, str(played), str(held))
        for name, (played, held) in errors.items()
    ]
    return "\n\n".join(
        [
            "# Concepts of one's own",
            "\n".join(f"- {what}: {figure}" for what, figure in facts),
            "## Said beforehand, and what came of it",
            "\n".join(f"- {what}: {figure}" for what, figure in foretold_lines(cases)),
            _table(("case", "said", "came of it"), told),
            "## Cells",
            _table(HEAD, rows),
            "## Listeners",
            _table(("concept", "listener", "AUC as played", "AUC through the codec"), ears) + "\n",
        ]
    )


def _cells(row: Pushed) -> tuple[str, ...]:
    numbers = (row.entropy, row.onsets, row.level)
    return (
        row.kind,
        f"{row.heard:.3g}",
        f"{row.unsteered:.3g}",
        f"{row.moved:.2f}",
        str(row.auc),
        *(f"{number:.2f}" for number in numbers),
        "yes" if row.lives else "no",
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(value: Any) -> Any:
    """The same without numbers that JSON has not."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
