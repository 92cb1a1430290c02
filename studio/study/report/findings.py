"""All that a study finds, out of its tables: the figures behind the words and the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steering.evaluation.statistics import holm
from studio.study.design import UNSTEERED
from studio.study.report.bradley_terry import Worths, worths
from studio.study.report.identification import Heard, identified
from studio.study.report.mixed import Mixed, mixed
from studio.study.report.rating import Difference, rated
from studio.study.tables import Identified, Tables


@dataclass(frozen=True)
class Told:
    """A condition in ABX trials.

    Attributes:
        heard: of these listeners; ``adjusted`` its chance for all conditions (Holm 1979).
        mixed: of listeners and items like these; None where there are fewer than two of either, or all
            answers are alike.
    """

    heard: Heard
    adjusted: float
    mixed: Mixed | None


@dataclass(frozen=True)
class Findings:
    """What came of a study, by names of conditions; empty where nothing was asked."""

    told: Mapping[str, Told]
    preferred: Worths | None
    ratings: Mapping[str, Mapping[str, Difference]]


def findings(tables: Tables) -> Findings:
    """Every test of the report."""
    names = tables.conditions
    heard = identified(tables.abx)
    adjusted = holm([one.p for one in heard.values()])
    told = {
        names[condition]: Told(one, p, _mixed(tables.abx, condition))
        for (condition, one), p in zip(heard.items(), adjusted, strict=True)
    }
    asked = len(tables.preference.outcome) > 0
    reference = names.index(UNSTEERED)
    ratings = {
        scale: {names[place]: one for place, one in rated(table, reference).items()}
        for scale, table in tables.ratings.items()
        if reference in table.condition
    }
    preferred = worths(tables.preference, len(names)) if asked else None
    return Findings(told, preferred, ratings)


def _mixed(table: Identified, condition: int) -> Mixed | None:
    those = table.condition == condition
    part = Identified(
        table.listener[those], table.item[those], table.condition[those], table.right[those]
    )
    if min(len(np.unique(one)) for one in (part.listener, part.item, part.right)) < 2:
        return None
    return mixed(part)
