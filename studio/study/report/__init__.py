"""What came of a study: figures, pictures, and a page in words."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from curation.errors import BadInput
from curation.files import check_writable, write_whole
from studio.study.stimuli import read_stimuli
from studio.study.tables import tables
from studio.study.trials import ANSWERS, Kept, Trials

PAGE, FIGURES = "report.md", "figures.json"


def write_report(folder: Path, out: Path, now: bool = False) -> str:
    """Report on the study in a folder; one line of what was written.

    Args:
        out: gets ``report.md``, ``figures.json`` and pictures.
        now: the study ends with those who are there.

    Raises:
        BadInput: it is no study, or nobody counts yet.
    """
    from studio.study.report.drawing import draw
    from studio.study.report.findings import findings
    from studio.study.report.words import words

    stimuli = read_stimuli(folder)
    kept = read_kept_trials(folder)
    table = tables(stimuli, kept)
    if not table.counted:
        raise BadInput(
            f"nobody counts yet of {len(table.people)} who began {stimuli.design.name}: wait"
        )
    if now:
        table = replace(table, design=replace(table.design, listeners=len(table.counted)))
    check_writable(out)
    found = findings(table)
    drawn = draw(table, found, out)
    write_whole(out / PAGE, words(stimuli, table, found, kept, drawn))
    figures = {"listeners": len(table.counted), "over": table.over, "left_out": table.left_out}
    write_whole(out / FIGURES, json.dumps(figures | _plain(asdict(found)), indent=1) + "\n")
    return f"{out / PAGE}: {len(table.counted)} of {table.design.listeners} listeners, {len(drawn)} pictures"


def read_kept_trials(folder: Path) -> list[Kept]:
    """Every answered trial of the study in a folder.

    Raises:
        BadInput: nobody has begun it, or its answers cannot be read.
    """
    if not (folder / ANSWERS).exists():
        raise BadInput(f"nobody has begun the study in {folder}: open it with 'serve'")
    trials = Trials(folder / ANSWERS, "")
    try:
        return list(trials.kept())
    finally:
        trials.close()


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    """Figures as JSON keeps them; the draws stay out."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items() if name != "draws"}
        if isinstance(value, np.ndarray):
            return [float(one) for one in value]
        return float(value) if isinstance(value, np.floating) else value

    return plain(found)
