"""The protocol of MusicRFM (arXiv 2510.19127) with its own settings, and the controls that it lacks.

RFM directions are added to every block's output at raw coefficients, layers weighed exponentially by
their validation AUC, in 30 % of the steps; then the layer and gate ablations, and two concepts at
once. Nothing is chosen here, so that there is no validation run.

The paper counts what a probe hears that was trained on the very clips that gave the directions. That
figure stands in lines of its own, with the published one; the tables hold what the independent judge
and the held-out probe hear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from steering.directions.bank_name import BankName
from steering.evaluation import drawing, sections
from steering.evaluation.asks import Ask
from steering.evaluation.banks import OwnProbe
from steering.evaluation.cells import Cell, Result, Steer
from steering.evaluation.evaluation import Evaluation
from steering.evaluation.report import Part
from steering.evaluation.sections import SHUFFLED, Section, unsteered
from steering.evaluation.studies.single import fusion_part
from steering.evaluation.study import Study

STRENGTHS = (0.15, 0.3, 0.45, 0.6)
"""Raw coefficients; ablations and controls are at the last."""

BEST_LAYERS = (4, 8, 12, 16)
EVERYWHERE = {"weighting": "all"}
"""Of the gate ablation, which ends where the layer ablation does: all layers, every step."""

TOGETHER = (0.3, 0.6)

PUBLISHED: dict[str, dict[str, float]] = {
    "notes": {
        "raw 0.15": 0.231, "raw 0.3": 0.461, "raw 0.45": 0.684, "raw 0.6": 0.824,
        "the 4 best": 0.398, "the 8 best": 0.678, "the 12 best": 0.882, "the 16 best": 0.941,
        "all": 0.964, "gate 0.15": 0.348, "gate 0.3": 0.697, "gate 0.45": 0.884,
        "gate 0.6": 0.931, "gate 1": 0.964, "both 0.3": 0.770, "both 0.6": 0.920,
    },
    "chords": {"raw 0.15": 0.271, "raw 0.3": 0.288, "raw 0.45": 0.320, "raw 0.6": 0.344},
}  # fmt: skip
"""Accuracy by the paper's own probe on musicgen-large, by family and cell."""


def paper_parts(evaluation: Evaluation) -> list[Part]:
    """Every table of the paper's steering, each row beside its unsteered twin."""
    family = evaluation.family.name
    bank = str(BankName(family, "rfm"))
    own = evaluation.banks.own_probe(bank)
    tables = [
        _strengths(bank),
        sections.controls(as_published(bank), bank + SHUFFLED),
        _layers(bank, evaluation.setting.origin.layers),
        sections.gate_ablation(replace(as_published(bank), layers=EVERYWHERE)),
    ]
    two = _two(bank)
    played = evaluation.play([*tables, two])
    parts = []
    for section in tables:
        heard = _own_hits(own, evaluation.results(section, played), evaluation.asks)
        rows = evaluation.table(section, played)
        parts.append(
            Part(section.title, section.about, rows, _lines(heard, family), {"own probe": heard})
        )
    parts[0] = replace(parts[0], about=f"{parts[0].about} Own probe: {own.about}.")
    evaluation.folder.mkdir(parents=True, exist_ok=True)
    drawing.draw_trade_off({"rfm, as published": parts[0].rows}, evaluation.folder / "paper.png")
    drawing.draw_accuracies(parts[1].rows, evaluation.folder / "controls.png")
    parts[0] = replace(parts[0], pictures=("paper.png",))
    parts[1] = replace(parts[1], pictures=("controls.png",))
    fused = fusion_part(evaluation, two, played)
    heard = _own_hits(own, evaluation.results(two, played), evaluation.asks)
    lines = [*fused.lines, *_lines(heard, family)]
    return [*parts, replace(fused, lines=lines, numbers={**fused.numbers, "own probe": heard})]


def as_published(bank: str, coefficient: float = STRENGTHS[-1]) -> Steer:
    """The paper's default: exponential weights of kappa 0.95, a gate of 0.3."""
    weights = {"weighting": "exponential", "kappa": 0.95}
    return Steer(bank, coefficient, layers=weights, gate=0.3, unit="raw")


def _strengths(bank: str) -> Section:
    steered = [Cell(f"raw {c:g}", (as_published(bank, c),)) for c in STRENGTHS]
    about = "Raw coefficients, exponential weights of the layers, a gate of 0.3."
    return Section("Strengths", about, (unsteered(), *steered))


def _layers(bank: str, layers: int) -> Section:
    always = replace(as_published(bank), gate=1.0)
    cells = [
        Cell(f"the {k} best", (replace(always, layers={"weighting": "top", "k": k}),))
        for k in BEST_LAYERS
        if k < layers
    ]
    cells.append(Cell("all", (replace(always, layers=EVERYWHERE),)))
    about = "At raw 0.6 in every step, on the layers with the best scores."
    return Section("Layers", about, (unsteered(), *cells))


def _two(bank: str) -> Section:
    cells = [
        Cell(f"both {c:g}", tuple(replace(as_published(bank, c), target=t) for t in (0, 1)))
        for c in TOGETHER
    ]
    return Section(
        "Two at once", "Two directions of one bank, each in full.", (unsteered(), *cells)
    )


def _own_hits(
    own: OwnProbe, results: Mapping[str, Result], asks: Sequence[Ask]
) -> dict[str, float]:
    """Share of each cell's clips in which the bank's own probe hears the first target."""
    targets = [ask.targets[0] for ask in asks]
    found = {}
    for label, result in results.items():
        named = own(result["states"])
        found[label] = sum(map(str.__eq__, named, targets)) / len(targets)
    return found


def _lines(heard: Mapping[str, float], family: str) -> list[str]:
    published = PUBLISHED.get(family, {})
    return [
        f"{label}: the bank's own probe hears the target in {share:.0%}"
        + (f" (published, on musicgen-large: {published[label]:.0%})" if label in published else "")
        for label, share in heard.items()
    ]


def studies() -> list[Study]:
    """On notes, and on chord qualities."""
    return [
        Study("paper", "notes", paper_parts, trials=("pitch class, single notes",)),
        Study("paper-chords", "chords", paper_parts),
    ]
