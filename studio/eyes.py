"""What listeners met with, counted as it is told to them: who plays and waits, how long, and whose player ran dry.

It sees a session's events on their way, so it counts the same wherever the engine runs, and knows of a listener
no more than a session's id.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from curation.errors import BadInput
from studio.asked import Busy

if TYPE_CHECKING:
    from studio.playback import Event

PATIENCE = 0.25
"""Seconds of sound that a player waits for before it begins."""

STUCK_SECONDS = 120.0
"""So long nobody is told anything only where nothing goes on any more: a model's first clip takes 30 s."""

ENDS = ("done", "stopped", "error")

log = logging.getLogger(__name__)


class Session:
    """What is known of a session that is open."""

    def __init__(self, now: float, live: bool, prompt: object) -> None:
        self.asked, self.live, self.prompt = now, live, prompt
        self.name, self.sample_rate = "", 0
        self.started: float | None = None
        self.begins, self.seconds = 0.0, 0.0
        self.gaps, self.missing = 0, 0.0

    def hear(self, seconds: float, now: float) -> float:
        """So much more sound is there; for how long the player had none."""
        if not self.seconds:
            self.begins = now + PATIENCE
        late = max(0.0, now - (self.begins + self.seconds))
        if late:
            self.gaps, self.missing, self.begins = (
                self.gaps + 1,
                self.missing + late,
                now - self.seconds,
            )
        self.seconds += seconds
        return late


class Eyes:
    """Counts of one engine; several threads may use it.

    Args:
        clock: seconds that only go on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._open: set[Session] = set()
        self._lively = clock()
        self.counts: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def watching(
        self, recipe: object, live: bool, listen: Callable[[Event], None]
    ) -> Iterator[Callable[[Event], None]]:
        """What is to listen in place of ``listen`` to a session that is opened inside."""
        prompt = recipe.get("prompt") if isinstance(recipe, dict) else None
        one = Session(self._clock(), live, prompt)

        def seen(event: Event) -> None:
            self._see(one, event)
            listen(event)

        with self._lock:
            if not self._open:  # while nobody is there nothing can be stuck
                self._lively = self._clock()
            self._open.add(one)
        try:
            yield seen
        except BaseException as error:
            with self._lock:
                self._open.discard(one)
            if isinstance(error, BadInput):
                self._refuse("busy" if isinstance(error, Busy) else "recipe", prompt)
            raise

    @property
    def silent(self) -> float:
        """Seconds since anybody of those who are there was told anything; 0 where nobody is."""
        with self._lock:
            return self._clock() - self._lively if self._open else 0.0

    @property
    def longest_wait(self) -> float:
        """Seconds that whoever waits for longest has waited."""
        with self._lock:
            asked = [one.asked for one in self._open if one.started is None]
            return self._clock() - min(asked) if asked else 0.0

    def _refuse(self, why: str, prompt: object) -> None:
        with self._lock:
            self.counts[f"refused {why}"] += 1
        log.info("refused", extra={"why": why, "prompt": prompt})

    def _see(self, one: Session, event: Event) -> None:
        now, kind = self._clock(), event["event"]
        with self._lock:
            self._lively = now
            one.name = event.get("session", one.name)
            if kind == "started":
                one.started, one.sample_rate = now, event["sample_rate"]
                self.counts["begun"] += 1
                self.counts["waited"] += now - one.asked
            elif kind == "audio":
                self._hear(one, event, now)
            elif kind in ENDS:
                self._open.discard(one)
                self.counts[f"ended {kind}"] += 1
        if kind in ENDS:
            self._tell(one, kind)

    def _hear(self, one: Session, event: Event, now: float) -> None:
        samples = 3 * len(event["steered"]) // 8  # of two bytes each, in base64
        if samples:
            late = one.hear(samples / one.sample_rate, now)
            self.counts["gaps"] += late > 0
            self.counts["missing"] += late

    def _tell(self, one: Session, end: str) -> None:
        waited = (one.started or self._clock()) - one.asked
        told = {
            "session": shortened(one.name),
            "live": one.live,
            "seconds": round(one.seconds, 1),
            "waited": round(waited, 2),
            "gaps": one.gaps,
            "prompt": one.prompt,
        }
        log.info(end, extra=told)


def shortened(session: str) -> str:
    """What a session is called where others may read it: its id is what it is moved and stopped by.

    >>> shortened("a session")
    '1e2952b4'
    """
    return hashlib.sha256(session.encode()).hexdigest()[:8]
