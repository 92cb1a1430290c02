"""Tensors, and in JSON what they are: two files that mean something only together.

The tensors' file holds a digest of both. Names in another order, or the tensors of another folder, are
told when they are read; reading runs no code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from curation.errors import BadInput, first_line
from curation.files import read_object, regular, whole, write_whole
from curation.locks import locked

FORMAT, UNSEALED = 2, 1
"""Of what is written now, and of what was written before there were digests."""
SEAL, NUMBERS, LOCK = "sha256", "F32", ".lock"
MOST_BYTES = 2**28
"""Of a file of tensors: ten times the largest bank that can be trained."""


@dataclass(frozen=True)
class Sealed:
    """A kind of thing that is kept so.

    Attributes:
        what: how it is called, as ``the bank``. name: of both files, without their endings.
        again: how to come by one anew. unsealed: what to do with one that has no digest; both may
            say ``{folder}``.
    """

    what: str
    name: str
    again: str
    unsealed: str

    @property
    def tensors(self) -> str:
        return f"{self.name}.safetensors"

    @property
    def facts(self) -> str:
        return f"{self.name}.json"

    def write(self, folder: Path, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Write both files, one writer at a time; whoever is killed leaves none, or the ones before.

        The tensors go first, and facts that are not theirs before them.
        """
        said = {"format": FORMAT, **facts}
        text = json.dumps(said, indent=1) + "\n"
        kept = _as_kept(tensors)
        with locked(folder / LOCK, lambda holder: None):
            there = folder / self.facts
            if there.exists() and there.read_text(encoding="utf-8", errors="replace") != text:
                there.unlink()
            with whole(folder / self.tensors) as part:
                save_file(kept, part, {SEAL: _digest(said, kept)})
            write_whole(there, text)

    def seal(self, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
        """The digest that the tensors' file holds of both, 64 hexadecimal digits."""
        return _digest({"format": FORMAT, **facts}, _as_kept(tensors))

    def read(self, folder: Path, trusted: bool = False) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """What the JSON says, and float32 tensors by name.

        Args:
            trusted: take them without a digest too, in the format that had none.

        Raises:
            BadInput: a file is missing, cannot be read or is damaged, the two do not belong
                together, or they are of another format.
        """
        try:
            facts = read_object(folder / self.facts)
            tensors, seal = _read_tensors(folder / self.tensors)
            digest = _digest(facts, tensors)
        except PermissionError as error:
            raise BadInput(
                f"{error.filename or folder} may not be read: give yourself the right to"
            ) from None
        except (OSError, ValueError, RecursionError, SafetensorError) as error:
            raise self.damaged(folder, first_line(error)) from None
        if not (trusted and _is_unsealed(facts, seal)):
            self._check(folder, facts, seal, digest)
        return facts, tensors

    def _check(self, folder: Path, facts: Mapping[str, Any], seal: str | None, digest: str) -> None:
        if _is_unsealed(facts, seal):
            raise BadInput(
                f"{self.what} in {folder} is of format {UNSEALED}, where nothing binds names to "
                f"numbers: {self.unsealed.format(folder=folder)}"
            )
        if facts.get("format") not in (FORMAT, UNSEALED):
            raise BadInput(
                f"{self.what} in {folder} is of format {facts.get('format')!r:.20}, this code reads "
                f"{FORMAT}: {self.again}"
            )
        if seal != digest:
            raise self.damaged(
                folder, f"{self.facts} and {self.tensors} are not as they were saved together"
            )

    def damaged(self, folder: Path, why: str) -> BadInput:
        """What to say of one that cannot be used."""
        return BadInput(f"{self.what} in {folder} is damaged ({why}): {self.again}")


def _read_tensors(path: Path) -> tuple[dict[str, Tensor], str | None]:
    if regular(path).st_size > MOST_BYTES:
        raise ValueError(f"{path.name} is longer than {MOST_BYTES:,} bytes")
    with safe_open(path, "pt") as file:
        names = list(file.keys())
        for name in names:
            if file.get_slice(name).get_dtype() != NUMBERS:
                raise ValueError(f"{name!r:.40} in {path.name} is not of dtype {NUMBERS}")
        seal = (file.metadata() or {}).get(SEAL)
        return {name: file.get_tensor(name) for name in names}, seal


def _as_kept(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.float().cpu().contiguous() for name, tensor in tensors.items()}


def _is_unsealed(facts: Mapping[str, Any], seal: str | None) -> bool:
    return facts.get("format") == UNSEALED and seal is None


def _digest(facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of what is said and of every tensor's name, shape and bytes."""
    text = json.dumps(facts, sort_keys=True, allow_nan=False)
    found = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        found.update(json.dumps([name, list(tensor.shape)]).encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
