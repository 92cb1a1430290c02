"""A bank: the directions of one concept family, by one method, with norms and source.

A bank is a folder with `directions.safetensors` and `directions.json`; loading it runs no code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from curation.errors import BadInput
from curation.files import whole, write_whole
from curation.locks import locked
from steering.directions.direction import Direction
from steering.models.origin import Origin

FORMAT = 1


TENSORS, FACTS = "directions.safetensors", "directions.json"


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

    def save(self, folder: Path) -> None:
        """Write the bank's two files; the tensors first, so that a half-written bank is told.

        Who else saves to the folder goes before or after: never are one's tensors with another's facts.
        """
        tensors = {
            "vectors": torch.stack([d.vectors for d in self.directions.values()]).float(),
            "scores": torch.stack([d.scores for d in self.directions.values()]).float(),
            "norms": self.norms.float(),
        }
        calibrated = [d.calibration for d in self.directions.values() if d.calibration is not None]
        if len(calibrated) == len(self.directions):
            tensors["calibration"] = torch.stack(calibrated).float()
        facts = {
            "format": FORMAT,
            "family": self.family,
            "method": self.method,
            "origin": asdict(self.origin),
            "concepts": list(self.directions),
            "facts": dict(self.facts),
        }
        text = json.dumps(facts, indent=1) + "\n"
        with locked(folder / ".lock", lambda holder: None):
            if (folder / FACTS).exists() and (folder / FACTS).read_text() != text:
                (folder / FACTS).unlink()
            with whole(folder / TENSORS) as part:
                save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part)
            write_whole(folder / FACTS, text)


def load_bank(folder: Path, origin: Origin | None = None, source: str = "") -> Bank:
    """The bank in a folder.

    Args:
        origin: the model at hand; None loads a bank to look at only.
        source: what recipes are to call it; the folder itself where nothing is given.

    Raises:
        BadInput: there is none, or it is damaged, of another format or made for another model.
    """
    try:
        facts = json.loads((folder / FACTS).read_text())
        tensors = load_file(folder / TENSORS)
        made_for = Origin(**facts["origin"])
        concepts = facts["concepts"]
        vectors, scores, norms = (tensors[name] for name in ("vectors", "scores", "norms"))
    except FileNotFoundError:
        raise BadInput(
            f"{folder} holds no bank: train one with 'python -m steering train'"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        raise BadInput(f"the bank in {folder} is damaged: train or fetch it again") from None
    if facts["format"] != FORMAT:
        raise BadInput(f"{folder} is of format {facts['format']}, this code reads {FORMAT}")
    shape = (len(concepts), made_for.layers)
    calibration = tensors.get("calibration")
    if not _whole(vectors, (*shape, made_for.size)) or (
        calibration is not None and not _whole(calibration, (*shape, 2))
    ):
        raise BadInput(f"the bank in {folder} is damaged: train or fetch it again")
    if origin is not None:
        origin.check(made_for, f"the bank in {folder}")
    directions = {
        name: Direction(
            name,
            vectors[place],
            scores[place],
            made_for,
            None if calibration is None else calibration[place],
        )
        for place, name in enumerate(concepts)
    }
    return Bank(
        facts["family"],
        facts["method"],
        made_for,
        directions,
        norms,
        facts["facts"],
        source or folder.as_posix(),
    )


def _whole(tensor: Tensor, shape: tuple[int, ...]) -> bool:
    return tuple(tensor.shape) == shape and bool(torch.isfinite(tensor).all())
