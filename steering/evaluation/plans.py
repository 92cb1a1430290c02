"""From a cell to each clip's plan."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from curation.spec import seed_for
from steering.decoding.clip import Clip
from steering.directions.bank import Bank
from steering.directions.direction import Direction, without
from steering.evaluation.asks import Ask
from steering.evaluation.cells import Cell, Setting, Steer
from steering.interventions.gate import Gate
from steering.interventions.intervention import Intervention
from steering.interventions.layers import LayerWeights
from steering.interventions.monitor import Monitor
from steering.interventions.plan import compile_plan
from steering.interventions.schedules import Schedule
from steering.rivals import Wanted


def clips(cell: Cell, setting: Setting, banks: Mapping[str, Bank], frame_rate: float) -> list[Clip]:
    """Every clip of a cell, with its own target's plan."""
    made = []
    for ask in setting.asks:
        plan = None
        if cell.steers:
            interventions = [intervention(s, ask, banks[s.bank]) for s in cell.steers]
            plan = compile_plan(interventions, setting.seconds, frame_rate, cell.orthogonalise)
            plan = plan.at_sites([steer.site for steer in cell.steers])
        made.append(Clip(ask.text[cell.wording], ask.seed + cell.first_seed, plan))
    return made


def wanted(cell: Cell, setting: Setting) -> list[Wanted]:
    """Every clip of a rival's cell."""
    return [
        Wanted(ask.text["plain"], ask.text["named"], ask.targets[0], ask.seed + cell.first_seed)
        for ask in setting.asks
    ]


def intervention(steer: Steer, ask: Ask, bank: Bank) -> Intervention:
    """One concept of one clip."""
    target = ask.targets[steer.target]
    concept = direction = bank[target] if len(bank) > 1 else next(iter(bank.values()))
    if steer.control:
        drawn = ask.seed if steer.draw is None else f"draw {steer.draw}"
        direction = control(steer.control, concept, bank, drawn)
    return Intervention(
        direction,
        steer.coefficient,
        steer.unit,
        schedule=Schedule.from_record(steer.schedule),
        layers=LayerWeights.from_record(steer.layers),
        gate=Gate(steer.gate, seed=ask.seed),
        operator=steer.operator,
        rows=steer.rows,  # type: ignore[arg-type]
        monitor=None if steer.monitor is None else Monitor(**steer.monitor),
        heard=concept,
    )


def control(kind: str, direction: Direction, bank: Bank, seed: int | str) -> Direction:
    """A direction that stands for no concept, of the same length and layer scores as the concept's."""
    if kind == "flipped":
        return direction.like(-direction.vectors)
    generator = torch.Generator().manual_seed(seed_for("control", kind, seed))
    drawn = torch.randn(direction.vectors.shape, generator=generator)
    if kind == "orthogonal":
        drawn = without(drawn, [other.vectors for other in bank.values()])
    return direction.like(drawn)
