"""One at a time: a file says who is at work, and is free again however its holder ends."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from curation.errors import BadInput


@contextmanager
def locked(path: Path, taken: Callable[[str], None]) -> Iterator[None]:
    """Hold ``path``, of a file that stands for what is to be touched by one alone, for this block.

    The system frees it when its holder ends, also one that was killed. Two threads of a process
    keep each other out as two processes do.

    Args:
        path: its folder is made where it is missing; the file is gone when the block ends.
        taken: told, as ``process 1234``, who has it, where somebody has. What it raises is raised;
            if it returns, the other is waited for.

    Raises:
        BadInput: what stands there is a link, a folder or a pipe.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    held = _hold(path, taken)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(held)


def _hold(path: Path, taken: Callable[[str], None]) -> int:
    """A descriptor of the file that stands there now, which its last holder may just have removed."""
    told = False
    while True:
        held = _open(path)
        try:
            if not free(held):
                if not told:
                    taken(_holder(held))
                told = True
                fcntl.flock(held, fcntl.LOCK_EX)
            if _stands(held, path):
                os.ftruncate(held, 0)
                os.write(held, str(os.getpid()).encode())
                return held
        except BaseException:
            os.close(held)
            raise
        os.close(held)


def _open(path: Path) -> int:
    """The file, made where it is missing; never what a link of its name leads to, and never a pipe."""
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise _no_file(path) from None
        raise
    if not stat.S_ISREG(os.fstat(held).st_mode):
        os.close(held)
        raise _no_file(path)
    return held


def _no_file(path: Path) -> BadInput:
    return BadInput(f"{path} is no plain file: remove it")


def free(held: int) -> bool:
    """Take the open file without waiting; False where another has it."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stands(held: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(held), path.stat())
    except FileNotFoundError:
        return False


def _holder(held: int) -> str:
    """Who wrote its number; one that has only just begun may not have done so yet."""
    number = os.pread(held, 20, 0).decode(errors="replace")
    return f"process {number}" if number.isdecimal() else "another process"
