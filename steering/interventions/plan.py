"""A plan: several interventions as plain tensors that any decoder can run.

One level per step, concept and layer, one vector per concept and layer, and one gain per concept,
which is what moves while a clip plays.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from curation.errors import BadInput
from steering.directions.direction import unit
from steering.interventions.apart import apart
from steering.interventions.intervention import Intervention
from steering.interventions.monitor import Ear
from steering.interventions.operators import READING
from steering.models.origin import SITE, Origin
from steering.models.sites import SITES, Site


@dataclass(frozen=True)
class Move:
    """From ``step`` on, the concept at this place in the plan has this coefficient.

    Raises:
        BadInput: the concept or the step is below 0, or the coefficient is not finite.
    """

    step: int
    concept: int
    coefficient: float

    def __post_init__(self) -> None:
        if self.step < 0 or self.concept < 0:
            raise BadInput(f"a move of concept {self.concept} at step {self.step}: count from 0")
        if not np.isfinite(self.coefficient):
            raise BadInput(f"a move to the coefficient {self.coefficient}: give a number")


class Faders:
    """Where the coefficient of each concept stands at every step: where it begins, and its moves.

    A move costs the same however many there were. Of several of a concept at one step the last
    counts, and only that one is kept.

    Args:
        gains: float32 ``[M]``: the coefficients that the clip begins with.
    """

    def __init__(self, gains: Tensor, moves: Iterable[Move] = ()) -> None:
        self._gains = gains
        self._kept: dict[tuple[int, int], Move] = {}
        self._steps: list[list[int]] = [[] for _ in range(len(gains))]
        for move in sorted(moves, key=lambda move: move.step):
            self.move(move)

    def __len__(self) -> int:
        """How many moves are kept."""
        return len(self._kept)

    @property
    def concepts(self) -> int:
        return len(self._steps)

    @property
    def moves(self) -> tuple[Move, ...]:
        """In the order of their steps."""
        return tuple(sorted(self._kept.values(), key=lambda move: move.step))

    def move(self, move: Move) -> None:
        """Take a move in, at whichever step.

        Raises:
            BadInput: there is no such concept.
        """
        if move.concept >= len(self._steps):
            raise BadInput(
                f"there is no concept {move.concept} to move: the plan has {len(self._steps)}, "
                "counted from 0"
            )
        steps, place = self._steps[move.concept], (move.step, move.concept)
        if place not in self._kept:
            steps.insert(bisect_right(steps, move.step), move.step)
        self._kept[place] = move

    def grow(self, gains: Tensor) -> None:
        """More concepts, after those that are there: float32 ``[N]``, where they have stood all along."""
        self._gains = torch.cat([self._gains, gains])
        self._steps += [[] for _ in gains]

    def forget(self, step: int) -> None:
        """Let go of what was before a step: from there on the coefficients are what they were."""
        self._gains = self.between(step, 1)[0]
        for concept, steps in enumerate(self._steps):
            gone = bisect_right(steps, step)
            for one in steps[:gone]:
                del self._kept[one, concept]
            del steps[:gone]

    def at(self, step: int, concept: int) -> float:
        """A coefficient at a step, rounded to float32 as it is applied."""
        steps = self._steps[concept]
        place = bisect_right(steps, step)
        if place == 0:
            return float(self._gains[concept])
        return float(np.float32(self._kept[steps[place - 1], concept].coefficient))

    def between(self, first: int, count: int) -> Tensor:
        """The coefficients at ``count`` steps from ``first`` on: float32 ``[count, M]``."""
        gains = self._gains.expand(count, -1).clone()
        for concept, steps in enumerate(self._steps):
            begins = max(0, bisect_right(steps, first) - 1)
            for step in steps[begins : bisect_left(steps, first + count)]:
                gains[max(0, step - first) :, concept] = self._kept[step, concept].coefficient
        return gains


@dataclass(frozen=True)
class Lasting:
    """Levels of concepts in a clip that goes on until it is stopped, worked out as they are needed.

    They are those of `compile_plan` for a clip of any length, as far as that goes.
    """

    interventions: tuple[Intervention, ...]
    frame_rate: float
    orthogonalise: bool
    seed: int

    def between(self, first: int, count: int) -> Tensor:
        """At ``count`` steps from ``first`` on: float32 ``[count, M, L]``."""
        times = np.arange(first, first + count) / self.frame_rate
        return _levels(self.interventions, times, math.inf, self.seed, first)


@dataclass(frozen=True)
class Plan:
    """Interventions as tensors, for ``S`` steps, ``M`` concepts, ``L`` layers of size ``D``.

    What is applied is always the product ``levels * gain`` in float32, so that a coefficient that
    was moved while the clip played and the same one in a recipe give the very same numbers.

    Attributes:
        levels: float32 ``[S, M, L]``: schedule, gate, layer weight and unit multiplied out; of no step
            in a clip that goes on until it is stopped, of which ``lasting`` has them.
        gains: float32 ``[M]``: the coefficients that the clip begins with.
        vectors: float32 ``[M, L, D]``, of length 1.
        operators: one name per concept.
        rows: bool ``[M, 2]``: whether conditional and unconditional rows are steered.
        origin: the model that the vectors belong to; None for no concept at all.
        names: of the concepts.
        moves: later coefficients, in the order of their steps; one a step and concept at most.
        ears: for each concept what its strength follows, None where it follows nothing; empty where
            none does.
        frame_rate: steps a second.
        evens: float32 ``[M, L]``: where the concepts' probes are undecided; None where none reads.
        written: float32 ``[M, L, D]``: what concepts move the stream along; None for all that are along the
            vectors that they read.
        sites: where in a block each concept is added; empty where all are after it. Inside the blocks
            `steering.decoding.reference` alone can push.
    """

    levels: Tensor
    gains: Tensor
    vectors: Tensor
    operators: tuple[str, ...]
    rows: Tensor
    origin: Origin | None = None
    names: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    lasting: Lasting | None = None
    ears: tuple[Ear | None, ...] = ()
    frame_rate: float = 50.0
    evens: Tensor | None = None
    written: Tensor | None = None
    sites: tuple[Site, ...] = ()

    @property
    def along(self) -> Tensor:
        """What each concept moves the stream along: ``[M, L, D]``."""
        return self.vectors if self.written is None else self.written

    @property
    def midpoints(self) -> Tensor:
        """Evens ``[M, L]``, 0 where no operator reads."""
        return torch.zeros(self.vectors.shape[:2]) if self.evens is None else self.evens

    @property
    def concepts(self) -> int:
        return len(self.operators)

    @property
    def steps(self) -> int:
        return int(self.levels.shape[0])

    @property
    def coefficients(self) -> Tensor:
        """What is applied: float32 ``[S, M, L]``."""
        return self.between(0, self.steps)

    def at_sites(self, sites: Sequence[Site]) -> Plan:
        """The plan with each concept at a site of its own; nothing changes where all are after the block.

        Raises:
            BadInput: there is no such site, not one for each concept, or a concept is not added: what
                a sublayer gives is not the stream, which other operators read.
        """
        if len(sites) != self.concepts or not set(sites) <= set(SITES):
            raise BadInput(f"sites {', '.join(sites)}: give each concept one of {', '.join(SITES)}")
        if all(site == SITE for site in sites):
            return replace(self, sites=())
        if any(operator != "add" for operator in self.operators):
            raise BadInput("inside a block concepts can be added only: leave out the operator")
        return replace(self, sites=tuple(sites))

    def site_of(self, concept: int) -> Site:
        """Where in a block the concept at this place is pushed."""
        return self.sites[concept] if self.sites else SITE

    def moved(self, *moves: Move) -> Plan:
        """The plan with more moves; of two at one step the later given one counts.

        Raises:
            BadInput: the plan lacks the concept of a move.
        """
        return replace(self, moves=Faders(self.gains, (*self.moves, *moves)).moves)

    def joined_by(self, one: Intervention) -> Plan:
        """The plan with one more concept after the others.

        Raises:
            BadInput: the clip has a set length, the concept is of another model, or it would change
                how those that are there are kept apart from one another.
        """
        known = self.lasting
        if known is None:
            raise BadInput("a clip of a set length keeps its concepts: give it no end to add some")
        reading = [other.operator in READING for other in (one, *known.interventions)]
        if known.orthogonalise and reading[0] and any(reading[1:]):
            raise BadInput(
                f"{one.direction.name} cannot join concepts that are kept apart by {one.operator}: "
                "name it when the clip begins, or do not orthogonalise"
            )
        more = (*known.interventions, one)
        plan = compile_plan(more, math.inf, known.frame_rate, known.orthogonalise, known.seed)
        return replace(plan, moves=self.moves)

    def faders(self) -> Faders:
        """The coefficients with the moves so far, to be moved on while the clip plays."""
        return Faders(self.gains, self.moves)

    def gains_between(self, first: int, count: int) -> Tensor:
        """The coefficients at ``count`` steps from ``first`` on: float32 ``[count, M]``."""
        return self._faders.between(first, count)

    def between(self, first: int, count: int, faders: Faders | None = None) -> Tensor:
        """What is applied at these steps: float32 ``[count, M, L]``; past its end, nothing.

        Args:
            faders: of the clip that plays, where they have moved on since.
        """
        if self.lasting is None:
            levels = self.levels[first : first + count]
        else:
            levels = self.lasting.between(first, count)
        gains = (self._faders if faders is None else faders).between(first, len(levels))
        applied = levels * gains[:, :, None].to(levels.device)
        return torch.nn.functional.pad(applied, (0, 0, 0, 0, 0, count - len(levels)))

    def at(self, step: int) -> Tensor:
        """What is applied at a step: ``[M, L]``."""
        return self.between(step, 1)[0]

    @cached_property
    def _faders(self) -> Faders:
        return self.faders()

    def to(self, like: Tensor) -> Plan:
        """The plan where ``like`` is and in its dtype; levels and gains stay float32 on the CPU."""
        written = None if self.written is None else self.written.to(like)
        return replace(self, vectors=self.vectors.to(like), written=written)


def empty_plan(layers: int, size: int) -> Plan:
    """The plan that changes nothing."""
    return Plan(
        torch.zeros(1, 0, layers),
        torch.zeros(0),
        torch.zeros(0, layers, size),
        (),
        torch.zeros(0, 2) > 0,
    )


def compile_plan(
    interventions: Sequence[Intervention],
    seconds: float,
    frame_rate: float = 50.0,
    orthogonalise: bool = False,
    seed: int = 0,
) -> Plan:
    """Interventions as tensors.

    Args:
        seconds: length of the clip, infinite for one that goes on until it is stopped; a step lasts
            ``1 / frame_rate``.
        orthogonalise: let no concept move another: `apart` says how. Of what is added, what it shares
            with the concepts before it in the list is taken out; concepts that go by their probes, as
            ``clamp`` does, reach their targets together, whichever comes first.
        seed: the clip's, which gates without a seed of their own draw from.

    Raises:
        BadInput: there is none, they were made for different models, a schedule makes no sense, or
            concepts that are to be kept apart are nearly one.
    """
    if not interventions:
        raise BadInput("no concept to steer with: give at least one, or generate without a plan")
    origin = interventions[0].direction.origin
    for other in interventions[1:]:
        origin.check(other.direction.origin, other.direction.name)
    lasting, written = None, None
    if math.isinf(seconds):
        lasting = Lasting(tuple(interventions), frame_rate, orthogonalise, seed)
        levels = lasting.between(0, 0)
    else:
        times = np.arange(max(1, round(seconds * frame_rate))) / frame_rate
        levels = _levels(interventions, times, seconds, seed)
    if orthogonalise:
        vectors, written = apart(interventions)
    else:
        vectors = torch.stack([unit(one.direction.vectors) for one in interventions]).float()
    return Plan(
        levels,
        torch.tensor([one.coefficient for one in interventions], dtype=torch.float32),
        vectors,
        tuple(one.operator for one in interventions),
        torch.tensor([one.guidance_rows for one in interventions]),
        origin,
        tuple(one.direction.name for one in interventions),
        lasting=lasting,
        ears=_ears(interventions),
        frame_rate=frame_rate,
        evens=_evens(interventions),
        written=written,
    )


def _levels(
    interventions: Sequence[Intervention],
    times: np.ndarray,
    seconds: float,
    seed: int,
    first: int = 0,
) -> Tensor:
    """Schedule, gate, layer weight and unit at these times, the first of them step ``first``."""
    levels = [
        one.schedule.levels(times, seconds)[:, None]
        * one.gate.draws(len(times), one.direction.origin.layers, seed, first)
        * one.strengths()[None]
        for one in interventions
    ]
    return torch.from_numpy(np.stack(levels, axis=1)).float()


def _evens(interventions: Sequence[Intervention]) -> Tensor | None:
    """Where the probes of those that read are undecided ``[M, L]``; None where no operator reads."""
    if not any(one.operator in READING for one in interventions):
        return None
    return torch.stack([one.direction.even() for one in interventions])


def _ears(interventions: Sequence[Intervention]) -> tuple[Ear | None, ...]:
    """What each strength follows, at the first layer that its own concept is pushed at."""
    if not any(one.monitor for one in interventions):
        return ()
    return tuple(one.ear(int((one.strengths() != 0).argmax())) for one in interventions)
