"""The report's pictures: what accuracy costs, and how a schedule is followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np

from steering.evaluation.tables import Row

matplotlib.use("Agg")

COSTS = (
    ("adherence lost", lambda life: -life.adherence),
    ("entropy, of the twin's", lambda life: life.entropy),
    ("Frechet distance", lambda life: life.fd),
)


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
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


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
    axes[0, 0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)
