"""Files that are there whole or not at all, however the process ends."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from threading import get_ident

from curation.errors import BadInput
from curation.locks import free


class DiskFull(BadInput):
    """The disk takes no more; what was finished is kept."""


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
                with suppress(OSError):  # a disk that knows no locks
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
        with suppress(OSError), part.open("rb+") as held:  # another's, or gone just now
            if free(held.fileno()):
                part.unlink()
