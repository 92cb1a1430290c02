"""What every worker process does first."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from typing import Any


def die_with_parent() -> None:
    """In a worker: stop when the process that started it is gone, even if it was killed outright.

    Of datatrove's workers too, which `multiprocess` starts. Asked twice, it watches once.
    """
    starters = [multiprocessing, *filter(None, [sys.modules.get("multiprocess")])]
    watching = {thread.name for thread in threading.enumerate()}
    for parent in filter(None, [starter.parent_process() for starter in starters]):
        name = f"parent {parent.pid}"
        if name not in watching:
            threading.Thread(target=_watch, args=(parent,), name=name, daemon=True).start()


def _watch(parent: Any) -> None:
    parent.join()
    os._exit(1)
