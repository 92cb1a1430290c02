"""The machines that play, as whoever stands before them knows them: by mark, and by what they last said."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from curation.errors import BadInput

SILENT_SECONDS = 10.0
"""Who says nothing for so long is gone; all say something every two seconds."""

UNREAD_SECONDS = 30.0
"""A clip that nobody began to read for so long is no longer counted."""

MOST_TABS = 10_000
"""Visitors of whom it is remembered where they are, who bring no cookie."""

LOYAL = 2
"""A new clip goes elsewhere where so many fewer play than where its listener was."""

NOBODY = "no machine plays at this moment: try again in a minute"


@dataclass(eq=False)
class Replica:
    """A page on a machine of its own.

    Attributes:
        mark: begins every id that it makes.
        address: where it is reached, as ``http://10.0.0.7:8001``.
        said: its figures, when it last said something, at `heard`.
        plays: clips that were given to it, and until when they count: for as long as somebody reads them.
    """

    mark: str
    address: str
    heard: float
    said: Mapping[str, float] = field(default_factory=dict)
    plays: dict[str, float] = field(default_factory=dict)
    given: int = 0


class Replicas:
    """Those that are there. Several threads may use it.

    Args:
        clock: seconds that only go on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._known: dict[str, Replica] = {}
        self._tabs = OrderedDict[str, str]()

    def hear_of(self, mark: str, address: str, said: Mapping[str, float] | None = None) -> None:
        """One said that it is there."""
        with self._lock:
            one = self._known.setdefault(mark, Replica(mark, address, 0.0))
            one.heard, one.said = self._clock(), said or {}

    def lose(self, one: Replica) -> None:
        """One does not answer any more; it may be heard of again."""
        with self._lock:
            self._known.pop(one.mark, None)

    @property
    def there(self) -> list[Replica]:
        """All who said something lately."""
        with self._lock:
            last = self._clock() - SILENT_SECONDS
            self._known = {mark: one for mark, one in self._known.items() if one.heard >= last}
            return list(self._known.values())

    def has(self, one: Replica) -> bool:
        """Whether it is still there."""
        return one in self.there

    def of(self, mark: str) -> Replica | None:
        """The one of a mark; None where it is gone."""
        return next((one for one in self.there if one.mark == mark), None)

    def of_tab(self, name: str) -> Replica:
        """Where a visitor without a cookie is: where they were, or one that follows from their name.

        Raises:
            BadInput: there is none at all.
        """
        with self._lock:
            before = self._tabs.get(name, "")
        one = self.of(before) or max(self._some(), key=lambda one: _lot(one.mark, name))
        with self._lock:
            self._tabs[name] = one.mark
            self._tabs.move_to_end(name)
            while len(self._tabs) > MOST_TABS:
                self._tabs.popitem(last=False)
        return one

    def calmest(self, own: Replica | None = None) -> Replica:
        """Where a new clip is played: on the visitor's own, unless many more play there than elsewhere.

        Raises:
            BadInput: there is none at all.
        """
        found = {one: self.load(one) for one in self._some()}
        least = min(found, key=lambda one: (found[one], one.given))
        one = own if own in found and found[own] < found[least] + LOYAL else least
        one.given += 1
        return one

    def load(self, one: Replica) -> int:
        """Clips that a machine plays for us now."""
        with self._lock:
            now = self._clock()
            one.plays = {name: until for name, until in one.plays.items() if until > now}
            return len(one.plays)

    def plays(self, one: Replica, name: str, seconds: float = UNREAD_SECONDS) -> None:
        """A clip was given to a machine; it counts for so long unless `over` comes before."""
        with self._lock:
            one.plays[name] = self._clock() + seconds

    def over(self, one: Replica, name: str) -> None:
        """A clip is not read any more."""
        with self._lock:
            one.plays.pop(name, None)

    def _some(self) -> list[Replica]:
        found = self.there
        if not found:
            raise BadInput(NOBODY)
        return found


def _lot(*words: Any) -> bytes:
    """The same for the same words, on every machine: each name has an order of machines of its own."""
    return hashlib.sha256("/".join(map(str, words)).encode()).digest()
