"""The report's pictures: what accuracy costs, and how a schedule is followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np

from steering.evaluation.life import Life
from steering.evaluation.probe_table import POOLED, SPLIT_NAMES, SPLITS, Entry, compared
from steering.evaluation.statistics import Estimate
from steering.evaluation.tables import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from steering.evaluation.dose import Rise
    from steering.evaluation.transfer_table import Entry as Across

matplotlib.use("Agg")

TWIN, PAPER, STEERED = "#3a6ea5", "#faf7f0", "#c8452b"
"""The page's colours of unsteered, of nothing, and of steered."""

COSTS: tuple[tuple[str, Callable[[Life], float]], ...] = (
    ("adherence lost", lambda life: -life.adherence.mean),
    ("entropy, of the twin's", lambda life: life.entropy.mean),
    ("Frechet distance", lambda life: life.fd),
)


COLOURS = 10
"""Of curves in one picture; those that come after are dashed."""


def draw_trade_off(curves: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Accuracy against each cost: one line a method, one point a strength."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(COSTS), figsize=(13, 4), sharey=True)
    for axis, (name, cost) in zip(axes, COSTS, strict=True):
        for method, rows in curves.items():
            points = [(cost(r.life), r.accuracy.mean) for r in rows if r.life is not None]
            axis.plot(*zip(*points, strict=True), marker="o", label=method)
        axis.set_xlabel(name)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("accuracy")
    axes[0].set_ylim(0, 1)
    axes[0].legend()
    _save(figure, path)


def draw_frontier(curves: Mapping[str, Sequence[Row]], least: float, path: Path) -> None:
    """Accuracy against entropy in the pushed seconds, both with intervals: one line a method.

    Args:
        least: entropy below which the music is not alive; it is shaded.
    """
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(8, 6))
    axis.axvspan(0, least, color="0.92", zorder=0)
    for place, (method, rows) in enumerate(curves.items()):
        left = [row.pushed.life.entropy for row in rows if row.pushed]
        found = [row.accuracy for row in rows if row.pushed]
        axis.errorbar(
            [one.mean for one in left], [one.mean for one in found], _reach(found), _reach(left),
            marker="os"[place >= COLOURS], linestyle=("-", "--")[place >= COLOURS], elinewidth=0.6,
            label=method,
        )  # fmt: skip
    axis.set_xlabel("entropy in the pushed seconds, of the twin's (grey: not alive)")
    axis.set_ylabel("accuracy")
    axis.set_xlim(left=0)
    axis.set_ylim(0, 1)
    axis.grid(alpha=0.3)
    axis.legend()
    _save(figure, path)


def draw_dose(doses: Sequence[float], found: Mapping[str, Rise], path: Path) -> None:
    """Each response over the dose, steered with intervals and random directions in grey; and slopes."""
    from matplotlib import pyplot

    shape = {"squeeze": False, "width_ratios": (3, 1)}
    figure, axes = pyplot.subplots(len(found), 2, figsize=(9, 3.8 * len(found)), **shape)
    for (over, beside), (name, rise) in zip(axes, found.items(), strict=True):
        for place, line in enumerate(rise.random_means):
            label = f"{len(rise.random)} random directions" if place == 0 else None
            over.plot(doses, line, color="0.7", linewidth=0.8, label=label)
        means = [one.mean for one in rise.means]
        over.errorbar(doses, means, _reach(rise.means), marker="o", capsize=3, label="steered")
        over.set_xlabel("times the strength")
        over.set_ylabel(name)
        over.legend()
        spread = np.linspace(-0.2, 0.2, len(rise.random))
        beside.plot(spread, rise.random, "o", color="0.7", markersize=4)
        beside.errorbar([0], [rise.slope.mean], _reach([rise.slope]), marker="o", capsize=4)
        beside.set_xticks([])
        beside.set_xlim(-0.5, 0.5)
        beside.set_title("slope")
        for axis in (over, beside):
            axis.grid(alpha=0.3)
    _save(figure, path)


def _reach(found: Sequence[Estimate]) -> np.ndarray:
    """Error bars ``[2, N]``: how far the intervals reach below and above the means."""
    bars = [[one.mean - one.low for one in found], [one.high - one.mean for one in found]]
    return np.maximum(bars, 0)


def draw_accuracies(rows: Sequence[Row], path: Path) -> None:
    """A bar for each row's accuracy, with its interval; grey where a limit of the music is passed."""
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(8, 0.42 * len(rows) + 0.8))
    for place, one in enumerate(rows):
        found = one.accuracy
        lost = one.life is not None and not one.lives
        color = "0.75" if lost else "C0"
        axis.barh(place, found.mean, color=color, xerr=_reach([found]), ecolor="0.3")
    axis.set_yticks(range(len(rows)), [one.label for one in rows])
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.set_xlabel("accuracy (grey: not alive in the clip, or where it is pushed)")
    axis.grid(axis="x", alpha=0.3)
    _save(figure, path)


def draw_rising(ladders: Mapping[str, Mapping[float, Row]], twin: Row, path: Path) -> None:
    """Accuracy over the coefficient, a line for each kind of push; the twin's interval is grey."""
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(8, 4))
    axis.axhspan(twin.accuracy.low, twin.accuracy.high, color="0.85", label=twin.label)
    for kind, rows in ladders.items():
        found = [row.accuracy for row in rows.values()]
        means = [one.mean for one in found]
        axis.errorbar(list(rows), means, _reach(found), marker="o", capsize=3, label=kind)
    axis.set_xlabel("coefficient")
    axis.set_ylabel("accuracy")
    axis.set_ylim(0, 1)
    axis.grid(alpha=0.3)
    axis.legend()
    _save(figure, path)


def draw_schedules(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], path: Path) -> None:
    """Per schedule the curve that was asked for and the share that was heard, both ``[P]``."""
    from matplotlib import pyplot

    rows = -(-len(curves) // 3)
    figure, axes = pyplot.subplots(rows, 3, figsize=(12, 2.4 * rows), squeeze=False)
    for axis in axes.flat[len(curves) :]:
        axis.set_visible(False)
    for axis, (name, (asked, heard)) in zip(axes.flat, curves.items(), strict=False):
        axis.plot(asked, color="0.6", label="asked for")
        axis.plot(heard, label="share heard")
        axis.set_title(name)
        axis.set_ylim(-0.05, 1.05)
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
    axes[0, 0].legend()
    _save(figure, path)


def draw_ladders(numbers: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Per measure the cells' medians over the coefficient, a line for each way of pushing.

    Args:
        numbers: by measure and way, as `steering.evaluation.studies.tempos.tracking` returns them; a way
            ``in words`` has no coefficients and is left out.
    """
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(numbers), figsize=(10, 3.6), squeeze=False)
    for axis, (measure, ways) in zip(axes.flat, numbers.items(), strict=True):
        for way, found in ways.items():
            if way != "in words":
                medians = found["medians"]
                axis.plot(list(medians), list(medians.values()), marker="o", label=way)
        axis.set_xlabel("coefficient")
        axis.set_ylabel(f"{measure}, median")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[0, 0].legend()
    _save(figure, path)


def draw_probes(found: Sequence[Entry], path: Path) -> None:
    """A bar for each family and probe: mean-pooled and last frame, leak-free and random splits."""
    from matplotlib import pyplot

    names = list(dict.fromkeys(one.dataset for one in found))
    there = {(one.pooling, one.split) for one in found}
    panels = [panel for panel in product(POOLED, SPLITS) if panel in there]
    methods = [method for method in compared() if any(one.method == method for one in found)]
    rows = -(-len(panels) // 2)
    figure, axes = pyplot.subplots(rows, 2, figsize=(14, 3.2 * rows), sharey=True, squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, panel in zip(axes.flat, panels, strict=False):
        entries = [one for one in found if (one.pooling, one.split) == panel]
        for place, method in enumerate(methods):
            bars = {names.index(e.dataset): e for e in entries if e.method == method}
            at = [x + (place - (len(methods) - 1) / 2) * 0.8 / len(methods) for x in bars]
            heights = [max(e.best if e.together is None else e.together, 0) for e in bars.values()]
            axis.bar(at, heights, 0.8 / len(methods), label=method)
        for e in entries:
            x = names.index(e.dataset)
            axis.plot([x - 0.4, x + 0.4], [e.chance] * 2, color="black", linewidth=1)
        split = SPLIT_NAMES[panel[1]]
        axis.set_title(f"{split} split, {'mean-pooled' if panel[0] == 'mean' else 'last frame'}")
        labels = [name.replace("_", "\n") for name in names]
        axis.set_xticks(range(len(names)), labels, fontsize=8)
        axis.set_ylim(0, 1)
        axis.grid(axis="y", alpha=0.3)
    axes[-1, -1].legend(loc="upper right")
    axes[0, 0].set_ylabel("accuracy (R squared of tempos)")
    _save(figure, path)


def draw_transfer(found: Sequence[Across], path: Path) -> None:
    """A panel for each direction and split, a bar for each label and probe; what it is beside.

    A diamond is the tested corpus's own probe, a grey line all shuffled ones, a black one chance.
    """
    from matplotlib import pyplot

    own = {one.within: one for one in found if one.trained == one.tested}
    across = [one for one in found if one.trained != one.tested]
    panels = list(dict.fromkeys((e.trained, e.tested, e.split) for e in across))
    labels = list(dict.fromkeys(e.label for e in across))
    methods = [one for one in compared() if any(e.method == one for e in across)]
    rows, width = -(-len(panels) // 2), 0.8 / len(methods)
    figure, axes = pyplot.subplots(rows, 2, figsize=(13, 3.4 * rows), sharey=True, squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, panel in zip(axes.flat, panels, strict=False):
        for place, method in enumerate(methods):
            bars = [
                e for e in across if (e.trained, e.tested, e.split, e.method) == (*panel, method)
            ]
            at = [labels.index(e.label) + (place - (len(methods) - 1) / 2) * width for e in bars]
            marks = [one.found for one in bars]
            means, reach = [one.mean for one in marks], _reach(marks)
            axis.bar(at, means, width, yerr=reach, ecolor="0.3", label=method)
            for x, e in zip(at, bars, strict=True):
                axis.vlines(x, min(e.shuffled), max(e.shuffled), color="0.6", linewidth=4)
                axis.hlines(e.chance, x - width / 2, x + width / 2, color="black")
                axis.plot(x, own[e.within].found.mean, "kD", markersize=4)
        axis.set_title(f"{panel[0]} to {panel[1]}, {SPLIT_NAMES[panel[2]]} split")
        axis.set_xticks(range(len(labels)), [name.replace("_", "\n") for name in labels])
        axis.grid(axis="y", alpha=0.3)
    axes[0, 0].legend()
    axes[0, 0].set_ylabel("accuracy (rank correlation of bpm)")
    _save(figure, path)


def draw_localisation(maps: Mapping[str, Mapping[str, Sequence[Estimate]]], path: Path) -> None:
    """What each place restores: a heat map for each family, layers along x, sites as rows.

    Args:
        maps: by family and row, the estimate of each layer.
    """
    from matplotlib import pyplot
    from matplotlib.colors import LinearSegmentedColormap

    tints = LinearSegmentedColormap.from_list("studio", (TWIN, PAPER, STEERED))
    figure, axes = pyplot.subplots(len(maps), 1, figsize=(8, 2.2 * len(maps)), squeeze=False)
    for axis, (family, rows) in zip(axes.flat, maps.items(), strict=True):
        table = np.array([[one.mean for one in row] for row in rows.values()])
        axis.imshow(table, cmap=tints, vmin=-1, vmax=1, aspect="auto")
        for row, found in enumerate(rows.values()):
            for layer, one in enumerate(found):
                weight = "bold" if one.low > 0 or one.high < 0 else "normal"
                axis.text(layer, row, f"{one.mean:.2f}", ha="center", va="center", weight=weight)
        axis.set_xticks(range(table.shape[1]))
        axis.set_yticks(range(len(rows)), list(rows))
        axis.set_title(f"{family}: share restored", fontsize=10)
    axes[-1, 0].set_xlabel("layer (bold: the 95 % interval lies beside 0)")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """Write a figure, and let go of it."""
    from matplotlib import pyplot

    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)
