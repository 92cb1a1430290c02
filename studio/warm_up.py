"""Everything that is slow the first time, done before the first listener comes."""

from __future__ import annotations

import logging
import threading
from queue import SimpleQueue
from typing import Any

import numpy as np

from studio.analysis import chromagram
from studio.engine_apart import AnyEngine

MEASURED = 4
"""Clips that are played at once."""

log = logging.getLogger(__name__)


def warm_up(engine: AnyEngine) -> threading.Thread:
    """Play a second to several nobodies and let the judges hear a tone, in the background.

    So it is known what a step of few and of many rows takes before the first listeners come.
    """
    events: SimpleQueue[dict[str, Any]] = SimpleQueue()
    model = engine.models.names[0]
    for seed in range(MEASURED):
        engine.open({"model": model, "prompt": "jazz", "seconds": 1.0, "seed": seed}, events.put)
    thread = threading.Thread(target=_listen, name="warm-up", daemon=True)
    thread.start()
    return thread


def _listen() -> None:
    time = np.arange(64_000, dtype=np.float32) / 32_000
    chromagram(np.sin(2 * np.pi * 440 * time, dtype=np.float32), 32_000)
