"""What every worker process does first."""

from __future__ import annotations

import multiprocessing
import os
import threading


def die_with_parent() -> None:
    """In a worker: stop when the process that started it is gone, even if it was killed outright."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
