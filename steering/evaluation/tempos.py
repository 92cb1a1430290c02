"""Tempo: does the measured tempo rise with the coefficient? One direction, both signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import spearmanr

from steering.evaluation.cells import Cell, Result, Steer
from steering.evaluation.evaluating import Evaluation
from steering.evaluation.experiments import METHODS, Section, unsteered
from steering.evaluation.report import Part
from steering.making import suits

CONTROLS = ("random", "orthogonal")


def tempo_parts(evaluation: Evaluation) -> list[Part]:
    """A part for each family of banks: every method, and the controls of the first one."""
    one = evaluation.experiment
    parts = []
    for family in (one.family, *one.rivals):
        methods = [method for method in METHODS if suits(family, method)]
        lines, numbers = [], {}
        section = _section(family, methods, one.grid)
        results = evaluation.results(section, evaluation.play([section]))
        prompts = np.array([ask.prompt for ask in evaluation.asks])
        for way in [*methods, *CONTROLS]:
            found = tracking(_ladder(results, way, one.grid), prompts)
            numbers[way] = found
            lines.append(
                f"{way}: Spearman {found['spearman']:.2f} ({found['low']:.2f} to "
                f"{found['high']:.2f}) over all clips, {found['of cells']:.2f} of the cells' "
                f"medians; medians {_medians(found['medians'])} bpm"
            )
        about = (
            f"The {family} bank at {', '.join(f'{c:g}' for c in one.grid)}. Tempos are those that "
            "the listener hears; of the controls the first method's coefficients."
        )
        parts.append(Part(f"Tempos, {family}", about, (), lines, {"tracking": numbers}))
    return parts


def _section(family: str, methods: Sequence[str], grid: Sequence[float]) -> Section:
    cells = [unsteered()]
    for way in [*methods, *CONTROLS]:
        method, control = (methods[0], way) if way in CONTROLS else (way, "")
        for strength in grid:
            steer = Steer(f"{family}/{method}", strength, control=control)  # type: ignore[arg-type]
            cells.append(Cell(f"{way} {strength:g}", (steer,)))
    return Section(f"Tempos, {family}", "", tuple(cells))


def _ladder(
    results: Mapping[str, Result], way: str, grid: Sequence[float]
) -> dict[float, np.ndarray]:
    """Heard tempos ``[B]`` by coefficient; the unsteered clips stand at 0."""
    ladder = {strength: results[f"{way} {strength:g}"]["bpm"] for strength in grid}
    return dict(sorted({**ladder, 0.0: results[unsteered().label]["bpm"]}.items()))


def tracking(ladder: Mapping[float, np.ndarray], prompts: np.ndarray) -> dict[str, object]:
    """How well tempos follow coefficients.

    Args:
        ladder: tempos in bpm ``[B]`` by coefficient, the same clips at each; nan where no pulse.

    Returns:
        spearman: of coefficient and tempo over all clips, with its bootstrap interval ``low`` to
        ``high``. of cells: of coefficient and the cells' median tempo. medians: in bpm.
    """
    strengths = np.array(list(ladder))
    tempos = np.stack([ladder[strength] for strength in ladder], axis=1)  # [B, strengths]
    medians = np.nanmedian(tempos, axis=0)
    drawn = [_spearman(strengths, tempos[rows]) for rows in _draws(prompts)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "spearman": _spearman(strengths, tempos),
        "low": float(low),
        "high": float(high),
        "of cells": float(spearmanr(strengths, medians)[0]),
        "medians": dict(zip(strengths.tolist(), medians.tolist(), strict=True)),
    }


def _spearman(strengths: np.ndarray, tempos: np.ndarray) -> float:
    pushed = np.broadcast_to(strengths, tempos.shape)
    known = np.isfinite(tempos)
    value = float(spearmanr(pushed[known], tempos[known])[0])
    return 0.0 if np.isnan(value) else value


def _draws(prompts: np.ndarray, count: int = 500) -> list[np.ndarray]:
    """Rows of clips whose prompts are drawn anew."""
    rng = np.random.default_rng(0)
    groups = [np.flatnonzero(prompts == prompt) for prompt in np.unique(prompts)]
    return [
        np.concatenate([groups[place] for place in rng.integers(len(groups), size=len(groups))])
        for _ in range(count)
    ]


def _medians(medians: object) -> str:
    assert isinstance(medians, dict)
    return ", ".join(f"{strength:+g}: {bpm:.0f}" for strength, bpm in medians.items())
