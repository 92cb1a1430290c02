"""What is tried: which rows stand in which tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from steering.directions.bank_name import BankName
from steering.evaluation.cells import Cell, Steer, Together
from steering.families.family import PULSES, Experiment
from steering.finders import finders
from steering.finders.ways import suits
from steering.interventions.monitor import Monitor
from steering.rivals import rivals

if TYPE_CHECKING:
    from steering.evaluation.tables import Row

MONITOR: Mapping[str, float] = asdict(Monitor())
TWIN, CONTRADICTED = "unsteered", "unsteered, contradicting prompt"
SHUFFLED = "-shuffled"
"""Ends the names of banks whose labels were dealt out anew."""


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

    def twin_of(self, label: str) -> str:
        """Label of the cell that one is compared with."""
        return (self.twins or {}).get(label, self.twin)


def unsteered() -> Cell:
    return Cell(TWIN)


IN_PULSES = " in pulses"
"""Ends the labels of cells whose push comes and goes."""

FOLLOWING = " by itself"
"""Ends the labels of cells whose strength sets itself."""


def at_work(cell: Cell) -> str:
    """A cell's label by what is done in it alone."""
    if cell.rival:
        known = rivals().get(cell.rival)
        return f"{known.word if known else cell.rival} {cell.amount:g}"
    return pushed(cell.steers[0]) if len(cell.steers) == 1 else TWIN


def pushed(steer: Steer) -> str:
    """A cell's label: the method, how strong, and whether in pulses or by itself."""
    method = BankName.parse(steer.bank).method
    pulses, following = IN_PULSES if steer.schedule else "", FOLLOWING if steer.monitor else ""
    return f"{method} {steer.coefficient:g}{pulses}{following}"


def how_much(cell: Cell) -> float:
    """Of a rival, or how strong the first push is."""
    return cell.amount if cell.rival else cell.steers[0].coefficient


def curve_of(cell: Cell) -> str:
    """The label without the strength: which trade-off a cell lies on."""
    return at_work(cell).replace(f" {how_much(cell):g}", "")


def curves(found: Sequence[tuple[Section, Sequence[Row]]]) -> dict[str, list[Row]]:
    """Rows of one concept steered to as it is meant, by method and rival, from weak to strong."""
    by_curve: dict[str, dict[float, Row]] = {}
    for section, rows in found:
        for cell, row in zip(section.cells, rows, strict=True):
            if cell.label != TWIN and cell.label == at_work(cell):
                by_curve.setdefault(curve_of(cell), {})[how_much(cell)] = row
    return {
        curve: [rows[strength] for strength in sorted(rows)] for curve, rows in by_curve.items()
    }


def search(sources: Sequence[str], experiment: Experiment, methods: Sequence[str]) -> list[Section]:
    """What is tried on validation: every method, on every family of banks, at every strength.

    What is no probe is tried on the last family alone, and in no pulses: it takes minutes to find.
    """
    sections = []
    for source in sources:
        cells = [unsteered()]
        for method in methods:
            if not suits(source, method) or (method in finders() and source != sources[-1]):
                continue
            bank = str(BankName(source, method))
            steers = [Steer(bank, strength) for strength in experiment.grid]
            if method not in finders():
                steers += [Steer(bank, strength, schedule=PULSES) for strength in experiment.pulsed]
            steers += [Steer(bank, strength, monitor=MONITOR) for strength in experiment.monitored]
            cells += [Cell(pushed(steer), (steer,)) for steer in steers]
        about = (
            f"Directions from the {source} bank, added after every block of both guidance rows; by "
            "itself: at most so strong, less while the concept is heard (`Monitor`)."
        )
        sections.append(Section(f"Strengths, {source}", about, tuple(cells)))
    return sections


def beside_pushes(amounts: Mapping[str, Sequence[float]]) -> Section:
    """Rivals by themselves, each at some amounts."""
    cells = [
        Cell("", rival=name, amount=amount) for name, some in amounts.items() for amount in some
    ]
    about = "Other ways to the same concepts, on the same prompts and seeds, at work all the time."
    named = tuple(replace(cell, label=at_work(cell)) for cell in cells)
    return Section("Rivals", about, (unsteered(), *named))


BEST_OF = (1, 2, 4, 8)
"""Clips of a prompt that asks in words, of which the judge takes the best."""
TAKES_APART = 10_000
"""Seeds between two takes of a clip."""


def takes() -> Section:
    """Asking in words, as often as the most is of `BEST_OF`."""
    cells = tuple(
        Cell(f"take {take}", wording="named", first_seed=take * TAKES_APART)
        for take in range(max(BEST_OF))
    )
    return Section("Takes", "", (unsteered(), *cells))


LEVERS: dict[str, tuple[dict[str, Any], tuple[float, ...]]] = {
    "conditional rows only": ({"rows": "conditional"}, (0.33, 0.5, 1.0)),
    "unconditional rows only": ({"rows": "unconditional"}, (1.0,)),
    "gate 0.3": ({"gate": 0.3}, (1.5, 3.0)),
    "keeping the norm": ({"operator": "add_keeping_norm"}, (0.75, 1.0)),
    "pulses of 0.6 s": ({"schedule": {"shape": "pulse", "period": 1.0, "width": 0.6}}, (1.0, 1.5)),
    "pulses of 0.3 s": ({"schedule": {"shape": "pulse", "period": 0.5, "width": 0.3}}, (1.0, 1.5)),
}
"""Ways of spending a push, each at factors of its strength that make up for what it leaves out."""

OF_HALF_THE_LAYERS = (1.0, 1.5, 2.0)


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
    ways = LEVERS | {
        name: ({"layers": weights}, OF_HALF_THE_LAYERS) for name, weights in parts.items()
    }
    cells = [unsteered(), Cell("as it is", (best,))]
    for name, (change, factors) in ways.items():
        for factor in factors:
            spent = replace(best, coefficient=best.coefficient * factor, **change)
            cells.append(Cell(f"{name}, {spent.coefficient:.3g}", (spent,)))
    about = "The best strength, spent on fewer layers, steps or rows, and more of it."
    return Section("Levers", about, tuple(cells))


def flipped(best: Steer) -> Steer:
    """The same push the other way."""
    if best.monitor:
        return replace(best, control="flipped")
    return replace(best, coefficient=-best.coefficient)


def controls(best: Steer, shuffled: str) -> Section:
    """The chosen steering beside all that should not work, and beside asking in words."""
    cells = (
        unsteered(),
        Cell("unsteered, other seeds", first_seed=500_000),
        Cell("prompt alone", wording="named"),
        Cell("steered", (best,)),
        Cell("random direction", (replace(best, control="random"),)),
        Cell("orthogonal direction", (replace(best, control="orthogonal"),)),
        Cell("flipped sign", (flipped(best),)),
        Cell("shuffled labels", (replace(best, bank=shuffled),)),
        Cell(CONTRADICTED, wording="contradicting"),
        Cell("steered, contradicting prompt", (best,), "contradicting"),
    )
    about = (
        "Prompt alone asks for the target in words; a contradicting prompt asks for another "
        "concept than the one that is steered to."
    )
    return Section("Controls", about, cells, twins={"steered, contradicting prompt": CONTRADICTED})


MULTIPLES = (0.5, 0.75, 1.0, 1.5)


def rising_controls(best: Steer, shuffled: str) -> Section:
    """The chosen steering and each of its controls, from half to one and a half of the strength."""
    kinds = {
        "steered": best,
        "random direction": replace(best, control="random"),
        "orthogonal direction": replace(best, control="orthogonal"),
        "flipped sign": flipped(best),
        "shuffled labels": replace(best, bank=shuffled),
    }
    cells = [unsteered()]
    for kind, steer in kinds.items():
        for multiple in MULTIPLES:
            other = replace(steer, coefficient=steer.coefficient * multiple)
            cells.append(Cell(f"{kind}, {other.coefficient:g}", (other,)))
    about = "Do controls begin to hit where they are pushed harder?"
    return Section("Controls at rising strength", about, tuple(cells))


def methods_side_by_side(chosen: Mapping[str, Steer]) -> Section:
    """The whole trade-off of every method, around the strength that validation chose for it."""
    cells = [unsteered()]
    for steer in chosen.values():
        for multiple in MULTIPLES:
            other = replace(steer, coefficient=steer.coefficient * multiple)
            cells.append(Cell(pushed(other), (other,)))
    about = "Each method at half to one and a half times the strength that validation chose for it."
    return Section("Methods", about, tuple(cells))


def ways_in_time(best: Steer) -> Section:
    """The best method's trade-off with a push that never pauses, one in pulses, one that sets itself."""
    fixed, itself = ((0.25, 0.5, 0.75, 1.0), MULTIPLES) if best.monitor else (MULTIPLES, (1, 2, 3))
    ways: tuple[tuple[dict[str, Any], Sequence[float]], ...] = (
        ({"schedule": {}, "monitor": None}, fixed),
        ({"schedule": PULSES, "monitor": None}, MULTIPLES),
        ({"schedule": {}, "monitor": MONITOR}, itself),
    )
    cells = [unsteered()]
    for way, multiples in ways:
        for multiple in multiples:
            other = replace(best, coefficient=best.coefficient * multiple, **way)
            cells.append(Cell(pushed(other), (other,)))
    about = (
        "The chosen directions all the time, for 1.2 s of every 2 s, and by themselves: less while the "
        "concept is heard."
    )
    return Section("Steady, in pulses, by itself", about, tuple(cells))


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


TOGETHER = (0.7, 1.0, 1.5, 2.0)
"""Of its own strength that each of two concepts gets when both are steered, as validation tries it."""

CLAMPED = 0.06
"""To how far beyond the middle two concepts are clamped: the most of three that were tried on validation."""


def _clamped(steer: Steer) -> Steer:
    return replace(steer, operator="clamp", coefficient=CLAMPED, schedule={}, monitor=None)


def both(best: Steer, together: Together) -> Cell:
    """Two concepts of one family pushed at once."""
    steers = tuple(
        replace(best, coefficient=best.coefficient * together.multiple, target=target)
        for target in (0, 1)
    )
    label = f"both, each at {together.multiple:g}"
    if together.orthogonalise:
        label += ", orthogonalised"
    return Cell(label, steers, orthogonalise=together.orthogonalise)


def togethers() -> list[Together]:
    """Ways to push two at once that validation tries."""
    return [Together(multiple, parted) for multiple in TOGETHER for parted in (False, True)]


def search_together(best: Steer) -> Section:
    """Two at once on validation."""
    about = "Each of two at so many times its own strength; see the shares of both below."
    cells = [both(best, together) for together in togethers()]
    return Section("Two at once", about, (unsteered(), *cells))


TURNS: dict[str, Any] = {"shape": "pulse", "period": 2.0, "width": 1.0}


def fusion(best: Steer, together: Together) -> Section:
    """Two concepts of one family at once, as validation chose it and in other ways."""
    turns = tuple(
        replace(best, target=target, schedule=TURNS | {"start": float(target)}) for target in (0, 1)
    )
    clamped = tuple(_clamped(replace(best, target=target)) for target in (0, 1))
    chosen = both(best, together)
    plain = [both(best, Together(1.0, parted)) for parted in (False, True)]
    cells = (
        unsteered(),
        Cell("the first alone", (best,)),
        Cell("the second alone", (replace(best, target=1),)),
        chosen,
        *(cell for cell in plain if cell.label != chosen.label),
        Cell("taking turns", turns),
        Cell("both, clamped one after the other", clamped),
        Cell("both, clamped together", clamped, orthogonalise=True),
    )
    about = (
        f"Validation chose '{chosen.label}': of the strength that one alone is given. Taking turns: all of "
        f"it, a second each. Clamped: to {CLAMPED:g} beyond where their probes are undecided, all the "
        "time. See the shares of both below."
    )
    return Section("Two at once", about, cells)
