"""Who calls: from which address, in which session, and whether anybody still reads the answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

UNREAD_SECONDS = 10.0
"""How long what nobody reads goes on, and how long a call waits to be read before anything is done for it."""

LOOK_SECONDS = 0.01
"""How often who waits to be read looks again."""

Visitor = tuple[str, str]
"""An address, and a session of it."""

NOBODY: Visitor = ("", "")

CALLS_A_MINUTE = 900
OPEN_CALLS = 64
"""Of an address at once: those that wait, play, or are being answered."""


@dataclass(frozen=True)
class Share:
    """What one address may do.

    Attributes:
        calls: a minute. at_once: open calls.
        proxies: how many stand before the page, each of which adds who asked it to ``X-Forwarded-For``;
            0 where visitors ask the page itself, and may write there what they like.
    """

    calls: int = CALLS_A_MINUTE
    at_once: int = OPEN_CALLS
    proxies: int = 0


@dataclass(frozen=True)
class Caller:
    """Who made a call.

    Attributes:
        unread: for how many seconds nobody has read what it is told; 0 for who reads.
    """

    visitor: Visitor = NOBODY
    unread: Callable[[], float] = lambda: 0.0

    async def reads(self) -> bool:
        """Wait until it reads; False when it does not in time."""
        while (idle := self.unread()) > 0:
            if idle > UNREAD_SECONDS:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    @property
    def gone(self) -> bool:
        """Whether nobody has read it for too long."""
        return self.unread() > UNREAD_SECONDS


CALLER: ContextVar[Caller] = ContextVar("caller", default=Caller())  # noqa: B039  frozen
"""Of the call at hand; in a program's own calls nobody in particular, who reads."""


class Comes(Protocol):
    """Something that a visitor wants."""

    @property
    def visitor(self) -> Visitor:
        """Who."""


C = TypeVar("C", bound=Comes)


def in_turn(waiting: Sequence[C], served: Sequence[Comes]) -> list[C]:
    """Those who wait in the order of their turns: addresses take turns, and sessions of an address do.

    Args:
        waiting: as they came. served: those who have what the others wait for.
    """
    order = list(waiting)
    for depth in (2, 1):
        known: Counter[Any] = Counter(one.visitor[:depth] for one in served)
        ranks = []
        for one in order:
            ranks.append(known[one.visitor[:depth]])
            known[one.visitor[:depth]] += 1
        by_rank = sorted(zip(ranks, order, strict=True), key=lambda pair: pair[0])
        order = [one for _, one in by_rank]
    return order
