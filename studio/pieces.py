"""Pieces of music on their way to be sounded: whose listener has least in hand comes first."""

from __future__ import annotations

import threading
import time
from collections import deque

from steering.decoding.sound import Piece
from studio.playback import Playback


class Pieces:
    """From the thread that makes steps to the one that makes sound; one playback's stay in their order."""

    def __init__(self) -> None:
        self._waiting: dict[Playback, deque[Piece | None]] = {}
        self._news = threading.Condition()
        self._closed = False

    def put(self, one: Playback, piece: Piece | None) -> None:
        """Add the next of a playback; None where it is over."""
        with self._news:
            self._waiting.setdefault(one, deque()).append(piece)
            self._news.notify()

    def get(self) -> tuple[Playback, Piece | None] | None:
        """The next to be sounded; None when all is sounded and no more will come."""
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return None
            now = time.monotonic()
            one = min(self._waiting, key=lambda other: other.in_hand(now))
            pieces = self._waiting[one]
            piece = pieces.popleft()
            if not pieces:
                del self._waiting[one]
            return one, piece

    def close(self) -> None:
        """No more will come."""
        with self._news:
            self._closed = True
            self._news.notify()
