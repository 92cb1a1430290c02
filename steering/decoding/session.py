"""A session: music that is heard while it is made, and steered while it is heard."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from types import TracebackType
from weakref import ref

import torch
from torch import Tensor

from curation.errors import BadInput
from steering.activations.hooks import check_plan
from steering.decoding.clip import Clip, Progress
from steering.decoding.decoder import Decoder
from steering.decoding.generation import BEHIND, ENDLESS, Generation
from steering.decoding.sampling import Sampling
from steering.decoding.sound import Chunk, Piece, Sound
from steering.interventions.intervention import Intervention
from steering.interventions.plan import Move, Plan, compile_plan

FIRST_SECONDS = 0.1
"""The first chunk is short, so that there is something to hear soon."""

GROWTH = 1.5
"""Each chunk is that much longer than the one before, up to the full length: whoever plays them runs
dry only if music is made more slowly than that, against its own time."""

BURST = 8
"""Moves that may come at one step after a while without any, as when all faders go to zero."""


class Session:
    """Plays clips once, chunk by chunk; coefficients may be moved from any thread meanwhile.

    With infinite seconds the clips go on until `end` or `stop`, in the same memory however long that is:
    what a step looks back at is a window that slides (`Generation`). Until it is ended such a clip is,
    code by code, the beginning of any longer one; after `end` it is the clip that has that length.

    Nothing is made ahead of who reads the stream: a change is heard in the chunk after the one that
    was yielded last. Of several changes of a concept between two steps the last counts. To be used as
    a context manager, which frees all memory at its end.

    Args:
        seconds: of all clips, or of each; ``math.inf`` for clips that go on until they are stopped.
        chunk_seconds: length of the chunks; the first ones are shorter.
        progress: told the steps done and all steps, after each; 0 for all where there is no end.
        most_moves: what a clip may have, those of its plan included.
        moves_a_second: how many are taken in, by the clips' own time: those beyond wait for their
            step, and it is the last for a concept that waits.
        known: codes ``[K, T]`` of clips that were played before and are as long as the longest: they are
            heard after the others, and not played again.

    Raises:
        BadInput: chunks are shorter than a frame, or the clips cannot be played.
    """

    def __init__(
        self,
        decoder: Decoder,
        clips: Sequence[Clip],
        seconds: float | Sequence[float],
        sampling: Sampling | None = None,
        chunk_seconds: float = 0.5,
        progress: Progress = lambda done, total: None,
        most_moves: float = math.inf,
        moves_a_second: float = math.inf,
        known: Sequence[Tensor] = (),
    ) -> None:
        rate = decoder.model.frame_rate
        if not (math.isfinite(chunk_seconds) and chunk_seconds * rate >= 1):
            raise BadInput(f"chunks of {chunk_seconds:g} s: give at least {1 / rate:g} s")
        self.model, self.progress = decoder.model, progress
        self.chunk = round(chunk_seconds * rate)
        self._run: Generation | None = decoder.start(clips, seconds, sampling)
        self.endless = self._run.steps >= ENDLESS
        if self.endless and self.chunk > BEHIND // 2:
            raise BadInput(
                f"chunks of {chunk_seconds:g} s: an endless clip has {BEHIND // 2 / rate:g} at most"
            )
        self._known = torch.stack(list(known)) if known else None
        if self._known is not None and self._known.shape[-1] != self._run.frames:
            raise BadInput("clips that are known have another length: play them again")
        lengths = [*self._run.lengths, *[self._run.frames] * len(known)]
        self._sound: Sound | None = Sound(self.model, lengths)
        self._taken = 0
        self._plans, self._faders = [clip.plan for clip in clips], self._run.injections.faders
        self._seeds = [clip.seed for clip in clips]
        self._joining: dict[int, Plan] = {}
        self._ending = False
        self._most_moves, self._moves_a_step = most_moves, moves_a_second / rate
        self._waiting: dict[tuple[int, int], float] = {}
        self._slots = self._most_slots = max(BURST, self._moves_a_step)
        self._lock = Lock()
        self._stream: ref[Generator[Chunk, None, None]] | None = None
        self._over = False
        self.strengths: Tensor | None = None
        """Of clips that were played: what monitors made of each concept's coefficient, 0 to 1,
        ``[S, M, B]``; None where there were none, or where an endless clip has forgotten its first."""

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def moves(self) -> tuple[Move, ...]:
        """The coefficients of the first clip that changed, as its recipe keeps them."""
        return self.moves_of(0)

    def moves_of(self, clip: int) -> tuple[Move, ...]:
        """The same for any clip."""
        faders = self._faders[clip]
        return () if faders is None else faders.moves

    def set(self, concept: int | str, coefficient: float, clip: int = 0) -> None:
        """Let a concept have another coefficient from the next step on.

        Args:
            concept: its place in the clip's plan, or its name.
            coefficient: in the unit of its intervention; 0 to leave it out.

        Raises:
            BadInput: there is no such clip or concept, the coefficient is not finite, the clip has
                had its moves, or the session is over.
        """
        if not math.isfinite(coefficient):
            raise BadInput(f"the coefficient of {concept} is {coefficient}: give a number")
        place = self._place(concept, clip)
        with self._lock:
            self._check_open()
            if (clip, place) not in self._waiting:
                self._check_room(clip)
            self._waiting[clip, place] = float(coefficient)

    def add(self, one: Intervention, clip: int = 0) -> int:
        """Let another concept join those that a clip is steered by, from the next step on.

        Clips that have an end keep the concepts that they began with.

        Args:
            one: with the coefficient that it has from now on; that of its recipe is 0 before.

        Returns:
            Its place in the clip's plan, for `set`.

        Raises:
            BadInput: the clips have an end, the concept is of another model, there is no such clip, or
                the session is over.
        """
        with self._lock:
            self._check_open()
            self._check_clip(clip)
            if not self.endless:
                raise BadInput(
                    "clips that have an end keep their concepts: start one without an end"
                )
            plan, resting = self._plans[clip], replace(one, coefficient=0.0)
            if plan is None:
                rate, seed = self.model.frame_rate, self._seeds[clip]
                plan = compile_plan([resting], math.inf, rate, seed=seed)
            else:
                plan = plan.joined_by(resting)
            check_plan(plan, self.model)
            self._plans[clip] = self._joining[clip] = plan
            place = plan.concepts - 1
            if one.coefficient:
                self._waiting[clip, place] = float(one.coefficient)
        return place

    def end(self) -> None:
        """Let the clips end where they are; the stream gives what is left of them, and is over."""
        self._ending = True

    def stop(self) -> None:
        """End the session; a stream under way ends after its step, and all memory is free."""
        with self._lock:
            self._over = True
            run, self._run, self._sound = self._run, None, None
            stream = None if self._stream is None else self._stream()
        if run is not None and stream is None:
            self._keep_strengths(run)
        if stream is not None:
            with suppress(
                ValueError
            ):  # it is at work in another thread, and will see that it is over
                stream.close()

    def stream(self) -> Iterator[Chunk]:
        """Chunks as they are made; put together they are the clips.

        Raises:
            BadInput: the session is over, or is streaming already.
        """
        with self._lock:
            self._check_open()
            if self._stream is not None:
                raise BadInput("the session is streaming already: start another for another stream")
            assert self._run is not None and self._sound is not None
            stream = self._chunks(self._run, self._sound)
            self._stream = ref(stream)
        return stream

    def begin(self) -> Generation | None:
        """What has a step to make, with the moves that wait taken in; None where there is no step left.

        For who makes the steps of several sessions together, in place of `stream`: after the step comes
        `finish`, and what `take` then gives is for `hear`, which another thread may call.
        """
        run = self._run
        if run is None or self._over or run.step >= run.steps:
            return None
        if self._ending:
            run.end()
            self._ending = False
        self._apply_waiting(run)
        return run

    def finish(self, run: Generation) -> None:
        """The step that `begin` gave is made."""
        self.progress(run.step, run.steps if run.steps < ENDLESS else 0)
        if run.step == run.steps:
            self._keep_strengths(run)

    def waiting(self, run: Generation) -> int:
        """Frames that are settled and not yet taken."""
        return run.settled - self._taken

    def take(self, run: Generation) -> Piece:
        """What is settled and was not taken before."""
        first, self._taken = self._taken, run.settled
        codes, lengths = run.codes(first, run.settled), list(run.lengths)
        if self._known is not None:
            known = self._known[..., first : run.settled]
            codes, lengths = torch.cat([codes, known]), [*lengths, *[run.frames] * len(known)]
        return Piece(codes, first, lengths, run.frames)

    def hear(self, piece: Piece, least: int = 0) -> Chunk | None:
        """The sound of a piece, one after another; None if it is of less than ``least`` frames."""
        sound = self._sound
        return None if sound is None else sound.push(piece, least)

    def _chunks(self, run: Generation, sound: Sound) -> Generator[Chunk, None, None]:
        first = piece = min(self.chunk, max(1, round(FIRST_SECONDS * self.model.frame_rate)))
        try:
            while self.begin() is not None:
                run.advance()
                self.finish(run)
                if self.waiting(run) >= piece or run.step == run.steps:
                    chunk = sound.push(self.take(run), first)
                    if chunk is not None:
                        piece = min(self.chunk, math.ceil(GROWTH * piece))
                        yield chunk
        finally:
            self._keep_strengths(run)
            with self._lock:
                self._over = True
                self._run = self._sound = None

    def _keep_strengths(self, run: Generation) -> None:
        followers = run.injections.followers
        if followers and not followers.first:
            self.strengths = followers.during(0, run.step).cpu()

    def _apply_waiting(self, run: Generation) -> None:
        """Take in what waits, those that wait longest first, as many as have their turn."""
        self._slots = min(self._most_slots, self._slots + self._moves_a_step)
        with self._lock:
            while self._joining:
                run.join(*self._joining.popitem())
            while self._waiting and self._slots >= 1:
                clip, concept = next(iter(self._waiting))
                run.move(clip, concept, self._waiting.pop((clip, concept)))
                self._slots -= 1

    def _check_open(self) -> None:
        if self._over:
            raise BadInput("the session is over: start another")

    def _check_room(self, clip: int) -> None:
        faders = self._faders[clip]
        made = 0 if faders is None else len(faders)
        if made + sum(one == clip for one, _ in self._waiting) >= self._most_moves:
            raise BadInput(
                f"the clip has had its {self._most_moves:g} moves: play it again to go on moving"
            )

    def _check_clip(self, clip: int) -> None:
        if not 0 <= clip < len(self._plans):
            raise BadInput(
                f"there is no clip {clip}: the session has {len(self._plans)}, from 0 on"
            )

    def _place(self, concept: int | str, clip: int) -> int:
        self._check_clip(clip)
        plan: Plan | None = self._plans[clip]
        names = () if plan is None else plan.names
        if isinstance(concept, str):
            if concept not in names:
                known = ", ".join(names) or "none"
                raise BadInput(f"clip {clip} is not steered by {concept!r}: it has {known}")
            return names.index(concept)
        if plan is None or not 0 <= concept < plan.concepts:
            raise BadInput(f"clip {clip} has no concept {concept}: it has {len(names)}, from 0 on")
        return concept
