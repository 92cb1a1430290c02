"""Files that are there whole or not at all, however the process ends."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from threading import get_ident
from typing import Any

from curation.errors import BadInput
from curation.locks import free


class DiskFull(BadInput):
    """The disk takes no more; what was finished is kept."""


MOST_JSON_BYTES = 2**24

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says of a disk that takes no more."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file that takes the place of ``path`` when the block ends without an error.

    Its folder is made where it is missing; what was there before stays until then. What a writer that
    was killed left of its own is removed.

    Raises:
        DiskFull: the disk takes no more.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{get_ident()}.part")
    try:
        with full_disk_told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _sweep(path)
            with part.open("ab") as held:
                free(held.fileno())
                yield part
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """A text file, whole or not at all."""
    with whole(path) as part:
        part.write_text(text)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; False too for what no file can be called."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def regular(path: Path) -> os.stat_result:
    """What the system says of a file, before it is opened: reading a pipe would never end.

    Raises:
        OSError: it is not there, is a folder or a pipe, or may not be looked at.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f"{path.name} is no file")
    return found


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        OSError: it is not there, is no file, or may not be read.
        ValueError: it is too long, or holds anything else.
    """
    if regular(path).st_size > MOST_JSON_BYTES:
        raise ValueError(f"{path.name} is longer than {MOST_JSON_BYTES:,} bytes")
    try:
        content = json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError(f"{path.name} is nested too deeply") from None
    except ValueError:
        raise ValueError(f"{path.name} is not JSON") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} is no JSON object")
    return content


@contextmanager
def full_disk_told(path: Path) -> Iterator[None]:
    """Say in one line that the disk takes no more of ``path``, where that is what went wrong inside.

    Raises:
        DiskFull: it does.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(
                f"{path} finds no space on the disk: free some, then give the same command again"
            ) from error
        raise


def _sweep(path: Path) -> None:
    """Remove parts of ``path`` that nobody writes any more: a writer holds its own."""
    for part in path.parent.glob(f"{escape(path.name)}.*.part"):
        try:
            held = os.open(part, os.O_RDWR)
        except FileNotFoundError:
            continue
        if free(held):
            part.unlink(missing_ok=True)
        os.close(held)
