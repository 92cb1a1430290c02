"""The one place where the page meets models: who plays, who waits, who hears what.

One thread does all the playing. It goes round the sessions that play and takes one chunk from each
in turn, so that two listeners share the machine evenly; the others wait in a bounded line and are
told their place. A session is found by a random id alone, and its listener gets its events alone.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

from curation.errors import BadInput
from steering.recipes import Recipe
from studio.clips import Clips
from studio.limits import check_request
from studio.live import LivePlayback
from studio.loaded_models import LoadedModel, LoadedModels
from studio.playback import Event, Playback

log = logging.getLogger(__name__)

MOST_PLAYING = 4
MOST_WAITING = 24
_BROKEN = "the page broke over this clip: try again, and report it with its recipe if it stays so"
_CLOSING = "the page is shutting down: come back in a minute"
T = TypeVar("T")


class Busy(BadInput):
    """The line is full."""


class Engine:
    """Plays recipes for many listeners on one machine.

    Args:
        playing: sessions that are given turns at once. waiting: how long the line may grow.
    """

    def __init__(
        self, models: LoadedModels, playing: int = MOST_PLAYING, waiting: int = MOST_WAITING
    ) -> None:
        self.models, self.clips = models, Clips()
        self._most_playing, self._most_waiting = playing, waiting
        self._waiting: deque[Playback] = deque()
        self._playing: deque[Playback] = deque()
        self._errands: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._patient: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._owed = 0
        self._open: dict[str, Playback] = {}
        self._news = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def check(self, raw: object) -> Recipe:
        """A client's recipe within all limits, with the model's revision; nothing is played.

        Raises:
            BadInput: it breaks a limit, names something that is not here, or is for another revision.
        """
        loaded = self._model(raw)
        here = loaded.model.origin.revision
        recipe = check_request(raw, loaded.banks)
        if recipe.revision not in ("", here):
            raise BadInput(
                f"the recipe is for revision {recipe.revision!r:.40} of {loaded.name}, here is "
                f"{here}: it would not give the same clip; "
                "take 'revision' out of it to play it all the same"
            )
        recipe = replace(recipe, model=loaded.name, revision=here)
        recipe.check(loaded.bank)
        loaded.model.frames(recipe.seconds)
        return recipe

    def open(self, raw: object, listen: Callable[[Event], None], live: bool = False) -> str:
        """Put a recipe in line; its session's id.

        Args:
            listen: gets the session's events, from the engine's thread.
            live: paced, a little ahead of the clock, so that moves are heard soon; it goes on until it is
                stopped, unless a GPU is hired for the clip.

        Raises:
            BadInput: `check` refuses the recipe.
            Busy: too many wait already, or the page is shutting down.
        """
        recipe = self.check(raw)
        loaded = self.models[recipe.model]
        name = secrets.token_urlsafe(12)
        if live and loaded.decoder is not None:
            one: Playback = LivePlayback(name, recipe, loaded, listen, self._crowded)
        else:
            one = Playback(name, recipe, loaded, listen, live)
        with self._news:
            if self._closing:
                raise Busy(_CLOSING)
            if len(self._waiting) >= self._most_waiting:
                raise Busy(f"{self._most_waiting} listeners are waiting already: try again shortly")
            self._waiting.append(one)
            self._open[one.id] = one
            self._tell_places()
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
            patient: one of many: before the next of those all who play have their turn.

        Raises:
            Busy: the page is shutting down.
        """
        future: Future[T] = Future()
        with self._news:
            if self._closing:
                raise Busy(_CLOSING)
            (self._patient if patient else self._errands).append((job, future))
            self._news.notify()
        return future

    @property
    def busy(self) -> dict[str, int]:
        """How many play and how many wait."""
        with self._news:
            return {"playing": len(self._playing), "waiting": len(self._waiting)}

    def close(self) -> None:
        """Stop everything and wait for the thread."""
        with self._news:
            self._closing = True
            for one in self._open.values():
                one.stop()
            self._news.notify()
        self._thread.join(timeout=30)

    def _model(self, raw: object) -> LoadedModel:
        if not isinstance(raw, dict):
            raise BadInput("the recipe is not a JSON object: send what 'Keep' gives as recipe.json")
        return self.models[raw.get("model", self.models.names[0])]

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
                errand = self._errand(self._owed == 0)
                one, wait = (None, 0.0) if errand else self._turn()
                self._owed -= bool(one and self._owed)
                if one is None and errand is None:
                    errand = self._errand(True)
                if self._closing and one is None and errand is None and not self._playing:
                    return
                if one is None and errand is None:
                    self._news.wait(wait)
                    continue
            if errand is not None:
                _do(*errand)
            elif one is not None:
                self._play(one)

    def _errand(self, patient: bool) -> tuple[Callable[[], Any], Future[Any]] | None:
        """The next one; of the patient ones only where they have their turn."""
        if self._errands:
            return self._errands.popleft()
        if not (patient and self._patient):
            return None
        self._owed = len(self._playing)
        return self._patient.popleft()

    def _admit(self) -> None:
        """Let those at the head of the line play, and drop those who went away."""
        gone = [one for one in self._waiting if one.stopped]
        for one in gone:
            self._waiting.remove(one)
            self._over(one)
            one.tell(event="stopped", clip=None)
        admitted = 0
        while self._waiting and len(self._playing) < self._most_playing:
            self._playing.append(self._waiting.popleft())
            admitted += 1
        if gone or admitted:
            self._tell_places()

    def _turn(self) -> tuple[Playback | None, float]:
        """Whose turn it is, or how long to wait until it is someone's."""
        now, wait = time.monotonic(), 1.0
        for _ in range(len(self._playing)):
            one = self._playing[0]
            self._playing.rotate(-1)
            early = one.early(now)
            if early <= 0:
                return one, 0.0
            wait = min(wait, early)
        return None, wait

    def _play(self, one: Playback) -> None:
        """One chunk of one session; what goes wrong with it concerns it alone."""
        try:
            going = one.advance()
            if not going:
                pair = one.pair()
                if pair is not None:
                    self.clips.add(pair)
                one.tell_end(pair)
        except BadInput as error:
            going = False
            one.tell(event="error", message=str(error))
        except Exception:
            log.exception("a session failed")
            going = False
            one.tell(event="error", message=_BROKEN)
        if not going:
            one.close()
            with self._news:
                self._playing.remove(one)
                self._over(one)

    def _over(self, one: Playback) -> None:
        self._open.pop(one.id, None)

    def _tell_places(self) -> None:
        for place, one in enumerate(self._waiting):
            one.tell(event="waiting", place=place + 1, of=len(self._waiting), session=one.id)


def _do(job: Callable[[], Any], future: Future[Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(job())
    except Exception as error:  # noqa: BLE001  handed on to whoever asked
        future.set_exception(error)
