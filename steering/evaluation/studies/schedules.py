"""Schedules: does the note's share per second follow the curve, and does a crossfade hand over?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from listening.chroma import Profile
from steering.evaluation import drawing
from steering.evaluation.asks import Ask
from steering.evaluation.cells import Cell, Result
from steering.evaluation.evaluation import Evaluation
from steering.evaluation.report import Part
from steering.evaluation.sections import TWIN, Section, unsteered
from steering.evaluation.study import Study
from steering.interventions.schedules import Schedule, crossfade


def curves(seconds: float) -> dict[str, Schedule]:
    """One of each kind, fitted to the clip's length."""
    third = seconds / 3
    return {
        "linear rise": Schedule("linear_rise"),
        "linear decay": Schedule("linear_decay"),
        "logistic rise": Schedule("logistic_rise", {"width": seconds / 12}),
        "logistic decay": Schedule("logistic_decay", {"width": seconds / 12}),
        "exponential decay": Schedule("exponential_decay", {"half_life": seconds / 5}),
        "sine": Schedule("sine"),
        "pulse": Schedule("pulse", {"period": 2 * third, "width": third}),
        "last third": Schedule("constant", {"start": 2 * third}),
        "breakpoints": Schedule(
            "breakpoints", {"points": [[0, 0], [third, 1], [2 * third, 1], [seconds, 0]]}
        ),
    }


def schedule_parts(evaluation: Evaluation) -> list[Part]:
    """Every curve for one note, then one note handing over to another."""
    best, seconds = evaluation.best, evaluation.setting.seconds
    schedules = curves(seconds)
    out, into = crossfade()
    handed = Cell(
        "crossfade",
        (
            replace(best, schedule=out.record()),
            replace(best, schedule=into.record(), target=1),
        ),
    )
    cells = [
        unsteered(),
        Cell("constant", (replace(best, schedule={}),)),
        *(Cell(n, (replace(best, schedule=s.record()),)) for n, s in schedules.items()),
        handed,
    ]
    section = Section("Schedules", "", tuple(cells))
    results = evaluation.results(section, evaluation.play([section]))
    return [
        _followed(evaluation, results, schedules),
        _handed_over(evaluation, results["crossfade"], results[TWIN]),
    ]


def _followed(
    evaluation: Evaluation, results: dict[str, Result], schedules: dict[str, Schedule]
) -> Part:
    seconds = evaluation.setting.seconds
    twin = target_shares(results[TWIN], evaluation.asks, 0)
    lines, numbers, drawn = [], {}, {}
    for name, schedule in schedules.items():
        heard = target_shares(results[name], evaluation.asks, 0)
        asked = per_second(schedule, seconds, heard.shape[1])
        numbers[name] = {
            "of the mean": correlation(asked, heard.mean(axis=0)),
            "of clips": float(np.mean([correlation(asked, clip) for clip in heard])),
            "unsteered": correlation(asked, twin.mean(axis=0)),
        }
        drawn[name] = (asked, heard.mean(axis=0))
        lines.append(
            f"{name}: correlation {numbers[name]['of the mean']:.2f} of the mean share, "
            f"{numbers[name]['of clips']:.2f} of single clips; unsteered "
            f"{numbers[name]['unsteered']:.2f}"
        )
    evaluation.folder.mkdir(parents=True, exist_ok=True)
    drawing.draw_schedules(drawn, evaluation.folder / "schedules.png")
    about = (
        "The target's share of the frames in every second, against the schedule's mean level in "
        "that second, at the strength that validation chose."
    )
    return Part(
        "Schedules", about, (), lines, {"correlations": numbers}, pictures=("schedules.png",)
    )


def _handed_over(evaluation: Evaluation, result: Result, twin: Result) -> Part:
    lines, numbers = [], {}
    for name, one in (("crossfade", result), ("unsteered", twin)):
        first, second = (target_shares(one, evaluation.asks, target) for target in (0, 1))
        third = first.shape[1] // 3
        early = first[:, :third].mean(axis=1) > second[:, :third].mean(axis=1)
        late = second[:, -third:].mean(axis=1) > first[:, -third:].mean(axis=1)
        numbers[name] = {
            "first leads at first": float(early.mean()),
            "second leads at last": float(late.mean()),
            "hands over": float((early & late).mean()),
        }
        lines.append(
            f"{name}: the first leads the second in the first third of {early.mean():.0%} of the "
            f"clips, the second leads in the last third of {late.mean():.0%}, both in "
            f"{(early & late).mean():.0%}"
        )
    about = "One note fades out while another fades in, over the whole clip."
    return Part("Crossfade", about, (), lines, {"crossfade": numbers})


def target_shares(result: Result, asks: Sequence[Ask], target: int) -> np.ndarray:
    """The target's share of each second, ``[B, P]``."""
    pairs = zip(result["energy"], result["counts"], asks, strict=True)
    return np.stack([Profile(e, c).share_per_second(ask.targets[target]) for e, c, ask in pairs])


def per_second(schedule: Schedule, seconds: float, count: int) -> np.ndarray:
    """The curve's mean in each second, ``[count]``."""
    times = np.arange(count * 50) / 50
    return schedule.levels(times, seconds).reshape(count, 50).mean(axis=1)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's, 0 where one of the two never changes."""
    if one.std() < 1e-9 or other.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


study = Study(
    "schedules",
    "notes",
    schedule_parts,
    strengths="notes",
    seconds=12.0,
    probed=False,
    trials=("pitch class, single notes",),
)
