"""Slots of a GPU: a step of all who play as one launch, captured once, whoever comes and goes.

A captured step cannot change, so it is one of so many clips always: what a slot is not used for is worked out and
thrown away. With few rows a step takes as long as its matrices take to be read, so that empty slots cost little. A
clip's numbers are the same whoever sits beside it; they are those of the clip alone up to rounding, since a step
of few rows is added up by other kernels than one of many.
"""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary, finalize

import torch
from torch import Tensor

from steering.decoding.cache import Cache, PromptCache
from steering.decoding.cuda_graph import captured
from steering.decoding.fused import Fused
from steering.decoding.generation import Generation
from steering.decoding.memory import available
from steering.decoding.moment import ADD, Applied, Injection, Moment
from steering.decoding.sampling import Sampling, choose
from steering.interventions.followers import Followers

CLIPS, MORE_CLIPS = 8, 32
"""Slots of the first board, whose rows with guidance are as many as the matrix units take at once, and of the next
ones, each of which adds a step's time; fewer where there is little memory."""

WORDS = 64
"""Of the longest prompt that a slot has room for."""

SHARE = 0.5
"""Of the memory that is free, what a board may take."""

Begun = tuple[int, Moment, Tensor | None]
"""What a generation's step goes by: see `Generation.begin`."""


class Seat:
    """Where a generation sits; it stands in for its cache, which is the board's.

    Attributes:
        first, last: its slots.
    """

    def __init__(self, board: Board, first: int, last: int) -> None:
        self.board, self.first, self.last = board, first, last

    def leave(self) -> None:
        """Its slots are free for the next, unless they are somebody else's already."""
        if self.board.owner[self.first] is self:
            self.board.leave(self)

    def take(self, other: Cache) -> None:
        """As `Cache.take`, for its rows."""
        count = other.all.shape[-2]
        rows = self.board.rows(self, len(other.all[0, 0]))
        self.board.cache.all[:, :, rows, :, :count] = other.all


class Board:
    """So many slots, their memory and the step of all.

    Args:
        run: the first who is to sit there: as it is, all have to be.
        clips: how many fit.
    """

    def __init__(self, fused: Fused, run: Generation, clips: int) -> None:
        self.fused, self.clips, self.length = fused, clips, run.window.length
        like, heads = fused.embeddings, fused.heads
        self._like = like
        self.owner: list[object | None] = [None] * clips
        self.cache = fused.cache(2 * clips, self.length)
        self.positions = run.window_positions()
        size = (fused.size // heads, WORDS)
        layers = range(len(fused.blocks))
        self.prompts = PromptCache(
            tuple(like.new_zeros(clips * heads, *size) for _ in layers),
            tuple(like.new_zeros(clips * heads, *size[::-1]) for _ in layers),
            like.new_zeros(clips * heads, 1, WORDS),
            clips,
        )
        self.places = torch.zeros(2 * clips, dtype=torch.long, device=like.device)
        self.codes = torch.full((clips, fused.codebooks), run.blank, device=like.device)
        self.noise = torch.ones(clips, fused.codebooks, fused.vocabulary, device=like.device)
        self.guidance = torch.ones(clips, 1, device=like.device)
        self.samplings = [Sampling()] * clips
        self.over = torch.ones(clips, device=like.device)
        self.top = torch.ones(clips, dtype=torch.int32, device=like.device)
        self.amounts = like.new_zeros(len(fused.blocks), 2 * clips, fused.size)
        self._pushed = [False] * clips
        self._applied = [Applied(Injection(ADD), 0, self.amounts, [True] * len(fused.blocks))]
        self._followers = Followers([], like)
        self._next: list[int] = [0] * clips
        self.made = self.codes.clone()
        self._replay = captured(self._step) if like.is_cuda else self._step

    @staticmethod
    def bytes(fused: Fused, length: int, clips: int) -> int:
        """What its cache takes."""
        item = fused.embeddings.element_size()
        return Cache.bytes(len(fused.blocks), 2 * clips, length, fused.size, item)

    def rows(self, seat: Seat, count: int) -> Tensor:
        """Rows of a seat, so many: the conditional ones, then the unconditional ones if it has any."""
        places = torch.arange(seat.first, seat.last, device=self._like.device)
        return torch.cat([places, places + self.clips])[:count]

    def seat(self, run: Generation) -> Seat | None:
        """Slots beside one another for a generation that begins; None where there are none."""
        count = len(run.lengths)
        for first in range(self.clips - count + 1):
            if not any(self.owner[first : first + count]):
                break
        else:
            return None
        seat = Seat(self, first, first + count)
        self.owner[first : first + count] = [seat] * count
        self._let_in(run, seat)
        return seat

    def leave(self, seat: Seat) -> None:
        """Its slots are free for the next."""
        self.owner[seat.first : seat.last] = [None] * (seat.last - seat.first)
        self._next[seat.first : seat.last] = [0] * (seat.last - seat.first)

    def step(self, sat: Sequence[tuple[Generation, Seat, Begun]]) -> None:
        """One step of these; what the others have is left as it is."""
        for run, seat, (place, moment, noise) in sat:
            self._next[seat.first : seat.last] = [place] * (seat.last - seat.first)
            self.codes[seat.first : seat.last] = run.column
            assert noise is not None
            self.noise[seat.first : seat.last] = noise
            self._push(seat, run, moment)
        now = torch.tensor(self._next * 2)
        self.places.copy_(now.pin_memory() if self.places.is_cuda else now, non_blocking=True)
        self._replay()
        for run, seat, (place, *_) in sat:
            run.put(self.made[seat.first : seat.last])
            self._next[seat.first : seat.last] = [place + 1] * (seat.last - seat.first)

    def _let_in(self, run: Generation, seat: Seat) -> None:
        """Put what does not change into its slots: the prompt, how it is drawn."""
        span, sampling = slice(seat.first, seat.last), run.sampling
        heads = slice(seat.first * self.fused.heads, seat.last * self.fused.heads)
        words = run.prompts.keys[0].shape[-1]
        for layer, (keys, values) in enumerate(
            zip(run.prompts.keys, run.prompts.values, strict=True)
        ):
            self.prompts.keys[layer][heads, :, :words] = keys
            self.prompts.values[layer][heads, :words] = values
        assert self.prompts.mask is not None
        self.prompts.mask[heads] = float("-inf")
        self.prompts.mask[heads, :, :words] = 0.0 if run.prompts.mask is None else run.prompts.mask
        self.samplings[span] = [sampling] * (seat.last - seat.first)
        self.guidance[span] = sampling.guidance if sampling.guided else 1.0
        self.over[span] = 1 / sampling.temperature
        self.top[span] = sampling.top_k or self.fused.vocabulary
        self._pushed[span] = [True] * (seat.last - seat.first)

    def _push(self, seat: Seat, run: Generation, moment: Moment) -> None:
        """What is added to its rows at this step."""
        applied, span = moment.applied, slice(seat.first, seat.last)
        free = slice(self.clips + seat.first, self.clips + seat.last)
        count = seat.last - seat.first
        if not applied:
            if any(self._pushed[span]):
                self.amounts[:, span] = 0
                self.amounts[:, free] = 0
            self._pushed[span] = [False] * count
            return
        amounts = applied[0].amounts
        self.amounts[:, span] = amounts[:, :count]
        if run.sampling.guided:
            self.amounts[:, free] = amounts[:, count:]
        self._pushed[span] = [True] * count

    def _step(self) -> None:
        fused = self.fused
        at = self.positions.index_select(0, self.places[: self.clips])
        x = fused.embed(self.codes, at).repeat(2, 1)
        mask = None if fused.gpu is not None else self._hidden(x)
        moment = Moment(lambda: self._applied)
        where = (self.places, self.length, mask)
        states = fused.step(x, self.cache, self.prompts, *where, moment, self._followers)
        conditional, unconditional = states.float().chunk(2)
        guided = unconditional + self.guidance * (conditional - unconditional)
        logits = fused.logits(guided.to(states.dtype), 1.0)
        if fused.gpu is not None:
            self.made.copy_(fused.gpu.draw(logits, self.over, self.top, self.noise))
            return
        each = zip(logits.split(1), self.samplings, self.noise.split(1), strict=True)
        self.made.copy_(torch.cat([choose(*one) for one in each]))

    def _hidden(self, x: Tensor) -> Tensor:
        """A mask of what each row has not reached yet ``[R H, 1, length]``."""
        ahead = torch.arange(self.length, device=x.device) > self.places[:, None]
        mask = torch.zeros(ahead.shape, dtype=x.dtype, device=x.device)
        mask = mask.masked_fill(ahead, float("-inf"))
        return mask.repeat_interleave(self.fused.heads, 0).unsqueeze(1)


class CapturedSlots:
    """Boards, and who sits where."""

    def __init__(self, fused: Fused, clips: int = CLIPS, more: int = MORE_CLIPS) -> None:
        self.fused, self._clips, self._more = fused, clips, more
        self._boards: list[Board] = []
        self._seats: WeakKeyDictionary[Generation, Seat] = WeakKeyDictionary()

    def step(self, begun: Sequence[tuple[Generation, Begun]]) -> list[tuple[Generation, Begun]]:
        """One step of those who have a seat or find one; the others."""
        sat: dict[int, list[tuple[Generation, Seat, Begun]]] = {}
        others = []
        for run, one in begun:
            seat = self._seat(run, one[1])
            if seat is None:
                others.append((run, one))
            else:
                sat.setdefault(self._boards.index(seat.board), []).append((run, seat, one))
        for number, some in sat.items():
            self._boards[number].step(some)
            for run, *_ in some:
                run.finish()
                if run.step >= run.steps:
                    self._leave(run)
        return others

    def _seat(self, run: Generation, moment: Moment) -> Seat | None:
        """Where it sits, from its first step on; None where it steps by itself."""
        seat = self._seats.get(run)
        fits = self._fits(run, moment)
        if seat is not None and not fits:
            self._go_alone(run, seat)
            return None
        if seat is not None or not fits or run.step > 0:
            return seat
        for board in self._boards:
            seat = board.seat(run) if board.length == run.window.length else None
            if seat is not None:
                return self._sat(run, seat)
        another = self._another(run)
        seat = None if another is None else another.seat(run)
        return None if seat is None else self._sat(run, seat)

    def _sat(self, run: Generation, seat: Seat) -> Seat:
        """It sits there for as long as it goes on, or anybody holds it."""
        self._seats[run] = seat
        run.cache = seat  # type: ignore[assignment]
        finalize(run, seat.leave).atexit = False
        return seat

    def _fits(self, run: Generation, moment: Moment) -> bool:
        sampling, followers = run.sampling, run.injections.followers
        plain = sampling.temperature > 0 and sampling.top_p == 1 and not followers
        words = run.prompts.keys[0].shape[-1] <= WORDS
        adds = all(one.injection.adds for one in moment.applied)
        return plain and words and adds and len(run.lengths) <= self._next_size

    def _another(self, run: Generation) -> Board | None:
        """One more board, where there is memory for it."""
        free, clips = available(self.fused.embeddings.device), self._next_size
        while clips and Board.bytes(self.fused, run.window.length, clips) > SHARE * free:
            clips //= 2
        if clips < len(run.lengths):
            return None
        self._boards.append(Board(self.fused, run, clips))
        return self._boards[-1]

    @property
    def _next_size(self) -> int:
        return self._more if self._boards else self._clips

    def _go_alone(self, run: Generation, seat: Seat) -> None:
        """Take its memory along: from now on it steps by itself."""
        own = self.fused.cache(run.rows, len(run.positions))
        rows = seat.board.rows(seat, run.rows)
        own.all[:] = seat.board.cache.all[:, :, rows, :, : len(run.positions)]
        run.cache = own
        self._leave(run)

    def _leave(self, run: Generation) -> None:
        seat = self._seats.pop(run, None)
        if seat is not None:
            seat.leave()
