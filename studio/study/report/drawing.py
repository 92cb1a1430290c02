"""The report's pictures: each condition with its interval, and where guessing and the copy stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np

from curation.files import whole
from studio.study.design import UNSTEERED
from studio.study.report.findings import Findings
from studio.study.tables import Tables

matplotlib.use("Agg")

STEERED, TWIN, SOFT = "#c8452b", "#3a6ea5", "#a49daf"


def draw(tables: Tables, found: Findings, folder: Path) -> list[str]:
    """Write a PNG of each kind of trial; their names."""
    drawn = []
    if found.told:
        rows = [
            (name, one.heard.share, one.heard.low, one.heard.high)
            for name, one in found.told.items()
        ]
        _intervals(rows, "X told, share of trials", 0.5, "guessing", folder / "abx.png", (0, 1))
        drawn.append("abx")
    if found.preferred is not None:
        worth, names = found.preferred, tables.conditions
        rows = [
            (name, worth.log[place], worth.low[place], worth.high[place])
            for place, name in enumerate(names)
            if name in tables.design.preferred
        ]
        copy = float(worth.log[names.index(UNSTEERED)])
        _intervals(rows, "worth, natural logarithm", copy, "unsteered", folder / "preference.png")
        drawn.append("preference")
    for scale, differences in found.ratings.items():
        rows = [(name, one.shift, one.low, one.high) for name, one in differences.items()]
        label = f"{scale}, points beside the unsteered copy"
        _intervals(
            rows, label, 0.0, "unsteered", folder / f"{scale}.png", cloud=_clouds(tables, scale)
        )
        drawn.append(scale)
    return drawn


def _clouds(tables: Tables, scale: str) -> dict[str, np.ndarray]:
    """Each listener's mean difference from the copy, by condition."""
    table, copy = tables.ratings[scale], tables.conditions.index(UNSTEERED)

    def mean(listener: int, condition: int) -> float:
        those = (table.listener == listener) & (table.condition == condition)
        return float(table.score[those].mean()) if those.any() else float("nan")

    people = np.unique(table.listener)
    return {
        name: np.array([mean(one, place) - mean(one, copy) for one in people])
        for place, name in enumerate(tables.conditions)
        if place != copy
    }


def _intervals(
    rows: Sequence[tuple[str, float, float, float]],
    label: str,
    line: float,
    word: str,
    path: Path,
    limits: tuple[float, float] | None = None,
    cloud: dict[str, np.ndarray] | None = None,
) -> None:
    """One row a condition: a dot with its interval, behind it the listeners where they are given."""
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7.5, 1.3 + 0.5 * len(rows)))
    axis.axvline(line, color=TWIN, linestyle="--", linewidth=1.4)
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    axis.text(line, -0.72, word, color=TWIN, ha="center", va="center", fontsize=9, bbox=paper)
    for place, (name, middle, low, high) in enumerate(rows):
        if cloud is not None and name in cloud:
            spread = place + 0.18 * np.sin(np.arange(len(cloud[name])) * 2.4)
            axis.scatter(cloud[name], spread, s=10, color=SOFT, alpha=0.6, linewidths=0)
        axis.plot([low, high], [place, place], color=STEERED, linewidth=2.4)
        axis.plot([middle], [place], "o", color=STEERED, markersize=7)
    axis.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axis.set_ylim(len(rows) - 0.5, -1.0)
    if limits:
        axis.set_xlim(*limits)
    axis.set_xlabel(label)
    axis.grid(axis="x", alpha=0.25)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.tick_params(axis="y", length=0)
    with whole(path) as part:
        figure.savefig(part, format="png", dpi=150, bbox_inches="tight")
    pyplot.close(figure)
