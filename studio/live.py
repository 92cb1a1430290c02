"""A live session: a recipe that goes on until it is stopped, and what of it a recipe can make again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from curation.errors import BadInput
from steering.decoding.clip import Clip
from steering.decoding.session import Session
from steering.decoding.sound import Chunk
from steering.interventions.intervention import Intervention
from steering.interventions.plan import Move
from steering.interventions.record import InterventionRecord
from steering.recipes import Recipe
from studio.clips import Pair
from studio.limits import (
    LONGEST_SECONDS,
    MOST_CONCEPTS,
    MOST_LIVE_CONCEPTS,
    MOST_LIVE_SECONDS,
    MOST_MOVES,
    SHARED_LIVE_SECONDS,
    SHORTEST_SECONDS,
    UNHEARD_SECONDS,
)
from studio.loaded_models import LoadedModel
from studio.playback import Event, Playback

TAIL_SECONDS = 0.5
"""The end of what was longer than its recipe: its last codes had more after them than the recipe's have."""

_LONG = "an hour is as long as a live session goes on: start another"
_UNHEARD = "nobody was heard of for a minute, so the session ended"
_CROWDED = "others wait in line, so the session ended after five minutes: stand in line again"


class LivePlayback(Playback):
    """A session without an end. Of its sound only as much is kept as a recipe can make again.

    Args:
        crowded: whether others wait in line.
    """

    def __init__(
        self,
        name: str,
        recipe: Recipe,
        loaded: LoadedModel,
        listen: Callable[[Event], None],
        crowded: Callable[[], bool],
    ) -> None:
        apart = recipe.orthogonalise and bool(recipe.interventions)
        super().__init__(name, replace(recipe.lasting(), orthogonalise=apart), loaded, listen, True)
        self._shortest, self._crowded = recipe.seconds, crowded
        self._heard_of = self._asked
        self._frames = 0
        self._moves: dict[tuple[int, int], Move] = {}
        self._why = ""

    @property
    def recipe(self) -> Recipe:
        """What it began with, and the concepts that joined."""
        return self._recipe

    def hear_of(self) -> None:
        """Its listener is still there."""
        self._heard_of = time.monotonic()

    def move(self, concept: int, coefficient: float) -> None:
        """As `Playback.move`."""
        self.hear_of()
        super().move(concept, coefficient)

    def add(self, record: InterventionRecord) -> int:
        """Let a concept join, with its coefficient from the next step on; its place among all.

        Raises:
            BadInput: there are as many as a session has, or it does not fit the model.
        """
        self.hear_of()
        if len(self._recipe.interventions) >= MOST_LIVE_CONCEPTS:
            raise BadInput(
                f"a live session has {MOST_LIVE_CONCEPTS} concepts at most: start another for more"
            )
        record = replace(record, schedule=record.schedule.lasting(self._shortest))
        with self._starting:
            if isinstance(self._session, Session):
                bank = self._recipe.bank(record.bank, self._loaded.bank)
                self._session.add(Intervention.of(record, bank))
                record = replace(record, coefficient=0.0)
            concepts = (*self._recipe.interventions, record)
            self._recipe = replace(self._recipe, interventions=concepts)
        return len(concepts) - 1

    def stop(self) -> None:
        """Let it end where it is."""
        if isinstance(self._session, Session):
            self._session.end()
            self.ending = True
        else:
            self.stopped = True

    def early(self, now: float) -> float:
        """As `Playback.early`; what is left at its end is due at once."""
        return 0.0 if self.ending else super().early(now)

    def _open_session(self) -> Session:
        recipe, rate = self._recipe, self._loaded.model.frame_rate
        plan = recipe.plan(self._loaded.bank, rate, math.inf)
        clips = [Clip(recipe.prompt, recipe.seed, plan), Clip(recipe.prompt, recipe.seed)]
        return self._loaded.live_session(clips, recipe.sampling)

    def _take(self, chunk: Chunk) -> None:
        super()._take(chunk)
        self._frames = chunk.done
        why = self._why or self._enough()
        if why and not self._why:
            self._why = why
            self.stop()

    def _enough(self) -> str:
        if self._played >= MOST_LIVE_SECONDS:
            return _LONG
        if time.monotonic() - self._heard_of > UNHEARD_SECONDS:
            return _UNHEARD
        return _CROWDED if self._played >= SHARED_LIVE_SECONDS and self._crowded() else ""

    def _keep(self, chunk: Chunk, sound: Any) -> None:
        if self._frames <= self._most_frames:
            super()._keep(chunk, sound)
            self._keep_moves()

    def _keep_moves(self) -> None:
        """The session forgets them in time."""
        assert self._session is not None
        self._moves |= {(move.step, move.concept): move for move in self._session.moves}

    @property
    def _most_frames(self) -> int:
        return round(LONGEST_SECONDS * self._loaded.model.frame_rate)

    def pair(self) -> Pair | None:
        """What a recipe can make again: all of it, or its first 30 s; None where no recipe can."""
        rate = self._loaded.model.frame_rate
        if not self._frames or self._session is None:
            return None
        moves = tuple(self._moves[place] for place in sorted(self._moves))
        seconds = min(self._frames, self._most_frames) / rate
        recipe = _of_length(self._recipe, moves, max(seconds, SHORTEST_SECONDS), rate)
        if recipe is None:
            recipe = _of_length(self._recipe, moves, self._shortest, rate)
        if recipe is None:
            self._why = self._why or (
                f"a recipe holds {MOST_CONCEPTS} concepts and {MOST_MOVES} moves, this had more: "
                "keep its sound"
            )
            return None
        whole = round(recipe.seconds * rate) == self._frames
        kept = self._frames if whole else min(self._frames, round(recipe.seconds * rate))
        kept -= 0 if whole else round(TAIL_SECONDS * rate)
        return self._cut(recipe, kept, whole) if kept > 0 else None

    def _ending(self) -> Event:
        told = super()._ending() | {"played_seconds": round(self._played, 3)}
        return told | ({"why": self._why} if self._why else {})


def _of_length(
    recipe: Recipe, moves: tuple[Move, ...], seconds: float, frame_rate: float
) -> Recipe | None:
    """The recipe of a clip of this length with what was used of it; None where there is none."""
    within = tuple(move for move in moves if move.step < round(seconds * frame_rate))
    parts, within = _used(recipe, within)
    if len(parts) > MOST_CONCEPTS or len(within) > MOST_MOVES:
        return None
    try:
        for one in parts:
            one.schedule.check(seconds)
    except BadInput:
        return None
    used = {one.bank for one in parts}
    banks = {name: kept for name, kept in recipe.banks.items() if name in used}
    return replace(recipe, interventions=parts, moves=within, seconds=seconds, banks=banks)


def _used(
    recipe: Recipe, moves: tuple[Move, ...]
) -> tuple[tuple[InterventionRecord, ...], tuple[Move, ...]]:
    """Without the concepts that rested all the time, where there are too many and they can go.

    Those that are kept apart, or not plainly added, change what stands beside them by being there.
    """
    parts = recipe.interventions
    fixed = recipe.orthogonalise or any(one.operator != "add" for one in parts)
    if fixed or len(parts) <= MOST_CONCEPTS:
        return parts, moves
    pushed = {move.concept for move in moves if move.coefficient}
    places = [n for n, one in enumerate(parts) if one.coefficient or n in pushed]
    again = {place: n for n, place in enumerate(places)}
    kept = tuple(
        replace(move, concept=again[move.concept]) for move in moves if move.concept in again
    )
    return tuple(parts[n] for n in places), kept
