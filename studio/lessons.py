"""Lessons under way: each in a thread of its own, which has the model for a moment at a time.

What needs the model is an errand of the engine's, and a patient one: all who listen have their turn
between two of them. Of a lesson nothing is kept here but its end, which its listener is told.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field
from typing import Any, TypeVar

from curation.errors import BadInput
from steering.directions.packed import pack
from steering.teaching.lesson import NEAR, Lesson, check_name, teach_examples
from steering.teaching.material import check_counts
from steering.teaching.trials import Trials
from steering.teaching.variants import check_parts
from studio.asked import Busy
from studio.endpoints import broken
from studio.engine_apart import AnyEngine
from studio.examples import Heard, examples_of
from studio.ids import new_id
from studio.loaded_models import LoadedModel
from studio.playback import Event

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST_LESSONS = 2
"""Under way at once."""
LONGEST_LESSON_SECONDS = 1200.0
PATIENCE_SECONDS = 120.0
"""How long one moment with the model is waited for."""
BATCH = 2
"""Clips that are read in one moment."""


class Stopped(Exception):
    """Its listener stopped the lesson, or went away."""


@dataclass(frozen=True)
class Asked:
    """A lesson as it is asked for.

    Attributes:
        having: clips that have the concept. lacking: that have not; none for neutral ones.
        belongs: parts of the concept.
    """

    name: str
    having: Sequence[Heard]
    lacking: Sequence[Heard]
    belongs: Collection[str]
    loaded: LoadedModel


@dataclass
class _UnderWay:
    asked: Asked
    listen: Callable[[Event], None]
    stopped: bool = False
    begun: float = field(default_factory=time.monotonic)


class Lessons:
    """Teaches for a few visitors at once.

    Args:
        engine: has the models.
    """

    def __init__(self, engine: AnyEngine, most: int = MOST_LESSONS) -> None:
        self._engine, self._most = engine, most
        self._open: dict[str, _UnderWay] = {}
        self._lock = threading.Lock()

    def begin(self, asked: Asked, listen: Callable[[Event], None]) -> str:
        """Begin a lesson; its id, which `stop` takes.

        Raises:
            BadInput: its name, parts or counts are not as they must be, or the model plays elsewhere.
            Busy: too many are under way.
        """
        check_parts(asked.belongs)
        asked = Asked(
            check_name(asked.name), asked.having, asked.lacking, asked.belongs, asked.loaded
        )
        if asked.loaded.decoder is None:
            raise BadInput(
                f"{asked.loaded.name} plays on a hired GPU: teach it with 'python -m steering teach'"
            )
        one, name = _UnderWay(asked, listen), new_id(12)
        with self._lock:
            if len(self._open) >= self._most:
                raise Busy(f"{self._most} lessons are under way here: try again in a minute")
            self._open[name] = one
        threading.Thread(target=self._run, args=(name, one), name="lesson", daemon=True).start()
        return name

    def stop(self, lesson: object) -> bool:
        """End a lesson; False when it was over already."""
        with self._lock:
            one = self._open.get(lesson) if isinstance(lesson, str) else None
            if one is None:
                return False
            one.stopped = True
            return True

    @property
    def under_way(self) -> int:
        """How many."""
        return len(self._open)

    def use(self, job: Callable[[], T], /) -> T:
        """Do what needs a model, when its turn has come.

        Raises:
            BadInput: its turn did not come.
        """
        try:
            return self._engine.errand(job, patient=True).result(PATIENCE_SECONDS)
        except Late:
            raise Busy("too many listen at the moment: try again in a minute") from None

    def _run(self, name: str, one: _UnderWay) -> None:
        one.listen({"event": "started", "session": name})
        try:
            last = self._taught(one)
        except Stopped:
            last = {"event": "stopped"}
        except BadInput as error:
            last = {"event": "error", "message": str(error)}
        except Exception:  # noqa: BLE001  logged, and told with its reference
            last = {"event": "error", "message": broken("teach")}
        with self._lock:
            del self._open[name]
        one.listen(last)

    def _taught(self, one: _UnderWay) -> Event:
        asked, loaded = one.asked, one.asked.loaded

        def told(what: str, done: int, total: int) -> None:
            _check(one)
            one.listen({"event": "lesson", "what": what, "done": done, "total": total})

        def use(job: Callable[[], T], /) -> T:
            _check(one)
            return self.use(job)

        assert loaded.decoder is not None
        examples, against = examples_of(
            asked.having, asked.lacking, loaded.model, asked.belongs, use
        )
        check_counts(examples)
        lesson = teach_examples(
            loaded.decoder,
            examples,
            asked.name,
            against,
            told=told,
            belongs=asked.belongs,
            use=use,
            batch=BATCH,
        )
        return told_of(lesson) | {"took": round(time.monotonic() - one.begun, 1)}


def _check(one: _UnderWay) -> None:
    """Whether the lesson goes on."""
    if one.stopped:
        raise Stopped
    if time.monotonic() - one.begun > LONGEST_LESSON_SECONDS:
        raise Busy("the lesson took too long, as many listen: try again later, or with fewer clips")


def told_of(lesson: Lesson) -> Event:
    """What a listener is told of a lesson, and the bank as text: it is kept nowhere else."""
    verdict, made = lesson.verdict, lesson.trials
    near = [[name, round(cosine, 3)] for name, cosine in lesson.overlaps if abs(cosine) > NEAR]
    return {
        "event": "done",
        "name": lesson.name,
        "bank": pack(lesson.bank),
        "strength": lesson.strength,
        "told": verdict.told,
        "known": verdict.known,
        "auc": [round(one, 3) for one in (verdict.auc.mean, verdict.auc.low, verdict.auc.high)],
        "null": round(verdict.null, 3),
        "p": round(verdict.p, 4),
        "against": verdict.against,
        "clips": [verdict.having, verdict.lacking],
        "trials": None if made is None else _tried(made),
        "overlaps": near,
        "words": str(lesson).split("\n"),
    }


def _tried(made: Trials) -> dict[str, Any]:
    return {
        "works": made.works,
        "lives": made.lives,
        "moved": round(made.chosen.moved, 3),
        "random": round(made.random.moved, 3),
    }
