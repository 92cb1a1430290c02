"""A taught concept as its visitor keeps it: text that recipes carry, or a file to take home and bring back.

The file is a ZIP with the bank's folder, as ``python -m steering`` takes it once it is unpacked.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from curation.errors import BadInput
from steering.directions.bank import FACTS, TENSORS, Bank, load_bank
from steering.directions.direction import Direction
from steering.directions.packed import MOST_UNPACKED, pack, rounded, unpack
from steering.models.origin import Origin
from steering.teaching.lesson import check_name
from steering.teaching.trials import STRENGTHS

MOST_FILE = 2 * MOST_UNPACKED
"""Bytes of a bank's file."""
_NO_FILE = "this file is no concept: bring one that 'Keep as a file' gave"


def renamed(text: str, name: str) -> dict[str, Any]:
    """A packed bank under another name.

    Raises:
        BadInput: it is damaged, or the name is none.
    """
    bank, name = unpack(text, "it"), check_name(name)
    return told_of(bank.renamed(_only(bank).name, name))


def told_of(bank: Bank) -> dict[str, Any]:
    """A bank of one concept as the page has it: its name, the text that carries it, how strong is strong."""
    direction = _only(bank)
    return {"name": direction.name, "bank": pack(bank), "strength": _strength(bank)}


def as_file(text: str) -> dict[str, str]:
    """A packed bank as a file: its name, its MIME type and its bytes in base64.

    Raises:
        BadInput: it is damaged.
    """
    bank = unpack(text, "it")
    name, content = _only(bank).name, io.BytesIO()
    with TemporaryDirectory() as folder, zipfile.ZipFile(content, "w") as archive:
        bank.save(Path(folder))
        for one in (FACTS, TENSORS):
            about = zipfile.ZipInfo(f"{name}/{one}")  # has no time of its own: always the same file
            archive.writestr(about, (Path(folder) / one).read_bytes(), zipfile.ZIP_DEFLATED)
    return {
        "name": f"{name}.zip",
        "mime": "application/zip",
        "base64": base64.b64encode(content.getvalue()).decode(),
    }


def from_file(file: str, origin: Origin) -> dict[str, Any]:
    """What `as_file` gave, for the model at hand.

    Raises:
        BadInput: it is something else, damaged, or for another model.
    """
    if len(file) > MOST_FILE * 4 // 3 + 4:
        raise BadInput(_NO_FILE)
    try:
        archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(file, validate=True)))
        parts = {PurePosixPath(one.filename).name: one for one in archive.infolist()}
        if set(parts) != {FACTS, TENSORS} or len(archive.infolist()) != len(parts):
            raise BadInput(_NO_FILE)
        content = {name: _unpacked(archive, one) for name, one in parts.items()}
    except (
        binascii.Error,
        ValueError,
        RuntimeError,
        NotImplementedError,
        OSError,
        EOFError,
        zlib.error,
        zipfile.BadZipFile,
    ):
        raise BadInput(_NO_FILE) from None
    with TemporaryDirectory() as folder:
        for name, one in content.items():
            (Path(folder) / name).write_bytes(one)
        try:
            bank = load_bank(Path(folder), origin)
        except BadInput as error:
            raise BadInput(str(error).replace(folder, "this file")) from None
    direction = _only(bank)
    check_name(direction.name)
    exact = replace(direction, vectors=rounded(direction.vectors))
    return told_of(replace(bank, directions={exact.name: exact}))


def _unpacked(archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> bytes:
    with archive.open(one) as file:
        found = file.read(MOST_UNPACKED + 1)
    if len(found) > MOST_UNPACKED:
        raise BadInput(_NO_FILE)
    return found


def _only(bank: Bank) -> Direction:
    if len(bank) != 1:
        raise BadInput(f"this bank has {len(bank)} concepts: bring one that was taught, with one")
    (direction,) = bank.directions.values()
    return direction


def _strength(bank: Bank) -> float:
    """The strength that its lesson chose, where it says a sound one."""
    made: Any = bank.facts.get("trials")
    for entry in ("chosen", "strength"):
        made = made.get(entry) if isinstance(made, dict) else None
    known = type(made) is float and 0 < made <= 1
    return float(made) if known else STRENGTHS[1]
