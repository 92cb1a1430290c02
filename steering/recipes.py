"""Recipes: everything that a clip was made from, as JSON; the same recipe plays the same clip again.

A recipe names the banks that its concepts come from. Of those that come with the model it carries no
vectors, and of a taught one the whole where it is small: it is short enough to be sent in a link, and
reading it runs no code.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from curation.entries import Bound, WrongEntry, read_fields, unbounded, written
from curation.errors import BadInput
from curation.files import regular
from steering.decoding.sampling import Sampling
from steering.directions.bank import Bank
from steering.directions.carried import bank_of, check_carried
from steering.interventions.intervention import Intervention
from steering.interventions.plan import Move, Plan, compile_plan
from steering.interventions.record import InterventionRecord
from steering.models.interface import MusicModel

__all__ = ["Move", "Recipe"]

FORMAT = 1
MOST_CHARACTERS, MOST_SECONDS = 1_000_000, 3600.0
MOST_PROMPT, MOST_CONCEPTS, MOST_MOVES = 2000, 64, 20_000

DecoderName = Literal["fused", "hooks"]
DECODERS: tuple[DecoderName, ...] = get_args(DecoderName)
Banks = Callable[[str], Bank]


@dataclass(frozen=True)
class Recipe:
    """What one clip was made from: the one place that says which entries a recipe has.

    Attributes:
        model: name of the model; revision: fingerprint of its decoder's weights.
        prompt, seconds, seed, sampling: as `steering.decoding.clip.Clip` and `Sampling` have them.
        interventions: each names its concept and its bank.
        orthogonalise: as `compile_plan` has it.
        moves: coefficients that changed while the clip played.
        decoder: which of the two played it.
        device, dtype: that it was played on and in, as ``cuda`` and ``bfloat16``: noise and rounding
            differ from one to another; empty where it was not said.
        banks: what is kept of banks that do not come with the model, by name: their seals, and small
            taught ones whole, as `steering.directions.carried.carried` has it.

    Raises:
        BadInput: seconds, seed, prompt or the counts of concepts and moves are beyond their limits,
            an intervention names no bank, there is no such decoder, a move is of no concept, or too
            much or another thing than a taught bank is carried.
    """

    model: str
    revision: str
    prompt: str
    seconds: float
    seed: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    interventions: tuple[InterventionRecord, ...] = ()
    orthogonalise: bool = False
    moves: tuple[Move, ...] = ()
    decoder: DecoderName = "fused"
    device: str = ""
    dtype: str = ""
    banks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and 0 < self.seconds <= MOST_SECONDS):
            raise BadInput(
                f"the recipe's seconds are {self.seconds:g}: give more than 0 and at most "
                f"{MOST_SECONDS:g}"
            )
        if not -(2**63) <= self.seed < 2**63:
            raise BadInput("the recipe's seed does not fit into 64 bits: give a smaller one")
        if len(self.prompt) > MOST_PROMPT:
            raise BadInput(f"the recipe's prompt is longer than {MOST_PROMPT} characters: cut it")
        if len(self.interventions) > MOST_CONCEPTS or len(self.moves) > MOST_MOVES:
            raise BadInput(
                f"the recipe has more than {MOST_CONCEPTS} concepts or {MOST_MOVES} moves"
            )
        if not all(one.bank for one in self.interventions):
            raise BadInput("an intervention of the recipe names no bank: add its entry 'bank'")
        if self.decoder not in DECODERS:
            raise BadInput(f"no decoder {self.decoder!r:.40}: choose fused or hooks")
        for move in self.moves:
            if move.concept >= len(self.interventions):
                raise BadInput(
                    f"the recipe moves concept {move.concept}, but has {len(self.interventions)}: "
                    "they are counted from 0"
                )
        check_carried(self.banks)

    def record(self) -> dict[str, Any]:
        """As JSON keeps it: every entry, said or not; banks only where there are any."""
        said = {one.name: written(getattr(self, one.name)) for one in fields(self)}
        if not self.banks:
            del said["banks"]
        return {"format": FORMAT} | said

    @staticmethod
    def from_record(record: Any, bound: Bound = unbounded) -> Recipe:
        """What `record` kept; what is left out means what it meant when it was written.

        Args:
            bound: narrower limits than a recipe's own.

        Raises:
            WrongEntry: an entry is not of its type, unknown, or missing.
            BadInput: anything else is wrong with it.
        """
        if not isinstance(record, Mapping):
            raise WrongEntry((), record, "a JSON object")
        content = dict(record)
        if content.pop("format", None) != FORMAT:
            raise BadInput(f"the recipe is not of format {FORMAT}, the one that this code reads")
        return read_fields(Recipe, content, bound=bound)

    def to_json(self) -> str:
        """One JSON object, indented; `from_json` reads it."""
        return json.dumps(self.record(), indent=1, allow_nan=False)

    @staticmethod
    def from_json(text: str) -> Recipe:
        """The recipe in a text.

        Raises:
            WrongEntry: an entry is not of its type, unknown, or missing.
            BadInput: it is no JSON object, or anything else is wrong with it.
        """
        return Recipe.from_record(_parsed(text))

    def interventions_of(self, banks: Banks) -> tuple[Intervention, ...]:
        """The interventions, with vectors out of the banks that they name."""
        return tuple(Intervention.of(one, self.bank(one.bank, banks)) for one in self.interventions)

    def bank(self, name: str, banks: Banks) -> Bank:
        """The bank of this name: the one that the recipe carries, or else the one that is here.

        Raises:
            BadInput: it is damaged, not here, not the one that the recipe was played with, or one that
                the recipe carries is for another model.
        """
        found = bank_of(name, self.banks, banks)
        if self.revision and name in self.banks and found.origin.revision != self.revision:
            raise BadInput(
                f"the bank {name!r:.60} is for {found.origin.model:.60} ({found.origin.revision:.16}), "
                f"the recipe for {self.model:.60} ({self.revision:.16}): teach the concept to this model"
            )
        return found

    def check(self, banks: Banks, frame_rate: float = 50.0) -> None:
        """Refuse what could not be played with these banks, before anything is played.

        Raises:
            BadInput: a bank, concept, schedule or layer that is not there, or makes no sense.
        """
        times = np.arange(max(1, round(self.seconds * frame_rate))) / frame_rate
        with _readable():
            for one in self.interventions_of(banks):
                one.schedule.levels(times, self.seconds)
                one.strengths()

    def lasting(self) -> Recipe:
        """The recipe with schedules that go on past its end as `Schedule.lasting` has them."""
        return replace(
            self,
            interventions=tuple(
                replace(one, schedule=one.schedule.lasting(self.seconds))
                for one in self.interventions
            ),
        )

    def plan(
        self, banks: Banks, frame_rate: float = 50.0, seconds: float | None = None
    ) -> Plan | None:
        """What to do to the clip, the moves included; None for a clip that is left alone.

        Args:
            seconds: another length than the recipe's; infinite for a clip that goes on until it is stopped.

        Raises:
            BadInput: a bank, concept, schedule or layer is not there, or makes no sense.
        """
        interventions = self.interventions_of(banks)
        if not interventions:
            return None
        with _readable():
            compiled = compile_plan(
                interventions, seconds or self.seconds, frame_rate, self.orthogonalise, self.seed
            )
        return compiled.moved(*self.moves)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file.

    Raises:
        BadInput: there is no such file, it cannot be read, or it is no recipe.
    """
    try:
        regular(path)
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise BadInput(f"{path} cannot be read: give a recipe.json") from None
    return Recipe.from_json(text)


def played_on(model: MusicModel) -> tuple[str, str]:
    """A model's device and dtype, as a recipe keeps them: ``("cpu", "float32")``."""
    return model.device.type, str(model.dtype).removeprefix("torch.")


def records(interventions: Sequence[Intervention]) -> tuple[InterventionRecord, ...]:
    """Interventions as a recipe keeps them; each must say which bank it came from.

    Raises:
        BadInput: one does not say it.
    """
    for one in interventions:
        if not one.source:
            raise BadInput(f"{one.direction.name} does not say which bank it is from: set source")
    return tuple(one.by_name() for one in interventions)


@contextmanager
def _readable() -> Iterator[None]:
    """Settings that no schedule or weighting can read, as bad input."""
    try:
        yield
    except (TypeError, ValueError, IndexError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"the recipe's interventions cannot be read: {error}") from None


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > MOST_CHARACTERS:
        raise BadInput("the recipe is longer than a million characters: it is no recipe")
    try:
        content = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise BadInput("the recipe is nested too deeply: it is no recipe") from None
    except ValueError as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"the recipe is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise BadInput("the recipe is not a JSON object: it begins with {")
    return content


def _no_number(name: str) -> float:
    raise BadInput(f"the recipe holds {name}: give a number")
