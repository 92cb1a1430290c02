"""Tempo: does the measured tempo rise with the coefficient? One direction, both signs.

The listener to tempos doubts itself on music without a plain beat, so that onsets a second are counted
beside it. Prompts that ask for slow and for fast music say what words do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from steering.directions.bank_name import BankName
from steering.evaluation import drawing
from steering.evaluation.asks import Wording
from steering.evaluation.cells import Cell, Result, Steer
from steering.evaluation.dose import Dosed, Response
from steering.evaluation.evaluation import Evaluation
from steering.evaluation.report import Part
from steering.evaluation.sections import Section, unsteered
from steering.evaluation.study import Study
from steering.families import families
from steering.finders.ways import suits

LABEL = "bpm"
"""Of the families whose directions are tried."""

GRID = (-0.06, -0.03, 0.03, 0.06)
CONTROLS = ("random", "orthogonal")
WORDS: dict[str, Wording] = {"asked for slow": "contradicting", "asked for fast": "named"}
"""Prompts alone, from slow to fast."""

MEASURES = {"tempo": ("bpm", "bpm"), "onsets": ("onsets", "a second")}
"""What is measured, the name of it among what is heard, and its unit."""


def tempo_parts(evaluation: Evaluation) -> list[Part]:
    """Every method and the controls of the first one: directions from metronomes, and from bands."""
    tried = [one.name for one in families().values() if one.training.label == LABEL]
    return [_part(evaluation, family) for family in tried]


def _part(evaluation: Evaluation, family: str) -> Part:
    """What one family's directions do at all coefficients."""
    methods = [method for method in evaluation.tried if suits(family, method)]
    section = _section(family, methods)
    played = evaluation.play([section])
    results = evaluation.results(section, played)
    prompts = np.array([ask.prompt for ask in evaluation.asks])
    lines: list[str] = []
    numbers: dict[str, dict[str, Any]] = {measure: {} for measure in MEASURES}
    for way in [*methods, *CONTROLS]:
        for measure, (name, unit) in MEASURES.items():
            found = tracking(_ladder(results, way, name), prompts)
            numbers[measure][way] = found
            lines.append(f"{way}, {measure}: {_followed(found)} {unit}")
    for measure, (name, unit) in MEASURES.items():
        found = tracking(_asked(results, name), prompts)
        numbers[measure]["in words"] = found
        lines.append(f"in words, {measure}: {_followed(found)} {unit}")
    evaluation.folder.mkdir(parents=True, exist_ok=True)
    picture = f"{family}.png"
    drawing.draw_ladders(numbers, evaluation.folder / picture)
    about = (
        f"The {family} bank at {', '.join(f'{c:g}' for c in GRID)}, and 0. Tempos are those "
        "that the listener hears; of the controls the first method's coefficients. In words: the "
        "prompt asks for slow music at 70 bpm (-1), for no tempo (0), for fast music at 150 bpm (1)."
    )
    rows = evaluation.table(section, played)
    return Part(section.title, about, rows, lines, numbers, pictures=(picture,))


def _section(family: str, methods: Sequence[str]) -> Section:
    cells = [unsteered()]
    for way in [*methods, *CONTROLS]:
        method, control = (methods[0], way) if way in CONTROLS else (way, "")
        for strength in GRID:
            bank = str(BankName(family, method))
            steer = Steer(bank, strength, control=control)  # type: ignore[arg-type]
            cells.append(Cell(f"{way} {strength:g}", (steer,)))
    cells += [Cell(name, wording=wording) for name, wording in WORDS.items()]
    return Section(f"Tempos, {family}", "", tuple(cells))


def _ladder(results: Mapping[str, Result], way: str, measure: str) -> dict[float, np.ndarray]:
    """What was heard ``[B]`` by coefficient; the unsteered clips stand at 0."""
    ladder = {strength: results[f"{way} {strength:g}"][measure] for strength in GRID}
    return dict(sorted({**ladder, 0.0: results[unsteered().label][measure]}.items()))


def _asked(results: Mapping[str, Result], measure: str) -> dict[float, np.ndarray]:
    """What was heard ``[B]`` of prompts that ask for slow music, for no tempo and for fast music."""
    slow, fast = WORDS
    names = {-1.0: slow, 0.0: unsteered().label, 1.0: fast}
    return {place: results[name][measure] for place, name in names.items()}


def tracking(ladder: Mapping[float, np.ndarray], prompts: np.ndarray) -> dict[str, Any]:
    """How well tempos, or other numbers, follow coefficients.

    Args:
        ladder: numbers ``[B]`` by coefficient, the same clips at each; nan where nothing was heard.

    Returns:
        spearman: of coefficient and number over all clips, with its bootstrap interval ``low`` to
        ``high``. of cells: of coefficient and the cells' medians. medians: by coefficient.
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


def _followed(found: Mapping[str, Any]) -> str:
    medians = ", ".join(f"{at:+g}: {median:.3g}" for at, median in found["medians"].items())
    return (
        f"Spearman {found['spearman']:.2f} ({found['low']:.2f} to {found['high']:.2f}) over all "
        f"clips, {found['of cells']:.2f} of the cells' medians; medians {medians}"
    )


def _steer(evaluation: Evaluation) -> Steer:
    """The first method's direction at the greatest strength of the grid."""
    return Steer(str(BankName(evaluation.family.name, evaluation.methods[0])), max(GRID))


def _measured(measure: str, name: str, unit: str) -> Response:
    return Response(f"{measure}, {unit}", lambda evaluation, heard: heard[name].astype(float))


study = Study(
    "tempos",
    "tempos",
    tempo_parts,
    seconds=8.0,
    probed=False,
    dosed=Dosed(_steer, tuple(_measured(one, *said) for one, said in MEASURES.items())),
)
