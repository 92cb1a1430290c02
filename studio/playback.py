"""One recipe being played for one listener: steps and chunks in, events out."""

from __future__ import annotations

import base64
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from curation.errors import BadInput
from steering.decoding.clip import Clip
from steering.decoding.generation import Generation
from steering.decoding.session import GROWTH, Session
from steering.decoding.sound import Chunk, Piece
from steering.recipes import Recipe
from studio.callers import NOBODY
from studio.clips import SIDES, Pair
from studio.levels import LevelSoFar
from studio.limits import number
from studio.loaded_models import LoadedModel
from studio.pace import SAFE_SECONDS
from studio.permalink import encode
from studio.twins import Twins
from studio.zero_gpu import ZeroGpuSession

Event = dict[str, Any]

ENDS = {"done", "stopped", "error"}
"""The last of a session's events."""

LEAD_SECONDS = 0.6
"""How far a live session plays ahead of the clock: what a move waits for, and what a hiccup may last."""

MOVE_DIGITS = 6
"""Decimals of a strength that a fader sent, so that a recipe full of moves still fits into a link."""


FEWEST_FRAMES, MOST_FRAMES = 5, 50
"""Of a piece that is sounded at once: few to begin with, more where that saves work and nobody waits for it."""

UNHEARD_FRAMES = 100
"""Steps stop for whom so much waits to be sounded."""


class Playback:
    """A session and its listener. The engine's threads step and sound it; others may move and stop it.

    Args:
        twins: where a twin that was played before is found.
    """

    def __init__(
        self,
        name: str,
        recipe: Recipe,
        loaded: LoadedModel,
        listen: Callable[[Event], None],
        live: bool,
        twins: Twins | None = None,
    ) -> None:
        self.id, self.stopped, self.live = name, False, live
        self.ending, self.failed = False, False
        self.visitor = NOBODY
        device, dtype = loaded.played_on
        self._recipe = replace(recipe, device=device, dtype=dtype, decoder="fused")
        self._loaded, self._listen = loaded, listen
        self._asked = time.monotonic()
        self._began: float | None = None
        self._first: float | None = None
        self._session: Session | ZeroGpuSession | None = None
        self._starting = threading.Lock()
        self._context = copy_context()
        self._run: Generation | None = None
        self._chunks: Iterator[Chunk] | None = None
        self._sound: list[np.ndarray] = []
        self._codes: list[Tensor] = []
        self._played = 0.0
        self._given, self._behind, self._least = 0, 0.0, FEWEST_FRAMES
        self._twin = None if twins is None else twins.of(self._recipe)
        self._twins = twins
        self._level = LevelSoFar(loaded.model.sample_rate)

    def tell(self, **event: Any) -> None:
        """Hand the listener an event."""
        self._listen(event)

    def move(self, concept: int, coefficient: float) -> None:
        """Change a concept's strength from the next step on.

        Raises:
            BadInput: there is no such concept, the strength is not from -1 to 1, the clip has had its
                moves, or plays on a hired GPU.
        """
        count = len(self._recipe.interventions)
        if isinstance(concept, bool) or not isinstance(concept, int) or not 0 <= concept < count:
            raise BadInput(f"concept {concept!r:.20}: this session has {count}, from 0")
        value = round(number(coefficient, "the strength", (-1.0, 1.0)), MOVE_DIGITS)
        with self._starting:
            if self._session is not None:
                self._session.set(concept, value)
            else:
                self._begin_with(concept, value)

    def _begin_with(self, concept: int, coefficient: float) -> None:
        """A move before the first step is another strength to begin with."""
        pushed = list(self._recipe.interventions)
        pushed[concept] = replace(pushed[concept], coefficient=coefficient)
        self._recipe = replace(self._recipe, interventions=tuple(pushed))

    def stop(self) -> None:
        """End it at the next chunk."""
        self.stopped = True
        if self._session is not None:
            self._session.stop()

    @property
    def model(self) -> str:
        """The name of what it is played by."""
        return self._loaded.name

    @property
    def frame_rate(self) -> float:
        """Steps a second of its music."""
        return self._loaded.model.frame_rate

    @property
    def rows(self) -> int:
        """Rows of the decoder that it needs."""
        clips = 1 if self._twin is not None else len(SIDES)
        return clips * (2 if self._recipe.sampling.guided else 1)

    @property
    def steps(self) -> float:
        """Steps that are left; infinite where it goes on until it is stopped."""
        rate = self.frame_rate
        return math.inf if self.live else max(0.0, self._recipe.seconds * rate - self._given)

    def lead(self, now: float) -> float:
        """Seconds that are there before they are heard; 0 until the first are."""
        if self._began is None:
            return 0.0
        return self._given / self.frame_rate - self._behind - (now - self._began)

    def in_hand(self, now: float) -> float:
        """Seconds of sound that were handed on and are not yet heard; below 0 there is a gap."""
        return 0.0 if self._began is None else self._played - (now - self._began)

    @property
    def safe(self) -> float:
        """Seconds that it has in hand when it is well."""
        return LEAD_SECONDS / 2 if self.live else SAFE_SECONDS

    def early(self, now: float) -> float:
        """Seconds until its next step is due; 0 unless it is live and ahead of the clock."""
        if self._session is None or self.stopped:
            return 0.0
        unheard = self._given / self.frame_rate - self._played - self._behind
        if unheard * self.frame_rate > UNHEARD_FRAMES:
            return 0.05
        amid = self._run is not None and self._steppable.waiting(self._run) > 0
        if not self.live or self._began is None or amid:
            return 0.0
        return self.lead(now) - LEAD_SECONDS

    @property
    def stepped(self) -> bool:
        """Whether it is played step by step, beside others; if not, chunk by chunk by `advance`."""
        return self._loaded.decoder is not None

    @property
    def fresh(self) -> bool:
        """Whether its next step is the first, before which its prompt is read."""
        return self._session is None

    @property
    def _steppable(self) -> Session:
        assert isinstance(self._session, Session)
        return self._session

    def begin(self) -> Generation | None:
        """What makes its next step; None when there is none left."""
        if self._session is None and not self.stopped:
            self._start()
        self._run = None if self.stopped else self._steppable.begin()
        return self._run

    def finish(self, run: Generation, crowd: int) -> Piece | None:
        """Its step is made: what is to be sounded now, if there is enough of it.

        Args:
            crowd: how many play: the more, the longer are the pieces, so that less is sounded twice.
        """
        session = self._steppable
        session.finish(run)
        least = max(self._least, FEWEST_FRAMES * crowd // 2)
        ahead = round(self.frame_rate * self.lead(time.monotonic()) / 2)
        wanted = least if self.live else max(least, ahead)
        if session.waiting(run) < min(wanted, MOST_FRAMES) and run.step < run.steps:
            return None
        self._least = min(session.chunk, math.ceil(GROWTH * least))
        piece = session.take(run)
        self._given += piece.codes.shape[-1]
        return piece

    def hear(self, piece: Piece) -> None:
        """Sound a piece and hand it on."""
        if self.stopped:
            return
        chunk = self._steppable.hear(piece)
        if chunk is not None:
            self._take(chunk)
            rate = self.frame_rate
            self._behind = (piece.first + piece.codes.shape[-1]) / rate - self._played

    def advance(self) -> bool:
        """Play one chunk and hand it on; False when there is none left.

        In the context of who asked for the clip: a hired GPU goes by the listener's quota.
        """
        return self._context.run(self._advance)

    def _advance(self) -> bool:
        if self._session is None:
            self._start()
        if self._chunks is None:
            assert self._session is not None
            self._chunks = iter(self._session.stream())
        chunk = None if self.stopped else next(self._chunks, None)
        if chunk is None:
            return False
        self._take(chunk)
        return True

    def _start(self) -> None:
        model = self._loaded.model
        with self._starting:
            recipe = self._recipe
            self._session = session = self._open_session()
        self.tell(
            event="started",
            session=self.id,
            sample_rate=model.sample_rate,
            seconds=None if isinstance(session, Session) and session.endless else recipe.seconds,
            live=self.live,
            recipe=recipe.record(),
        )

    def _open_session(self) -> Session | ZeroGpuSession:
        recipe = self._recipe
        plan = recipe.plan(self._loaded.bank, self._loaded.model.frame_rate)
        clips = [Clip(recipe.prompt, recipe.seed, plan), Clip(recipe.prompt, recipe.seed)]
        if self._twin is not None:
            return self._loaded.session(clips[:1], recipe.seconds, recipe.sampling, [self._twin])
        return self._loaded.session(clips, recipe.seconds, recipe.sampling)

    def _take(self, chunk: Chunk) -> None:
        sound = as_int16(chunk.audio)
        self._keep(chunk, sound)
        now = time.monotonic()
        if sound.shape[1]:
            self._first = self._first or now
            self._began = self._began or now
        self._played += sound.shape[1] / self._loaded.model.sample_rate
        self.tell(
            event="audio",
            start=chunk.start,
            done=chunk.done,
            total=chunk.total,
            encoding="pcm",
            **self._level.add(sound),
            **{side: packed(row) for side, row in zip(SIDES, sound, strict=True)},
        )

    def _keep(self, chunk: Chunk, sound: np.ndarray) -> None:
        self._sound.append(sound)
        self._codes.append(chunk.codes.cpu())

    def pair(self) -> Pair | None:
        """What was played, as a pair; None when there was no sound yet."""
        if not self._sound or self._session is None:
            return None
        moves = tuple(self._session.moves) or self._recipe.moves
        pair = self._cut(replace(self._recipe, moves=moves), None, not self.stopped)
        if pair.whole and self._twins is not None:
            self._twins.add(self._recipe, pair.codes[SIDES.index("unsteered")])
        return pair

    def _cut(self, recipe: Recipe, frames: int | None, whole: bool) -> Pair:
        """The first frames of what was kept, all where it is None, as the pair of a recipe."""
        model = self._loaded.model
        hop = round(model.sample_rate / model.frame_rate)
        return Pair(
            recipe.record(),
            np.concatenate(self._sound, axis=1)[:, : None if frames is None else frames * hop],
            torch.cat(self._codes, dim=-1)[..., :frames],
            model.sample_rate,
            whole=whole,
            strengths=_of_the_steered(self._session),
        )

    def tell_end(self, pair: Pair | None) -> None:
        """The last event: what was made, and what makes it again."""
        made = {"event": "stopped", "clip": None} if pair is None else told_of(pair)
        self.tell(**made, **self._ending())

    def _ending(self) -> Event:
        """What there is to tell of the session itself at its end."""
        return {
            "first_sound_after": round((self._first or self._asked) - self._asked, 3),
            "took": round(time.monotonic() - self._asked, 3),
        }

    def close(self) -> None:
        """Give the session's memory back."""
        self._run = None
        if self._session is not None:
            self._session.stop()


def _of_the_steered(session: Session | ZeroGpuSession | None) -> np.ndarray | None:
    """What monitors made of the steered side's coefficients ``[S, M]``; None where there were none."""
    if session is None or session.strengths is None:
        return None
    return session.strengths[..., SIDES.index("steered")].numpy()


def told_of(pair: Pair) -> Event:
    """What a listener is told of a pair that is there."""
    return {
        "event": "done" if pair.whole else "stopped",
        "clip": pair.id,
        "recipe": pair.recipe,
        "permalink": encode(pair.recipe),
        "sha256": pair.hashes,
        "match_db": pair.match_db,
        "level_db": pair.level_db,
        "seconds": round(pair.sound.shape[1] / pair.sample_rate, 3),
    }


def as_int16(audio: Tensor) -> np.ndarray:
    """Samples ``[B, N]`` with full scale 1 as int16; what is louder is cut off."""
    scaled = (audio.float().cpu().clamp(-1, 1) * 32767).round()
    return scaled.to(torch.int16).numpy()


def packed(samples: np.ndarray) -> str:
    """int16 ``[N]``, little-endian, as base64."""
    return base64.b64encode(samples.astype("<i2").tobytes()).decode()
