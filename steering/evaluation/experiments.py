"""What is tried for each concept family: which banks, which judge, which rows in which tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from curation.concepts import get_family
from curation.theory import PITCH_CLASSES
from steering.evaluation import scoring
from steering.evaluation.cells import Cell, Steer
from steering.evaluation.scoring import Shares
from steering.families import get_training

METHODS = ("mean_difference", "ridge", "logistic", "rfm")
TWIN, CONTRADICTED = "unsteered", "unsteered, contradicting prompt"
SHUFFLED = "-shuffled"
"""Ends the names of banks whose training labels were dealt out anew."""


@dataclass(frozen=True)
class Experiment:
    """How one concept family is evaluated.

    Attributes:
        family: of the steering banks, see `steering.families`.
        rivals: other families whose banks stand for the same concepts, tried on validation.
        shares, prominent: its judge.
        trials: names of `truth.TRIALS` that say how far the judge can be trusted.
        grid: relative coefficients that are tried on validation.
    """

    family: str
    shares: Shares
    prominent: Shares
    trials: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    grid: tuple[float, ...] = (0.01, 0.015, 0.02, 0.03, 0.045, 0.07)
    seconds: float = 4.0
    probed: bool = True


def concepts_of(experiment: Experiment) -> tuple[str, ...]:
    """What can be steered to: the classes of the family's label; the label itself for numbers."""
    training = get_training(experiment.family)
    if training.label == "strongest":
        return PITCH_CLASSES
    return get_family(training.dataset).labels[training.label].classes or (training.label,)


EXPERIMENTS: dict[str, Experiment] = {
    "notes": Experiment(
        "notes",
        scoring.note_shares,
        scoring.note_energies,
        ("pitch class, single notes", "pitch class, songs by their scores"),
        ("notes_in_songs",),
    ),
    "chords": Experiment(
        "chords", scoring.chord_shares, scoring.chord_shares, ("chord quality",), (),
        (0.02, 0.04, 0.06, 0.09, 0.13),
    ),
    "genres": Experiment(
        "genres", scoring.genre_shares, scoring.genre_shares, (), ("genres_in_songs",),
        (0.02, 0.04, 0.06, 0.09, 0.13),
    ),
    "keys": Experiment("keys", scoring.key_shares, scoring.key_shares, ("key of songs",)),
    "modes": Experiment("modes", scoring.mode_shares, scoring.mode_shares, ("key of songs",)),
    "tempos": Experiment(
        "tempos", scoring.no_shares, scoring.no_shares, ("tempo, metronome", "tempo, songs"),
        ("tempos_in_songs",), (-0.09, -0.06, -0.03, 0.03, 0.06, 0.09), 8.0, False,
    ),
    "schedules": Experiment(
        "notes", scoring.note_shares, scoring.note_energies, ("pitch class, single notes",),
        seconds=12.0, probed=False,
    ),
    "pairs": Experiment(
        "notes", scoring.note_shares, scoring.note_energies, ("pitch class, single notes",),
        probed=False,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Section:
    """One table of a report.

    Attributes:
        twin: label of the cell that every other is compared with; clips are the same ones.
        twins: cells that have another twin than the others.
    """

    title: str
    about: str
    cells: tuple[Cell, ...]
    twin: str = TWIN
    twins: Mapping[str, str] | None = None


def unsteered() -> Cell:
    return Cell(TWIN)


def search(experiment: Experiment, methods: Sequence[str]) -> list[Section]:
    """What is tried on validation: every method, on every family of banks, at every strength."""
    sections = []
    for family in (experiment.family, *experiment.rivals):
        cells = [unsteered()]
        for method in methods:
            for strength in experiment.grid:
                steer = Steer(f"{family}/{method}", strength)
                cells.append(Cell(f"{method} {strength:g}", (steer,)))
        about = f"Directions from the {family} bank, added after every block of both guidance rows."
        sections.append(Section(f"Strengths, {family}", about, tuple(cells)))
    return sections


LEVERS: dict[str, dict[str, Any]] = {
    "conditional rows only": {"rows": "conditional"},
    "unconditional rows only": {"rows": "unconditional"},
    "gate 0.3": {"gate": 0.3},
    "pulses of half a second": {"schedule": {"shape": "pulse", "period": 1.0, "width": 0.5}},
    "keeping the norm": {"operator": "add_keeping_norm"},
}
"""Ways of spending the same push: each is tried at strengths that make up for what it leaves out."""

FACTORS = (1.0, 1.5, 2.0, 3.0)


def levers(best: Steer, layers: int) -> Section:
    """The best of the strengths, spent in other ways: what keeps the music alive."""
    half = max(1, layers // 2)
    parts: dict[str, dict[str, Any]] = {
        "the better half of the layers": {"weighting": "top", "k": half},
        "the first half of the layers": {"weighting": "only", "layers": list(range(half))},
        "the last half of the layers": {
            "weighting": "only",
            "layers": list(range(layers - half, layers)),
        },
    }
    ways = LEVERS | {name: {"layers": weights} for name, weights in parts.items()}
    cells = [unsteered(), Cell("as it is", (best,))]
    for name, change in ways.items():
        for factor in FACTORS:
            pushed = replace(best, coefficient=best.coefficient * factor, **change)
            cells.append(Cell(f"{name}, {pushed.coefficient:.3g}", (pushed,)))
    about = "The best strength, spent on fewer layers, steps or rows, and more of it."
    return Section("Levers", about, tuple(cells))


def controls(best: Steer, shuffled: str) -> Section:
    """The chosen steering beside all that should not work, and beside asking in words."""
    cells = (
        unsteered(),
        Cell("unsteered, other seeds", first_seed=500_000),
        Cell("prompt alone", wording="named"),
        Cell("steered", (best,)),
        Cell("random direction", (replace(best, control="random"),)),
        Cell("orthogonal direction", (replace(best, control="orthogonal"),)),
        Cell("flipped sign", (replace(best, coefficient=-best.coefficient),)),
        Cell("shuffled labels", (replace(best, bank=shuffled),)),
        Cell(CONTRADICTED, wording="contradicting"),
        Cell("steered, contradicting prompt", (best,), "contradicting"),
    )
    about = (
        "Prompt alone asks for the target in words; a contradicting prompt asks for another "
        "concept than the one that is steered to."
    )
    return Section("Controls", about, cells, twins={"steered, contradicting prompt": CONTRADICTED})


MULTIPLES = (0.5, 0.75, 1.0, 1.5, 2.0)


def methods_side_by_side(chosen: Mapping[str, Steer]) -> Section:
    """The whole trade-off of every method, around the strength that validation chose for it."""
    cells = [unsteered()]
    for method, steer in chosen.items():
        for multiple in MULTIPLES:
            pushed = replace(steer, coefficient=steer.coefficient * multiple)
            cells.append(Cell(f"{method} {pushed.coefficient:.3g}", (pushed,)))
    about = "Each method at half to twice the strength that validation chose for it."
    return Section("Methods", about, tuple(cells))


def layer_ablation(best: Steer, layers: int) -> Section:
    """The chosen steering on some of the layers, each at the strength of all."""
    weightings: dict[str, dict[str, Any]] = {
        f"the {k} best": {"weighting": "top", "k": k}
        for k in sorted({max(1, layers * part // 8) for part in (1, 2, 4, 6)})
    }
    weightings |= {
        "all": {"weighting": "all"},
        "linear": {"weighting": "linear"},
        "exponential": {"weighting": "exponential"},
    }
    cells = [unsteered()]
    cells += [Cell(name, (replace(best, layers=w),)) for name, w in weightings.items()]
    return Section("Layers", "Weights by the layers' validation scores.", tuple(cells))


def gate_ablation(best: Steer) -> Section:
    """The chosen steering on some of the steps."""
    cells = [unsteered()]
    cells += [Cell(f"gate {p:g}", (replace(best, gate=p),)) for p in (0.15, 0.3, 0.45, 0.6, 1.0)]
    return Section("Gates", "Chance that a step is steered, one draw for all layers.", tuple(cells))


FUSION = 0.7
"""Share of its own strength that each of two concepts gets when both are steered."""


def fusion(best: Steer, orthogonal_too: bool = True) -> Section:
    """Two concepts of one family at once."""
    both = tuple(
        replace(best, coefficient=best.coefficient * FUSION, target=target) for target in (0, 1)
    )
    cells = [
        unsteered(),
        Cell("the first alone", (best,)),
        Cell("the second alone", (replace(best, target=1),)),
        Cell("both", both),
    ]
    if orthogonal_too:
        cells.append(Cell("both, orthogonalised", both, orthogonalise=True))
    about = f"Each of two at {FUSION:g} of its own strength; see the shares of both below."
    return Section("Two at once", about, tuple(cells))
