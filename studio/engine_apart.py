"""The engine in a process of its own: no request can take its time, and this process keeps a light face of it.

Requests go over a pipe and are answered in their order, none of which takes long; a listener's events and the clips
that were played come back over another. What plays and what answers visitors have an interpreter each. Errands,
lessons and figures have the models of this process. A process that dies is told to its listeners in a line, and
another is started.
"""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import pickle
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, TypeVar

from curation.errors import BadInput
from steering.recipes import Recipe
from studio.asked import CLOSING, Busy, checked
from studio.callers import NOBODY, Visitor
from studio.clips import Clips, Pair
from studio.engine import MOST_PLAYING, MOST_WAITING, Engine
from studio.errands import Errands
from studio.eyes import Eyes
from studio.loaded_models import LoadedModels
from studio.pace import Pace
from studio.playback import ENDS, Event

log = logging.getLogger(__name__)

ANSWER_SECONDS, READY_SECONDS, CLOSE_SECONDS = 30.0, 300.0, 30.0
"""How long a request may take; until the models are loaded; until it has ended."""

AGAIN_SECONDS = 1.0
"""Before another process is started: one that dies at once takes no more than this machine can bear."""

DIED = "what plays here broke down and is starting again: try again in half a minute"
T = TypeVar("T")


class EngineApart:
    """Has the face of an `Engine`; all that plays is in another process.

    Args:
        models: of this process; the other one loads its own.
        playing, waiting: as `Engine` takes them.
    """

    def __init__(
        self, models: LoadedModels, playing: int = MOST_PLAYING, waiting: int = MOST_WAITING
    ) -> None:
        self.models, self.clips, self.twins = models, Clips(), FarTwins(self)
        self.eyes, self._pace = Eyes(), Pace()
        self._given = (models, playing, waiting)
        self._errands = Errands()
        self._numbers = itertools.count()
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._asked: dict[int, Future[Any]] = {}
        self._listening: dict[int, Callable[[Event], None]] = {}
        self._closing = False
        self._ready = self._start()
        try:
            self._ready.result(READY_SECONDS)
        except BaseException:
            self._closing = True
            self._process.kill()
            raise

    def check(self, raw: object) -> Recipe:
        """As `Engine.check`, in this process."""
        return checked(raw, self.models)

    def open(
        self,
        raw: object,
        listen: Callable[[Event], None],
        live: bool = False,
        visitor: Visitor = NOBODY,
    ) -> str:
        """As `Engine.open`."""
        recipe, number = self.check(raw), next(self._numbers)
        with self._lock:
            self._listening[number] = listen
        try:
            name: str = self._ask("begin", recipe, number, live, visitor)
        except BaseException:
            with self._lock:
                self._listening.pop(number, None)
            raise
        return name

    def move(self, session: object, concept: int, coefficient: float) -> None:
        """As `Engine.move`."""
        self._ask("move", session, concept, coefficient)

    def add(self, session: object, raw: object) -> int:
        """As `Engine.add`."""
        place: int = self._ask("add", session, raw)
        return place

    def hear_of(self, session: object) -> None:
        """As `Engine.hear_of`."""
        self._ask("hear_of", session)

    def stop(self, session: object) -> bool:
        """As `Engine.stop`; what was stopped by the end of its process is over."""
        with suppress(Busy):
            return bool(self._ask("stop", session))
        return False

    def errand(self, job: Callable[[], T], patient: bool = False) -> Future[T]:
        """As `Engine.errand`, with the models of this process: who plays does not wait for it."""
        if self._closing:
            raise Busy(CLOSING)
        return self._errands.add(job, patient)

    @property
    def busy(self) -> dict[str, int]:
        """How many play and how many wait."""
        with suppress(Busy):
            return dict(self._ask("busy"))
        return {"playing": 0, "waiting": 0}

    @property
    def pace(self) -> Pace:
        """What was measured until now, or until its process was no more."""
        with suppress(Busy):
            self._pace = self._ask("pace")
        return self._pace

    @property
    def alive(self) -> bool:
        """Whether there is a process that plays."""
        return self._process.is_alive()

    @property
    def process(self) -> int:
        """The id of the process that plays."""
        return self._process.pid or 0

    def close(self) -> None:
        """Stop everything and wait for the other process."""
        self._closing = True
        if self._ready.done():
            with suppress(Busy):
                self._ask("close")
            self._process.join(CLOSE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
        self._reader.join(CLOSE_SECONDS)
        self._errands.close()

    def _start(self) -> Future[Any]:
        """Start a process; what comes of it when its models are there."""
        spawn = multiprocessing.get_context("spawn")
        here, there = spawn.Pipe()
        self._process = spawn.Process(
            target=_play, args=(there, *self._given), name="engine", daemon=True
        )
        self._process.start()
        there.close()
        ready: Future[Any] = Future()
        with self._lock:
            self._pipe = here
            self._asked[-1] = ready
        self._reader = threading.Thread(target=self._read, args=(here,), daemon=True)
        self._reader.start()
        return ready

    def _ask(self, what: str, *arguments: Any) -> Any:
        """What the other process answers.

        Raises:
            BadInput: it refuses. Busy: it is not there.
        """
        if not self._ready.done():
            raise Busy(DIED)
        number, answer = next(self._numbers), Future[Any]()
        with self._lock:
            self._asked[number] = answer
        try:
            with self._sending:
                self._pipe.send_bytes(pickle.dumps((number, what, arguments)))
            return answer.result(ANSWER_SECONDS)
        except (OSError, TimeoutError):
            raise Busy(CLOSING if self._closing else DIED) from None
        finally:
            with self._lock:
                self._asked.pop(number, None)

    def _read(self, pipe: Connection) -> None:
        """Hand on what the other process says, until it is no more."""
        with suppress(EOFError, OSError):
            while True:
                self._take(*pickle.loads(pipe.recv_bytes()))  # noqa: S301  of our own
        pipe.close()
        self._lost()

    def _take(self, kind: str, number: int, said: Any) -> None:
        if kind == "pair":
            self.clips.add(said)
            return
        with self._lock:
            answer = None if kind == "event" else self._asked.pop(number, None)
            listen = self._listening.get(number) if kind == "event" else None
            if kind == "event" and said["event"] in ENDS:
                self._listening.pop(number, None)
        if listen is not None:
            listen(said)
        elif answer is not None and kind == "answer":
            answer.set_result(said)
        elif answer is not None:
            answer.set_exception(said)

    def _lost(self) -> None:
        """The other process is no more: say so to all who waited for it, and start another."""
        with self._lock:
            asked, self._asked = list(self._asked.values()), {}
            listening, self._listening = list(self._listening.values()), {}
        line = CLOSING if self._closing else DIED
        for answer in asked:
            answer.set_exception(Busy(line))
        for listen in listening:
            listen({"event": "error", "message": line})
        if not self._closing:
            log.error("the engine's process ended with %s", self._process.exitcode)
            time.sleep(AGAIN_SECONDS)
            self._ready = self._start()


AnyEngine = Engine | EngineApart


class FarTwins:
    """The twins of the other process."""

    def __init__(self, engine: EngineApart) -> None:
        self._engine = engine

    def __len__(self) -> int:
        return int(self._engine._ask("known"))

    def clear(self) -> None:
        """Forget all."""
        self._engine._ask("forget")


def _play(pipe: Connection, models: LoadedModels, playing: int, waiting: int) -> None:
    """The other process: answers requests until there is nobody to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked ends it
    out: SimpleQueue[tuple[str, int, Any] | None] = SimpleQueue()
    speaking = threading.Thread(target=_speak, args=(pipe, out), daemon=True)
    speaking.start()
    models.load(models.names[0])

    def keep(pair: Pair) -> None:
        out.put(("pair", 0, pair))

    engine = Engine(models, playing, waiting, keep)
    out.put(("answer", -1, None))
    with suppress(EOFError, OSError):
        while True:
            number, what, arguments = pickle.loads(pipe.recv_bytes())  # noqa: S301  of our own
            if what == "close":
                break
            try:
                out.put(("answer", number, _answer(engine, out, what, arguments)))
            except BadInput as error:
                out.put(("refusal", number, error))
            except Exception:
                log.exception("%s broke", what)
                out.put(("refusal", number, BadInput(f"{what} broke here: try again")))
    engine.close()
    out.put(None)
    speaking.join(CLOSE_SECONDS)


def _answer(engine: Engine, out: SimpleQueue[Any], what: str, arguments: tuple[Any, ...]) -> Any:
    if what == "begin":
        recipe, number, live, visitor = arguments
        return engine.begin(recipe, lambda event: out.put(("event", number, event)), live, visitor)
    if what == "forget":
        return engine.twins.clear()
    if what == "known":
        return len(engine.twins)
    found = getattr(engine, what)
    return found(*arguments) if callable(found) else found


def _speak(pipe: Connection, out: SimpleQueue[tuple[str, int, Any] | None]) -> None:
    """Send what is there, so that whoever reads slowly holds up nobody who plays."""
    with suppress(OSError):
        while (said := out.get()) is not None:
            pipe.send_bytes(pickle.dumps(said))
