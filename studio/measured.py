"""What the shipped evaluations found of each bank: read from their reports, never written by hand."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from steering.directions.library import RESULTS
from steering.interventions.monitor import Monitor
from steering.models.origin import Origin

SIGNIFICANT = 0.05
NOT_MEASURED = "Not measured in the pushed seconds."
METHODS, UNSTEERED = "Methods", "unsteered"
"""The part of a report that has every method's strengths, and the row that they are held against."""


@dataclass(frozen=True)
class Dose:
    """What one strength did to test clips.

    Attributes:
        strength: relative coefficient.
        hit, low, high: share of clips in which the target was heard, and its 95 % interval.
        alive: whether the music stayed what it was, see `steering.evaluation.life`.
        better: whether that beats unsteered clips, corrected for all comparisons of the report.
        pushed_hit, pushed_entropy: the same share in the seconds that are pushed, and what is left of
            the entropy there, times the unsteered; None where a report is from before that was measured.
    """

    strength: float
    hit: float
    low: float
    high: float
    alive: bool
    better: bool
    pushed_hit: float | None = None
    pushed_entropy: float | None = None

    @property
    def pushed(self) -> str:
        """The pushed seconds in a sentence."""
        if self.pushed_hit is None or self.pushed_entropy is None:
            return NOT_MEASURED
        return (
            f"In the pushed seconds {self.pushed_hit:.0%}, with {self.pushed_entropy:.0%} of the "
            "variety of notes."
        )


@dataclass(frozen=True)
class Measured:
    """What a test found of one bank.

    Attributes:
        study: the evaluation, as ``notes``.
        clips: of each dose.
        strength, schedule, monitor: what validation chose, for this bank.
        unsteered: share of unsteered clips in which the target was heard.
        best: whether validation preferred this bank to the others of its evaluation.
        doses: from weak to strong.
    """

    study: str
    clips: int
    strength: float
    schedule: dict[str, Any]
    unsteered: float
    doses: tuple[Dose, ...]
    best: bool = False
    monitor: Monitor | None = None

    @property
    def chosen(self) -> Dose:
        """The dose of the chosen strength."""
        return min(self.doses, key=lambda dose: abs(dose.strength - self.strength))

    @property
    def words(self) -> str:
        """The finding in a sentence, with the weakest strength that does anything."""
        working = [dose for dose in self.doses if dose.better and dose.strength >= self.strength]
        if self.chosen.better:
            return self._told(self.chosen)
        if working:
            return f"Weak at ×1.0 ({self.chosen.hit:.0%}). {self._told(working[0])}"
        return f"Not shown to do anything. {self._told(self.chosen)}"

    def _told(self, dose: Dose) -> str:
        return (
            f"At ×{dose.strength / self.strength:.1f} heard in {dose.hit:.0%} of {self.clips} test clips "
            f"({dose.low:.0%} to {dose.high:.0%}), unsteered in {self.unsteered:.0%}. {dose.pushed}"
        )

    def record(self) -> dict[str, Any]:
        """As the page has it."""
        return asdict(self) | {"words": self.words}


def measured(origin: Origin, results: Path = RESULTS) -> dict[str, Measured]:
    """Findings by bank, of the evaluations of this very model; one that cannot be read counts for none."""
    found: dict[str, Measured] = {}
    for path in sorted((results / "strengths").glob("*.json")):
        try:
            chosen = json.loads(path.read_text(encoding="utf-8"))
            if chosen["origin"] != asdict(origin):
                continue
            report = json.loads((results / f"{path.stem}-test" / "report.json").read_text("utf-8"))
            found |= _of_study(path.stem, chosen, report["parts"])
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue
    return found


def _of_study(
    study: str, chosen: dict[str, Any], parts: list[dict[str, Any]]
) -> dict[str, Measured]:
    rows: list[dict[str, Any]] = next(
        (part["rows"] for part in parts if part["title"] == METHODS), []
    )
    if not rows:  # a study of something else than a family's methods
        return {}
    plain = next(row for row in rows if row["label"] == UNSTEERED)
    found = {}
    for method, steer in chosen["methods"].items():
        named = [(row["label"].split(), row) for row in rows]
        doses = sorted(
            ((float(words[1]), row) for words, row in named if words[0] == method),
            key=lambda pair: pair[0],
        )
        _, nearest = min(doses, key=lambda pair: abs(pair[0] - steer["coefficient"]))
        found[steer["bank"]] = Measured(
            study,
            int(nearest["clips"]),
            float(steer["coefficient"]),
            steer["schedule"] or {"shape": "constant"},
            float(plain["accuracy"]["mean"]),
            tuple(_dose(strength, row) for strength, row in doses),
            steer["bank"] == chosen["best"]["bank"],
            Monitor(**steer["monitor"]) if steer.get("monitor") else None,
        )
    return found


def _dose(strength: float, row: dict[str, Any]) -> Dose:
    share, against = row["accuracy"], row["against"]
    better = against["adjusted"] < SIGNIFICANT and against["difference"]["mean"] > 0
    alive, pushed = bool(row["lives"]), row.get("pushed")
    there = (pushed["accuracy"]["mean"], pushed["life"]["entropy"]["mean"]) if pushed else ()
    return Dose(strength, share["mean"], share["low"], share["high"], alive, better, *there)
