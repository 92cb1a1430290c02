"""SHA256SUMS: the digest of every file that the data of a build are made of, as `sha256sum -c` reads it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from curation.errors import BadInput
from curation.files import read_text, write_whole

SUMS_FILE = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


def sha256(path: Path) -> str:
    """Of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path, names: Iterable[str], known: Mapping[str, str] | None = None) -> None:
    """Write down the digests of a folder's files.

    Args:
        names: of the files, relative to the folder.
        known: digests that were written before and stay: what has changed since then is a fault.
    """
    kept = known or {}
    sums = {name: kept.get(name) or sha256(folder / name) for name in names}
    write_whole(folder / SUMS_FILE, "".join(f"{sums[name]}  {name}\n" for name in sums))


def read_sums(folder: Path) -> dict[str, str]:
    """The digests by file name; none where none were written.

    Raises:
        BadInput: a line is no digest and name.
    """
    path = folder / SUMS_FILE
    if not path.exists():
        return {}
    lines = [_LINE.fullmatch(line) for line in read_text(path).splitlines()]
    if not all(lines):
        raise BadInput(f"{path} is damaged: remove it and give the build command again")
    return {line[2]: line[1] for line in lines if line}


def changed(folder: Path) -> list[str]:
    """The files that are not what SHA256SUMS says, or are gone.

    Raises:
        BadInput: SHA256SUMS is damaged.
    """
    return [
        name
        for name, digest in read_sums(folder).items()
        if not (folder / name).is_file() or sha256(folder / name) != digest
    ]
