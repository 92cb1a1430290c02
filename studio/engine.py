"""The one place where the page meets models: who plays, who waits, who hears what.

One thread makes all the steps: a step is one of all who play at that moment, so that who comes or goes
holds up nobody. Another makes sound of what is there. As many play as hear music without a gap, by what steps
and sound took lately; the others wait in a bounded line and are told their place, and how long it may
take. A session is found by a random id alone, and its listener gets its events alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from curation.errors import BadInput
from steering.decoding.generation import Generation
from steering.recipes import Recipe
from studio.asked import CLOSING, Busy, checked
from studio.callers import NOBODY, Visitor, in_turn
from studio.clips import Clips, Pair
from studio.errands import Errand, do
from studio.eyes import Eyes
from studio.ids import new_id
from studio.live import LivePlayback
from studio.loaded_models import LoadedModels
from studio.pace import Pace, told, waits
from studio.pieces import Pieces
from studio.playback import Event, Playback
from studio.twins import Twins

log = logging.getLogger(__name__)

MOST_PLAYING = 32
"""At once, however fast the machine is: for the memory's sake."""

MOST_HIRED = 4
"""The same while a GPU is hired for a clip: those take turns."""

MOST_WAITING = 256
ENOUGH_SECONDS, LITTLE_SECONDS = 2.0, 1.0
"""Who is so far ahead lets those go first who have so little."""

TELLING_SECONDS = 1.0
"""How often the line is told that it moved, at most: a hundred places a hundred times over take time from who plays."""

BETWEEN = 25
"""Steps of all who play between two of a number of errands."""

_BROKEN = "the page broke over this clip: try again, and report it with its recipe if it stays so"
T = TypeVar("T")


class Engine:
    """Plays recipes for many listeners on one machine.

    Args:
        playing: sessions at once at most. waiting: how long the line may grow.
        keep: takes the pairs that were played; `clips` does unless it is given.
    """

    def __init__(
        self,
        models: LoadedModels,
        playing: int = MOST_PLAYING,
        waiting: int = MOST_WAITING,
        keep: Callable[[Pair], None] | None = None,
    ) -> None:
        self.models, self.clips, self.eyes = models, Clips(), Eyes()
        self._keep = keep or self.clips.add
        self._most_playing, self._most_waiting = playing, waiting
        self._waiting: list[Playback] = []
        self._playing: list[Playback] = []
        self.twins, self.pace = Twins(), Pace()
        self._errands: deque[Errand] = deque()
        self._patient: deque[Errand] = deque()
        self._owed = 0
        self._moved, self._told = False, 0.0
        self._open: dict[str, Playback] = {}
        self._news = threading.Condition()
        self._closing = False
        self._sounds = Pieces()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._run, "engine"), (self._sound, "sound"))
        ]
        for thread in self._threads:
            thread.start()

    def check(self, raw: object) -> Recipe:
        """A client's recipe within all limits, with the model's revision; nothing is played.

        Raises:
            BadInput: it breaks a limit, names something that is not here, or is for another revision.
        """
        return checked(raw, self.models)

    def open(
        self,
        raw: object,
        listen: Callable[[Event], None],
        live: bool = False,
        visitor: Visitor = NOBODY,
    ) -> str:
        """Put a recipe in line; its session's id.

        Args:
            listen: gets the session's events, from the engine's thread.
            live: paced, a little ahead of the clock, so that moves are heard soon; it goes on until it is
                stopped, unless a GPU is hired for the clip.
            visitor: who listens: addresses take turns, and sessions of one do.

        Raises:
            BadInput: `check` refuses the recipe.
            Busy: too many wait already, or the page is shutting down.
        """
        return self.begin(self.check(raw), listen, live, visitor)

    def begin(
        self, recipe: Recipe, listen: Callable[[Event], None], live: bool, visitor: Visitor
    ) -> str:
        """The same with a recipe that `check` gave.

        Raises:
            BadInput: its model cannot be played now.
            Busy: as `open`.
        """
        loaded = self.models[recipe.model]
        name = new_id(12)
        if live and loaded.decoder is not None:
            one: Playback = LivePlayback(name, recipe, loaded, listen, self._crowded)
        else:
            twins = None if loaded.decoder is None else self.twins
            one = Playback(name, recipe, loaded, listen, live, twins)
        one.visitor = visitor
        with self._news:
            if self._closing:
                raise Busy(CLOSING)
            if len(self._waiting) >= self._most_waiting:
                raise Busy(f"{self._most_waiting} listeners are waiting already: try again shortly")
            self._waiting.append(one)
            self._open[one.id] = one
            self._tell_places([one])
            self._news.notify()
        return one.id

    def move(self, session: object, concept: int, coefficient: float) -> None:
        """Change a concept's strength from the next step on.

        Raises:
            BadInput: the session is over, or `Playback.move` refuses it.
        """
        self._find(session).move(concept, coefficient)

    def add(self, session: object, raw: object) -> int:
        """Let a concept join a live session; its place there, for `move`.

        Args:
            raw: what a recipe has of a concept.

        Raises:
            BadInput: the session is over or not live, or the concept breaks a limit.
        """
        one = self._live(session)
        recipe = self.check(one.recipe.record() | {"interventions": [raw], "moves": []})
        return one.add(recipe.interventions[0])

    def hear_of(self, session: object) -> None:
        """Say that a live session still has its listener.

        Raises:
            BadInput: the session is over or not live.
        """
        self._live(session).hear_of()

    def stop(self, session: object) -> bool:
        """End a session, whether it plays or waits; False when it was over already."""
        with self._news:
            one = self._open.get(session) if isinstance(session, str) else None
            if one is None:
                return False
            one.stop()
            self._news.notify()
            return True

    def errand(self, job: Callable[[], T], patient: bool = False) -> Future[T]:
        """Something short that needs a model, done between two turns.

        Args:
            patient: one of many: before the next of those all who play make some steps.

        Raises:
            Busy: the page is shutting down.
        """
        future: Future[T] = Future()
        with self._news:
            if self._closing:
                raise Busy(CLOSING)
            (self._patient if patient else self._errands).append((job, future))
            self._news.notify()
        return future

    @property
    def busy(self) -> dict[str, int]:
        """How many play and how many wait."""
        with self._news:
            return {"playing": len(self._playing), "waiting": len(self._waiting)}

    @property
    def alive(self) -> bool:
        """Whether its threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """Stop everything and wait for the thread."""
        with self._news:
            self._closing = True
            for one in self._open.values():
                one.stop()
            self._news.notify()
        for thread in self._threads:
            thread.join(timeout=30)

    def _find(self, session: object) -> Playback:
        one = self._open.get(session) if isinstance(session, str) else None
        if one is None:
            raise BadInput("this session is over: start a new one")
        return one

    def _live(self, session: object) -> LivePlayback:
        one = self._find(session)
        if not isinstance(one, LivePlayback):
            raise BadInput("this session is not live: start one with play_live")
        return one

    def _crowded(self) -> bool:
        """Whether more wait than sessions are about to end."""
        with self._news:
            return len(self._waiting) > sum(one.ending for one in self._playing)

    def _run(self) -> None:
        while True:
            with self._news:
                self._admit()
                errand = self._errand(self._owed <= 0)
                going, wait = ([], 0.0) if errand else self._due()
                if not going and errand is None:
                    errand = self._errand(True)
                if self._closing and not going and errand is None and not self._playing:
                    break
                if not going and errand is None:
                    self._news.wait(wait)
                    continue
            if errand is not None:
                do(*errand)
            else:
                self._owed -= 1
                self._step(going)
        self._sounds.close()

    def _errand(self, patient: bool) -> Errand | None:
        """The next one; of the patient ones only where they have their turn."""
        if self._errands:
            return self._errands.popleft()
        if not (patient and self._patient):
            return None
        self._owed = BETWEEN if self._playing else 0
        return self._patient.popleft()

    def _admit(self) -> None:
        """Let those whose turn it is play, and drop those who went away."""
        gone = [one for one in self._waiting if one.stopped]
        for one in gone:
            self._waiting.remove(one)
            self._over(one)
            one.tell(event="stopped", clip=None)
        admitted = 0
        while self._waiting and self._has_room(first := self._line()[0]):
            self._waiting.remove(first)
            self._playing.append(first)
            admitted += 1
        self._moved = self._moved or bool(gone or admitted)
        if self._moved and self._waiting and time.monotonic() >= self._told + TELLING_SECONDS:
            self._moved, self._told = False, time.monotonic()
            self._tell_places(self._waiting)

    def _line(self) -> list[Playback]:
        """Those who wait, whose turn is next first."""
        return in_turn(self._waiting, self._playing)

    def _has_room(self, one: Playback) -> bool:
        """Whether one more can play, and everybody still hears music without a gap."""
        count = len(self._playing)
        if count == 0 or count >= self._most_playing:
            return count == 0
        if not one.stepped:
            return count < MOST_HIRED
        playing = [other for other in self._playing if other.stepped]
        return self.pace.admits(one, playing, time.monotonic())

    def _due(self) -> tuple[list[Playback], float]:
        """Whose step it is, or how long to wait until it is someone's."""
        now = time.monotonic()
        early = [(one.early(now), one) for one in self._playing]
        going = [one for wait, one in early if wait <= 0]
        leads = [one.lead(now) for one in going]
        if going and min(leads) < LITTLE_SECONDS:
            going = [o for o, lead in zip(going, leads, strict=True) if lead < ENOUGH_SECONDS]
        return going, min((wait for wait, _ in early), default=1.0)

    def _step(self, going: list[Playback]) -> None:
        """A step of all of them; what goes wrong with one concerns it alone."""
        begun: dict[str, list[tuple[Playback, Generation]]] = {}
        began, fresh = time.monotonic(), any(one.fresh for one in going)
        for one in going:
            if not one.stepped:
                self._chunk(one)
                continue
            with self._broken_alone(one):
                run = one.begin()
                if run is None:
                    self._leave(one)
                else:
                    begun.setdefault(one.model, []).append((one, run))
        for name, pairs in begun.items():
            try:
                self.models[name].slots.step([run for _, run in pairs])
            except Exception as error:  # noqa: BLE001  told to its listeners alone
                for one, _ in pairs:
                    self._fail(one, error)
                continue
            for one, run in pairs:
                with self._broken_alone(one):
                    piece = one.finish(run, len(self._playing))
                    if piece is not None:
                        self._sounds.put(one, piece)
        rows = sum(one.rows for pairs in begun.values() for one, _ in pairs)
        if begun:
            self.pace.counted(rows)
        if len(begun) == 1 and not fresh:
            self.pace.stepped(rows, time.monotonic() - began)

    def _chunk(self, one: Playback) -> None:
        """A chunk of one that is played somewhere else."""
        with self._broken_alone(one):
            if not one.advance():
                self._leave(one)

    @contextmanager
    def _broken_alone(self, one: Playback) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001  told to its listener alone
            self._fail(one, error)

    def _fail(self, one: Playback, error: Exception) -> None:
        """Its listener is told once, and its slot is free."""
        known = isinstance(error, BadInput)
        if not known:
            log.error("a session failed", exc_info=error)
        if not one.failed:
            one.failed = True
            one.tell(event="error", message=str(error) if known else _BROKEN)
        self._leave(one)

    def _leave(self, one: Playback) -> None:
        """Its slot is free for the next; what is left to do is to sound what it still has."""
        with self._news:
            if one in self._playing:
                self._playing.remove(one)
                self._sounds.put(one, None)
                self._news.notify()

    def _sound(self) -> None:
        """Make sound of pieces, and an end of what is over."""
        while (given := self._sounds.get()) is not None:
            one, piece = given
            if piece is None:
                with self._news:
                    self._over(one)
            with self._broken_alone(one):
                if one.failed:
                    pass
                elif piece is None:
                    self._end(one)
                else:
                    began = time.monotonic()
                    one.hear(piece)
                    music = piece.codes.shape[-1] / one.frame_rate
                    self.pace.sounded(music, time.monotonic() - began)
            if piece is None:
                one.close()

    def _end(self, one: Playback) -> None:
        pair = one.pair()
        if pair is not None:
            self._keep(pair)
        one.tell_end(pair)

    def _over(self, one: Playback) -> None:
        self._open.pop(one.id, None)

    def _tell_places(self, those: Collection[Playback]) -> None:
        """To those of the line their place, and the seconds that it may take; None where nobody knows."""
        line = self._line()
        step = self.pace.step_seconds(sum(one.rows for one in self._playing))
        ends = waits(
            [one.steps * step for one in self._playing], [one.steps * step for one in line]
        )
        for place, (one, seconds) in enumerate(zip(line, ends, strict=True)):
            if one in those:
                one.tell(
                    event="waiting",
                    place=place + 1,
                    of=len(line),
                    seconds=told(seconds),
                    session=one.id,
                )
