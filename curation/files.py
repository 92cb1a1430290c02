"""Files that are there whole or not at all, however the process ends, and what is kept in them."""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from threading import get_ident
from typing import Any, TypeVar

from tqdm import tqdm

from curation.entries import read_fields
from curation.errors import BadInput
from curation.locks import free

T = TypeVar("T")


class DiskFull(BadInput):
    """The disk takes no more; what was finished is kept."""


MOST_JSON_BYTES = 2**24

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says of a disk that takes no more."""

READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
"""What it says of a place that takes nothing from us."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file that takes the place of ``path`` when the block ends without an error.

    Its folder is made where it is missing; what was there before stays until then. What a writer that
    was killed left of its own is removed.

    Raises:
        DiskFull: the disk takes no more.
        BadInput: nothing may be written there.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{get_ident()}.part")
    try:
        with refusal_told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            sweep(path.parent.glob(f"{escape(path.name)}.*.part"))
            with part.open("ab") as held:
                with suppress(OSError):  # a disk that knows no locks
                    free(held.fileno())
                yield part
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()


def write_whole(path: Path, text: str) -> None:
    """A text file, whole or not at all."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


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


def check_writable(folder: Path) -> None:
    """Make a folder where it is missing, and see that it takes files: before work that ends in them.

    Raises:
        BadInput: it takes none.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _refused(folder, error) from error


def read_text(path: Path) -> str:
    """The text of a file that may be anything.

    Raises:
        BadInput: it is no plain file, which might never end, or is not UTF-8.
        OSError: it is not there, or cannot be read.
    """
    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is no plain file: give one")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8: save it as UTF-8") from None


def read_kept(path: Path, kind: Callable[..., T], fix: str) -> T | None:
    """What `write_whole` kept as JSON, read by its declared type; None where there is no such file.

    Args:
        fix: what makes it anew, for the message.

    Raises:
        BadInput: it is damaged, of another version, or cannot be read.
    """
    if not path.exists():
        return None
    try:
        return read_fields(kind, read_object(path))
    except (OSError, ValueError):
        raise BadInput(f"{path} is damaged or of another version: {fix}") from None


def in_bytes(count: float) -> str:
    """A size in the unit that fits it.

    >>> in_bytes(748_900_000), in_bytes(3_686_400), in_bytes(812)
    ('749 MB', '3.69 MB', '812 B')
    """
    short = tqdm.format_sizeof(count)
    return f"{short.rstrip('kMGTPE')} {short.lstrip('.0123456789')}B"


@contextmanager
def refusal_told(path: Path) -> Iterator[None]:
    """Say in one line that ``path`` cannot be written, where that is what went wrong inside.

    Raises:
        DiskFull: the disk takes no more.
        BadInput: its folder takes no files.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (*FULL, *READ_ONLY):
            raise _refused(path, error) from error
        raise


def sweep(parts: Iterable[Path]) -> None:
    """Remove parts of files that nobody writes any more: a writer holds its own."""
    for part in parts:
        with suppress(OSError), part.open("rb+") as held:  # another's, or gone just now
            if free(held.fileno()):
                part.unlink()


def _refused(path: Path, error: OSError) -> BadInput:
    if error.errno in FULL:
        return DiskFull(
            f"{path} finds no space on the disk: free some, then give the same command again"
        )
    return BadInput(
        f"{path} cannot be written ({error.strerror}): make its folder writable or choose another"
    )
