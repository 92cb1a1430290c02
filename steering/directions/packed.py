"""A bank as text, short enough to travel in a recipe: its seal, a dot, and the bank itself.

The bank is a line of JSON and its tensors as safetensors, compressed by zlib, in base64url. Vectors are
float16 there; only those that float16 holds exactly are packed, so that a bank out of a text is the
bank of its file, bit for bit. Reading one runs no code, and takes no more memory than its limits say.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from curation.errors import BadInput, first_line
from steering.directions.bank import Bank, bank_of
from steering.models.origin import Origin

MOST_PACKED = 24_000
"""Characters: a concept of the built-in model takes about 5,000."""
MOST_UNPACKED = 100_000
"""Bytes that a text may be decompressed to."""
PACKED = {"vectors": torch.float16}
"""Types of the tensors in a text; those of others are float32."""


def rounded(vectors: Tensor) -> Tensor:
    """Vectors as float16 holds them, as float32: what can be packed without being changed."""
    return vectors.half().float()


def pack(bank: Bank) -> str:
    """A bank as text; `unpack` reads it.

    Raises:
        BadInput: it is too large, or its vectors are not exact in float16.
    """
    facts, tensors = bank.parts()
    if not torch.equal(rounded(tensors["vectors"]), tensors["vectors"].float().cpu()):
        raise BadInput(
            "the bank's vectors are not exact in float16, so that a text would play other notes than "
            "the file: only a concept that was taught is carried, give others as a folder"
        )
    typed = {name: _typed(name, tensor) for name, tensor in tensors.items()}
    content = json.dumps(facts).encode() + b"\n" + safetensors.torch.save(typed)
    text = f"{bank.seal}.{base64.urlsafe_b64encode(zlib.compress(content, 9)).decode()}"
    if len(text) > MOST_PACKED or len(content) > MOST_UNPACKED:
        raise BadInput(
            f"the bank takes {len(text):,} characters as text, {MOST_PACKED:,} are carried: give it as "
            "a folder"
        )
    return text


def unpack(text: str, name: str, origin: Origin | None = None) -> Bank:
    """The bank in a text.

    Args:
        name: what recipes call it. origin: the model at hand; None for a bank to look at only.

    Raises:
        BadInput: the text is cut off, changed, too long or no bank's, or the bank is for another model.
    """
    seal, _, packed = text.partition(".")
    try:
        if len(text) > MOST_PACKED:
            raise ValueError(f"it is longer than {MOST_PACKED:,} characters")
        said, _, kept = _decompressed(packed).partition(b"\n")
        facts, tensors = json.loads(said), safetensors.torch.load(kept)
        bank = bank_of(_object(facts), _as_floats(tensors), name)
        if bank.seal != seal:
            raise ValueError("it is not as it was packed")
    except (ValueError, KeyError, RecursionError, SafetensorError) as error:
        raise BadInput(
            f"the bank {name!r:.60} that the recipe carries is damaged ({first_line(error)}): ask for "
            "the recipe again"
        ) from None
    if origin is not None:
        origin.check(bank.origin, f"the bank {name!r:.60} that the recipe carries")
    return bank


def _typed(name: str, tensor: Tensor) -> Tensor:
    return tensor.to("cpu", PACKED.get(name, torch.float32)).contiguous()


def _decompressed(packed: str) -> bytes:
    """The bytes of a text, never more than may be."""
    reader = zlib.decompressobj()
    try:
        compressed = base64.b64decode(packed, altchars=b"-_", validate=True)
        content = reader.decompress(compressed, MOST_UNPACKED + 1)
    except (ValueError, zlib.error):
        raise ValueError("it is cut off, or other letters than were written") from None
    if len(content) > MOST_UNPACKED:
        raise ValueError(f"it decompresses to more than {MOST_UNPACKED:,} bytes")
    if not reader.eof or reader.unused_data:
        raise ValueError("it is cut off, or something hangs on to it")
    return content


def _object(facts: Any) -> Mapping[str, Any]:
    if not isinstance(facts, Mapping):
        raise ValueError("what it says is no JSON object")
    return facts


def _as_floats(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for name, tensor in tensors.items():
        if tensor.dtype != PACKED.get(name, torch.float32):
            raise ValueError(f"{name!r:.40} is of another dtype than a packed bank's")
    return {name: tensor.float() for name, tensor in tensors.items()}
