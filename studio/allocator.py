"""How this process takes memory from the system: large blocks by themselves, so that they go back when they are free."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_MMAP_THRESHOLD, _ARENAS = -3, -8
LARGE, MOST_ARENAS = 256 * 1024, 2
"""Bytes from which on a block is mapped by itself, and heaps that threads share. By itself glibc takes larger and
larger blocks from heaps of every thread, which holes in them then keep from shrinking."""


def take_large_blocks_alone() -> bool:
    """Tell the C library so; False where it is another than glibc, and nothing changes."""
    with suppress(OSError, AttributeError):
        settle = ctypes.CDLL(None).mallopt
        return bool(settle(_MMAP_THRESHOLD, LARGE) and settle(_ARENAS, MOST_ARENAS))
    return False
