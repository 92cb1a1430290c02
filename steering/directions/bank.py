"""A bank: the directions of one concept family, by one method, with norms and source.

A bank is a folder with `directions.safetensors` and `directions.json`, which names the vectors in their
order; the two are sealed, and loading them runs no code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from curation.errors import BadInput
from curation.files import is_there
from steering.directions.direction import Direction
from steering.models.origin import Origin
from steering.sealed import Sealed

KEPT = Sealed(
    "the bank",
    "directions",
    again="train or fetch it again",
    unsealed="if you trust where it is from, run 'python -m steering bank bind {folder}'",
)
TENSORS, FACTS = KEPT.tensors, KEPT.facts

MOST_CHARACTERS = 200
"""Of a name."""
MOST_NORM = 1e6
UNIT_TOLERANCE = 0.01
"""How far a vector's length may be from 1: what rounding to bfloat16 may do."""


@dataclass(frozen=True)
class Bank(Mapping[str, Direction]):
    """The directions of one concept family, found by one method on one model.

    Attributes:
        family: the concept family, as notes.
        method: the probe.
        directions: unit vectors, by concept.
        norms: typical length of the residual stream per layer, ``[L]``: the unit of *relative*
            coefficients.
        facts: dataset fingerprint, pooling, seeds and whatever else says how it was made.
        source: name under which recipes find it: a shipped bank's, or a folder. Its directions carry
            this name and the norms.
    """

    family: str
    method: str
    origin: Origin
    directions: Mapping[str, Direction]
    norms: Tensor
    facts: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        given = {
            name: replace(one, norms=self.norms, source=self.source)
            for name, one in self.directions.items()
        }
        object.__setattr__(self, "directions", given)

    def __getitem__(self, concept: str) -> Direction:
        """The direction of a concept.

        Raises:
            BadInput: the bank has no such concept.
        """
        try:
            return self.directions[concept]
        except KeyError:
            raise BadInput(
                f"no concept {concept!r} among {self.family}: choose one of "
                f"{', '.join(self.directions)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.directions)

    def __len__(self) -> int:
        return len(self.directions)

    def __contains__(self, concept: object) -> bool:
        return concept in self.directions

    @property
    def seal(self) -> str:
        """The digest of names, vectors and all else that it is saved with, 64 hexadecimal digits."""
        return KEPT.seal(*self.parts())

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of its vectors alone: what other names leave as it is."""
        numbers = self.parts()[1]["vectors"].float().cpu().contiguous().numpy()
        return hashlib.sha256(numbers.tobytes()).hexdigest()[:16]

    def renamed(self, concept: str, name: str) -> Bank:
        """The same with another name for one of its concepts, in its place.

        Raises:
            BadInput: there is no such concept, or one has the new name already.
        """
        direction = self[concept]
        if name in self and name != concept:
            raise BadInput(f"the bank has a concept {name!r:.60} already: choose another name")
        names = {one: name if one == concept else one for one in self}
        directions = {names[one]: kept for one, kept in self.items()}
        return replace(self, directions=directions | {name: replace(direction, name=name)})

    def parts(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """What it says as JSON, and its tensors: what `bank_of` makes it of again."""
        tensors = {
            "vectors": torch.stack([d.vectors for d in self.directions.values()]),
            "scores": torch.stack([d.scores for d in self.directions.values()]),
            "norms": self.norms,
        }
        calibrated = [d.calibration for d in self.directions.values() if d.calibration is not None]
        if len(calibrated) == len(self.directions):
            tensors["calibration"] = torch.stack(calibrated)
        facts = {
            "family": self.family,
            "method": self.method,
            "origin": asdict(self.origin),
            "concepts": list(self.directions),
            "facts": dict(self.facts),
        }
        return facts, tensors

    def save(self, folder: Path) -> None:
        """Write the bank's two files.

        Who else saves to the folder goes before or after: never are one's tensors with another's facts.
        """
        KEPT.write(folder, *self.parts())


def load_bank(folder: Path, origin: Origin | None = None, source: str = "") -> Bank:
    """The bank in a folder.

    Args:
        origin: the model at hand; None loads a bank to look at only.
        source: what recipes are to call it; the folder itself where nothing is given.

    Raises:
        BadInput: there is none, or it is damaged, of another format or made for another model, or
            its names are not bound to its vectors.
    """
    bank = _read(folder, source)
    if origin is not None:
        origin.check(bank.origin, f"the bank in {folder}")
    return bank


def bind_bank(folder: Path) -> Bank:
    """Seal a bank of the format that bound no names to vectors, as its files stand now.

    A bank that is sealed already stays as it is.

    Raises:
        BadInput: there is none, or it is damaged.
    """
    bank = _read(folder, trusted=True)
    bank.save(folder)
    return bank


def _read(folder: Path, source: str = "", trusted: bool = False) -> Bank:
    if not is_there(folder / FACTS):
        raise BadInput(f"{folder} holds no bank: train one with 'python -m steering train'")
    facts, tensors = KEPT.read(folder, trusted)
    try:
        return bank_of(facts, tensors, source or folder.as_posix())
    except ValueError as error:
        raise KEPT.damaged(folder, str(error)) from None


def bank_of(facts: Mapping[str, Any], tensors: Mapping[str, Tensor], source: str) -> Bank:
    """The bank of what `Bank.parts` gave, wherever it was kept since.

    Raises:
        ValueError: they cannot be a bank's, which says why.
    """
    origin = Origin.from_record(facts.get("origin"))
    family, method = (_name(facts.get(entry), entry) for entry in ("family", "method"))
    concepts, about = _concepts(facts.get("concepts")), facts.get("facts")
    if not isinstance(about, Mapping):
        raise ValueError("its facts are no object")
    _check(tensors, len(concepts), origin)
    calibration = tensors.get("calibration", [None] * len(concepts))
    parts = zip(concepts, tensors["vectors"], tensors["scores"], calibration, strict=True)
    directions = {
        name: Direction(name, vectors, scores, origin, lines)
        for name, vectors, scores, lines in parts
    }
    return Bank(family, method, origin, directions, tensors["norms"], about, source)


def _name(text: Any, entry: str) -> str:
    if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= MOST_CHARACTERS:
        raise ValueError(f"its {entry} is no name of 1 to {MOST_CHARACTERS} letters")
    return text


def _concepts(record: Any) -> list[str]:
    if not isinstance(record, list) or not record:
        raise ValueError("its concepts are no list of names")
    names = [_name(one, "concept") for one in record]
    if len(set(names)) < len(names):
        raise ValueError("two of its concepts have one name")
    return names


def _check(tensors: Mapping[str, Tensor], concepts: int, origin: Origin) -> None:
    """Whether these can be a bank's tensors; `ValueError` says which cannot."""
    scores = (concepts, origin.layers)
    shapes = {
        "vectors": (*scores, origin.size),
        "scores": scores,
        "norms": (origin.layers,),
        "calibration": (*scores, 2),
    }
    if not {"vectors", "scores", "norms"} <= set(tensors) <= set(shapes):
        raise ValueError(f"it holds other tensors than {', '.join(shapes)}")
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != shapes[name]:
            raise ValueError(f"its {name} are {list(tensor.shape)}, not {list(shapes[name])}")
        if not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"its {name} are not finite")
    norms, lengths = tensors["norms"], tensors["vectors"].norm(dim=-1)
    if not bool(((norms > 0) & (norms <= MOST_NORM)).all()):
        raise ValueError(f"its norms are not all above 0, up to {MOST_NORM:,.0f}")
    if not bool(((lengths == 0) | ((lengths - 1).abs() <= UNIT_TOLERANCE)).all()):
        raise ValueError("its vectors are not of length 1")
    if bool((lengths == 0).all(-1).any()):
        raise ValueError("a concept has no direction at any layer")
