"""Directions: for each concept a vector per layer, where it was read, and how far it is to be trusted.

A bank is a folder with `directions.safetensors` and `directions.json`; loading it runs no code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from curation.errors import BadInput

FORMAT = 1
TENSORS, FACTS = "directions.safetensors", "directions.json"
SITE = "block output"
"""The residual stream after a decoder block, before any final norm: read there, written there."""


@dataclass(frozen=True)
class Origin:
    """Where directions come from, and so the only place where they mean anything.

    Attributes:
        model: name or folder name of the model.
        revision: fingerprint of its decoder's weights.
        site: where in the block activations were read.
        layers, size: of the decoder.
    """

    model: str
    revision: str
    layers: int
    size: int
    site: str = SITE

    def check(self, other: Origin, what: str) -> None:
        """Refuse to use what comes from ``other`` here."""
        if (self.revision, self.site, self.layers, self.size) != (
            other.revision,
            other.site,
            other.layers,
            other.size,
        ):
            raise BadInput(
                f"{what} was made for {other.model} ({other.revision}, {other.layers} layers of "
                f"{other.size}), this is {self.model} ({self.revision}, {self.layers} layers of "
                f"{self.size}): train a bank for this model with 'python -m steering train'"
            )


@dataclass(frozen=True)
class Direction:
    """One concept: vectors ``[L, D]``, usually of length 1, and validation scores ``[L]``.

    Directions can be negated, scaled, added and made orthogonal to others; scores of a sum are the
    smaller ones. What comes of that has no calibration.

    Attributes:
        calibration: float32 ``[L, 2]``, slope and intercept ``a`` and ``b`` such that
            ``sigmoid(a p + b)`` is the probability of the concept in a clip whose activations,
            pooled as the bank's facts say, have the projection ``p`` on the layer's vector. A slope
            is per unit of the residual stream, an intercept in log odds at the share of clips that
            have the concept on validation (Platt 1999). None where it was not fitted.
    """

    name: str
    vectors: Tensor
    scores: Tensor
    origin: Origin
    calibration: Tensor | None = None

    def __neg__(self) -> Direction:
        return -1.0 * self

    def __rmul__(self, factor: float) -> Direction:
        name = f"-{self.name}" if factor == -1 else f"{factor:g}*{self.name}"
        return Direction(name, factor * self.vectors, self.scores, self.origin)

    __mul__ = __rmul__

    def __add__(self, other: Direction) -> Direction:
        self.origin.check(other.origin, other.name)
        scores = torch.minimum(self.scores, other.scores)
        name = f"{self.name}+{other.name}"
        return Direction(name, self.vectors + other.vectors, scores, self.origin)

    def __sub__(self, other: Direction) -> Direction:
        return self + (-other)

    def probabilities(self, projected: Tensor, layer: int) -> Tensor | None:
        """Projections on a layer's vector, of any shape, to probabilities; None if not calibrated."""
        if self.calibration is None:
            return None
        slope, intercept = self.calibration[layer]
        return (slope * projected + intercept).sigmoid()

    def unit(self) -> Direction:
        """The same with every layer's vector of length 1; what is 0 stays 0."""
        return Direction(self.name, _unit(self.vectors), self.scores, self.origin)

    def orthogonal_to(self, *others: Direction) -> Direction:
        """What is left of it, layer by layer, without any share of the others (Gram-Schmidt)."""
        for other in others:
            self.origin.check(other.origin, other.name)
        vectors = without(self.vectors, [other.vectors for other in others])
        return Direction(self.name, vectors, self.scores, self.origin)


def without(vectors: Tensor, others: Sequence[Tensor]) -> Tensor:
    """Vectors ``[L, D]`` less their projection on the span of the others' ``[L, D]``, per layer."""
    if not others:
        return vectors
    span = torch.stack(list(others), dim=-1).double()  # [L, D, O]
    basis, sizes, _ = torch.linalg.svd(span, full_matrices=False)
    basis = basis * (sizes > 1e-9 * sizes.amax(-1, keepdim=True)).unsqueeze(1)
    exact = vectors.double().unsqueeze(-1)
    return (exact - basis @ (basis.mT @ exact)).squeeze(-1).to(vectors.dtype)


def _unit(vectors: Tensor) -> Tensor:
    length = vectors.norm(dim=-1, keepdim=True)
    return torch.where(length > 0, vectors / length.clamp_min(1e-30), vectors)


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
    """

    family: str
    method: str
    origin: Origin
    directions: Mapping[str, Direction]
    norms: Tensor
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, concept: str) -> Direction:
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
        """Write the bank's two files; the tensors first, so that a half-written bank is told."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {
            "vectors": torch.stack([d.vectors for d in self.directions.values()]).float(),
            "scores": torch.stack([d.scores for d in self.directions.values()]).float(),
            "norms": self.norms.float(),
        }
        calibrated = [d.calibration for d in self.directions.values() if d.calibration is not None]
        if len(calibrated) == len(self.directions):
            tensors["calibration"] = torch.stack(calibrated).float()
        part = folder / f"{TENSORS}.part"
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part)
        part.replace(folder / TENSORS)
        facts = {
            "format": FORMAT,
            "family": self.family,
            "method": self.method,
            "origin": asdict(self.origin),
            "concepts": list(self.directions),
            "facts": dict(self.facts),
        }
        part = folder / f"{FACTS}.part"
        part.write_text(json.dumps(facts, indent=1) + "\n")
        part.replace(folder / FACTS)


def load_bank(folder: Path, origin: Origin | None = None) -> Bank:
    """The bank in a folder; `BadInput` when it is damaged, or not made for the model at hand.

    Args:
        origin: the model at hand; None loads a bank to look at only.
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
    return Bank(facts["family"], facts["method"], made_for, directions, norms, facts["facts"])


def _whole(tensor: Tensor, shape: tuple[int, ...]) -> bool:
    return tuple(tensor.shape) == shape and bool(torch.isfinite(tensor).all())
