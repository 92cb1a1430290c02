"""What every way of playing steered clips must keep, whatever it runs on: a suite for any decoder.

    from steering.contract import PROMISES, broken
    broken(model, play)        # the promises that a player breaks, by name; empty where it keeps all

A player is a function of clips and seconds to codes, ``play(clips, seconds) -> [B, K, T]``, which plays the
clips beside one another, as a batch or one after the other in slots. Steering that breaks one of these is heard
by somebody who never asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from steering.decoding.clip import Clip
from steering.directions.direction import Direction
from steering.interventions.intervention import Intervention
from steering.interventions.plan import Plan, compile_plan
from steering.models.interface import MusicModel

Play = Callable[[Sequence[Clip], float], Tensor]

PROMPT, OTHER = "calm jazz with a flute", "loud rock"
STRONG = 1.0
"""Of a random direction, in units of the stream's own length: heard for certain."""


@dataclass(frozen=True)
class Contract:
    """A player and what it is tried with.

    Args:
        exact: whether a row is promised to be, code by code, what it is alone; else it is held against
            the same row beside other music, which no rounding excuses.
        norm: how long the model's stream is at every layer.
    """

    model: MusicModel
    play: Play
    seconds: float = 0.5
    exact: bool = True
    norm: float = 100.0

    def pushed(self, coefficient: float, seed: int = 0) -> Plan:
        """A random direction at every layer, by a coefficient."""
        origin = self.model.origin
        generator = torch.Generator().manual_seed(seed)
        vectors = torch.randn(origin.layers, origin.size, generator=generator)
        one = Direction("random", vectors, torch.ones(origin.layers), origin).unit()
        one = replace(one, norms=torch.full((origin.layers,), self.norm))
        rate = self.model.frame_rate
        return compile_plan([Intervention(one, coefficient)], self.seconds, rate)

    def heard(self, *clips: Clip) -> Tensor:
        """The codes of clips that are played beside one another."""
        return self.play(clips, self.seconds)


def scale_0_changes_nothing(trial: Contract) -> bool:
    """A coefficient of 0 gives the very codes of a clip without a plan."""
    resting, plain = Clip(PROMPT, 1, trial.pushed(0.0)), Clip(PROMPT, 1)
    return _same(trial.heard(resting), trial.heard(plain))


def steering_is_heard(trial: Contract) -> bool:
    """A strong push gives other codes: without this one all other promises are cheap."""
    return not _same(
        trial.heard(Clip(PROMPT, 1, trial.pushed(STRONG))), trial.heard(Clip(PROMPT, 1))
    )


def removal_restores(trial: Contract) -> bool:
    """After a steered clip an unsteered one is what it was before."""
    before = trial.heard(Clip(PROMPT, 1))
    trial.heard(Clip(PROMPT, 1, trial.pushed(STRONG)))
    return _same(trial.heard(Clip(PROMPT, 1)), before)


def no_row_hears_another(trial: Contract) -> bool:
    """A clip is the same whoever plays beside it, and however that one is steered."""
    mine = Clip(PROMPT, 1, trial.pushed(STRONG / 2))
    quiet, loud = Clip(PROMPT, 2), Clip(PROMPT, 3, trial.pushed(STRONG, seed=1))
    beside = [trial.heard(mine, other)[:1] for other in (quiet, loud)]
    alone = trial.heard(mine) if trial.exact else beside[0]
    return _same(*beside) and _same(beside[0], alone)


def order_does_not_matter(trial: Contract) -> bool:
    """Clips in another order are the same clips."""
    clips = [Clip(PROMPT, 1), Clip(PROMPT, 2, trial.pushed(STRONG)), Clip(PROMPT, 3)]
    return _same(trial.heard(*clips[::-1]).flip(0), trial.heard(*clips))


def a_prompt_is_its_own(trial: Contract) -> bool:
    """A clip is the same beside a clip of another prompt, of another length in words."""
    if not trial.exact:
        return True
    mine = Clip(PROMPT, 1)
    return _same(trial.heard(mine, Clip(OTHER, 2))[:1], trial.heard(mine))


def a_seed_is_a_seed(trial: Contract) -> bool:
    """The same seed gives the same codes, twice and in any place; another gives others."""
    one, two = (
        trial.heard(Clip(PROMPT, 1), Clip(PROMPT, 2)),
        trial.heard(Clip(PROMPT, 2), Clip(PROMPT, 1)),
    )
    return _same(one, two.flip(0)) and not _same(one[:1], one[1:])


Promise = Callable[[Contract], bool]
PROMISES: dict[str, Promise] = {
    one.__name__: one
    for one in (
        scale_0_changes_nothing,
        steering_is_heard,
        removal_restores,
        no_row_hears_another,
        order_does_not_matter,
        a_prompt_is_its_own,
        a_seed_is_a_seed,
    )
}
"""By name; each says in a line what is promised."""


def broken(model: MusicModel, play: Play, **settings: float | bool) -> list[str]:
    """The promises that a player breaks.

    Args:
        settings: of `Contract`: seconds, exact, norm.
    """
    trial = Contract(model, play, **settings)  # type: ignore[arg-type]
    return [name for name, promise in PROMISES.items() if not promise(trial)]


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.equal(one.cpu(), other.cpu())
