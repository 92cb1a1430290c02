"""Recipes: everything that a clip was made from, as JSON; the same recipe plays the same clip again.

A recipe names the banks that its concepts come from and carries no vectors, so it is short enough
to be sent in a link, and reading it runs no code.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from curation.errors import BadInput
from steering.decoding.sampling import Sampling
from steering.directions.bank import Bank
from steering.interventions.intervention import Intervention, from_record
from steering.interventions.plan import Move, Plan, compile_plan
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
    """What one clip was made from.

    Attributes:
        model: name of the model; revision: fingerprint of its decoder's weights.
        prompt, seconds, seed, sampling: as `steering.decoding.clip.Clip` and `Sampling` have them.
        interventions: what `Intervention.record` gives, each naming its bank.
        orthogonalise: as `compile_plan` has it.
        moves: coefficients that changed while the clip played.
        decoder: which of the two played it.
        device, dtype: that it was played on and in, as ``cuda`` and ``bfloat16``: noise and rounding
            differ from one to another; empty where it was not said.
    """

    model: str
    revision: str
    prompt: str
    seconds: float
    seed: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    interventions: tuple[Mapping[str, Any], ...] = ()
    orthogonalise: bool = False
    moves: tuple[Move, ...] = ()
    decoder: DecoderName = "fused"
    device: str = ""
    dtype: str = ""

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
        if self.decoder not in DECODERS:
            raise BadInput(f"no decoder {self.decoder!r}: choose fused or hooks")
        for move in self.moves:
            if move.concept >= len(self.interventions):
                raise BadInput(
                    f"the recipe moves concept {move.concept}, but has {len(self.interventions)}: "
                    "they are counted from 0"
                )

    def to_json(self) -> str:
        """One JSON object, indented; `from_json` reads it."""
        content = {"format": FORMAT, **asdict(self)}
        content["interventions"] = [dict(one) for one in self.interventions]
        return json.dumps(content, indent=1, allow_nan=False)

    @staticmethod
    def from_json(text: str) -> Recipe:
        """The recipe in a text; `BadInput` names what is wrong with it."""
        content = _parsed(text)
        if content.pop("format", None) != FORMAT:
            raise BadInput(f"the recipe is not of format {FORMAT}, the one that this code reads")
        known = {one.name: one for one in fields(Recipe)}
        unknown = sorted(set(content) - set(known))
        if unknown:
            raise BadInput(f"the recipe has an unknown entry {unknown[0]!r}: take it out")
        for name in ("model", "revision", "prompt", "seconds"):
            if name not in content:
                raise BadInput(f"the recipe has no {name}: add it")
        return Recipe(**{name: _READ[name](name, value) for name, value in content.items()})

    def interventions_of(self, banks: Banks) -> tuple[Intervention, ...]:
        """The interventions, with vectors out of the banks that they name."""
        return tuple(from_record(one, banks(_bank_of(one))) for one in self.interventions)

    def plan(self, banks: Banks, frame_rate: float = 50.0) -> Plan | None:
        """What to do to the clip, the moves included; None for a clip that is left alone."""
        interventions = self.interventions_of(banks)
        if not interventions:
            return None
        try:
            compiled = compile_plan(
                interventions, self.seconds, frame_rate, self.orthogonalise, self.seed
            )
        except (TypeError, ValueError, IndexError) as error:
            if isinstance(error, BadInput):
                raise
            raise BadInput(f"the recipe's interventions cannot be read: {error}") from None
        return compiled.moved(*self.moves)


def played_on(model: MusicModel) -> tuple[str, str]:
    """A model's device and dtype, as a recipe keeps them: ``("cpu", "float32")``."""
    return model.device.type, str(model.dtype).removeprefix("torch.")


def records(interventions: Sequence[Intervention]) -> tuple[dict[str, Any], ...]:
    """Interventions as a recipe keeps them; each must say which bank it came from."""
    for one in interventions:
        if not one.source:
            raise BadInput(f"{one.direction.name} does not say which bank it is from: set source")
    return tuple(one.record() for one in interventions)


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


def _bank_of(record: Mapping[str, Any]) -> str:
    bank = record.get("bank")
    if not isinstance(bank, str) or not bank:
        raise BadInput("an intervention of the recipe names no bank: add its entry 'bank'")
    return bank


def _wrong(name: str, what: str) -> BadInput:
    return BadInput(f"the recipe's {name} must be {what}: mend it")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "text")
    return value


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, "a whole number")
    return value


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(name, "a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _wrong(name, "a finite number")
    return number


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, "true or false")
    return value


def _objects(name: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _wrong(name, "a list of objects")
    return value


def _sampling(name: str, value: Any) -> Sampling:
    known = {one.name: one.type for one in fields(Sampling)}
    if not isinstance(value, dict) or set(value) - set(known):
        raise _wrong(name, f"an object with {', '.join(known)}")
    read: dict[str, Any] = {
        key: (_whole if key == "top_k" else _number)(f"sampling's {key}", one)
        for key, one in value.items()
    }
    return Sampling(**read)


def _interventions(name: str, value: Any) -> tuple[Mapping[str, Any], ...]:
    records = _objects(name, value)
    for record in records:
        _bank_of(record)
        _text("concept", record.get("concept"))
        _number("coefficient", record.get("coefficient"))
        for part in ("schedule", "layers", "gate"):
            if not isinstance(record.get(part, {}), dict):
                raise _wrong(part, "an object")
    return tuple(records)


def _moves(name: str, value: Any) -> tuple[Move, ...]:
    moves = []
    for one in _objects(name, value):
        if set(one) != {"step", "concept", "coefficient"}:
            raise _wrong("moves", "objects with step, concept and coefficient")
        step, concept = _whole("move's step", one["step"]), _whole("move's concept", one["concept"])
        moves.append(Move(step, concept, _number("move's coefficient", one["coefficient"])))
    return tuple(moves)


_READ: dict[str, Callable[[str, Any], Any]] = {
    "model": _text,
    "revision": _text,
    "prompt": _text,
    "seconds": _number,
    "seed": _whole,
    "sampling": _sampling,
    "interventions": _interventions,
    "orthogonalise": _truth,
    "moves": _moves,
    "decoder": _text,
    "device": _text,
    "dtype": _text,
}
