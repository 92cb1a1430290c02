"""Random ids that nobody guesses. Where many machines play, each begins with the mark of the one that made it."""

from __future__ import annotations

import os
import secrets

MARK_VARIABLE = "STEERING_REPLICA"
"""Names this process among those that share the work; `studio.cluster.actors` sets it."""


def new_id(size: int) -> str:
    """A random id of so many bytes, behind this process's mark where it has one."""
    mark = os.environ.get(MARK_VARIABLE, "")
    return f"{mark}-{secrets.token_urlsafe(size)}" if mark else secrets.token_urlsafe(size)


def new_mark() -> str:
    """What tells one process from all others, also from the one whose place it took."""
    return secrets.token_hex(4)
