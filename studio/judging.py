"""Where judges listen and figures are drawn: a few threads of their own, for which visitors take turns.

They give way to music, where the system lets them, and nothing else waits for them.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from studio.callers import CALLER, Visitor, in_turn

AT_ONCE = 2
GIVES_WAY = 10
"""How much lower than that of music their priority is."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class _Turn:
    visitor: Visitor
    loop: asyncio.AbstractEventLoop
    come: asyncio.Event = field(default_factory=asyncio.Event)


class Judging:
    """Runs what takes long, some at once; who waits has a turn before those whose own is at work."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._threads = ThreadPoolExecutor(at_once, "judging", initializer=give_way)
        self._lock = threading.Lock()
        self._waiting: list[_Turn] = []
        self._working: list[_Turn] = []

    async def run(self, job: Callable[..., T], *arguments: Any) -> T:
        """What the job gives, when its turn has come."""
        loop = asyncio.get_running_loop()
        turn = _Turn(CALLER.get().visitor, loop)
        with self._lock:
            self._waiting.append(turn)
            self._next()
        try:
            await turn.come.wait()
            context = contextvars.copy_context()
            return await loop.run_in_executor(self._threads, context.run, job, *arguments)
        finally:
            with self._lock:
                (self._working if turn in self._working else self._waiting).remove(turn)
                self._next()

    def _next(self) -> None:
        while self._waiting and len(self._working) < self._at_once:
            turn = in_turn(self._waiting, self._working)[0]
            self._waiting.remove(turn)
            self._working.append(turn)
            with suppress(RuntimeError):  # its page was closed meanwhile
                turn.loop.call_soon_threadsafe(turn.come.set)


def give_way() -> None:
    """Let this thread give way to music: Linux has a priority for each; elsewhere none gives way."""
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), GIVES_WAY)
