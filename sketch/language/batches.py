"""Clips and captions as training batches, in MusicGen's delay pattern."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from sketch.codec.rhythm import recounted
from sketch.language.corpus import Song
from sketch.language.delay import delayed
from sketch.language.text import caption
from sketch.material import PHRASINGS

IGNORED = -100
NO_PROMPT = 0.15
"""Share of clips that are learned without their caption, for classifier-free guidance."""

SPLICED, SPLICED_FROM = 0.1, 400
"""Share of captioned crops of so many frames and more that begin with bars of other music.

What was played so far tells nearly all that a caption tells, so a model learns to trust it alone, and
once its own notes stray from the prompt it never comes back. Here the caption tells what follows.
Short crops are left whole, and the other music is learned as well: a model that learns nothing but the
change would change all the time.
"""

LOOPED = 0.5
"""Share of crops of genres and songs that begin a training as loops of a bar or two. It falls to none."""


@dataclass(frozen=True)
class Length:
    """Crops of ``frames``, this many at a time, in this share of the steps."""

    frames: int
    batch: int
    share: float


LENGTHS = (
    Length(20, 160, 0.12),
    Length(200, 16, 0.20),
    Length(400, 8, 0.50),
    Length(600, 5, 0.13),
    Length(1500, 2, 0.05),
)
"""Beginnings of many clips, because it takes tens of thousands of captions to learn to read; a bar or
two, which is what it takes to keep time; half minutes, to learn to go on."""


@dataclass(frozen=True)
class Batch:
    """``inputs`` and ``targets`` ``[B, K, S]``; ``text`` and its ``mask`` ``[B, W]``.

    ``prompted`` ``[B]`` is 0 where the caption is dropped. Targets are -100 where nothing is learned.
    """

    inputs: Tensor
    targets: Tensor
    text: Tensor
    mask: Tensor
    prompted: Tensor

    def to(self, device: torch.device) -> Batch:
        parts = (self.inputs, self.targets, self.text, self.mask, self.prompted)
        return Batch(*(part.to(device) for part in parts))

    def split(self, count: int) -> list[Batch]:
        """The batch in so many parts, as equal as can be; fewer where it has fewer clips."""
        parts = (self.inputs, self.targets, self.text, self.mask, self.prompted)
        count = min(count, len(self.inputs))
        return [Batch(*row) for row in zip(*(p.tensor_split(count) for p in parts), strict=True)]


class Batches:
    """An endless stream of batches out of a corpus.

    Args:
        blank: the code that stands for 'nothing yet', one past the last entry.
        from_start: share of crops that begin where their clip does.
        looped: share of crops with a metre that are a loop of their first bars.
    """

    def __init__(
        self,
        songs: Sequence[Song],
        tokenizer: PreTrainedTokenizerFast,
        blank: int,
        seed: int,
        lengths: Sequence[Length] = LENGTHS,
        from_start: float = 0.5,
        no_prompt: float = NO_PROMPT,
        spliced: float = SPLICED,
        looped: float = 0.0,
    ) -> None:
        self.tokenizer, self.blank, self.lengths = tokenizer, blank, lengths
        self.from_start, self.no_prompt, self.spliced = from_start, no_prompt, spliced
        self.looped = looped
        self.rng = np.random.default_rng(seed)
        self.songs = {
            length: [song for song in songs if _suits(song, length, lengths)] for length in lengths
        }
        self._decks: dict[Length, list[int]] = {length: [] for length in lengths}

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands: what `load_state_dict` takes to go on from there."""
        return {
            "random": json.dumps(self.rng.bit_generator.state),
            "decks": [list(deck) for deck in self._decks.values()],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a stream of the same songs and lengths stood."""
        self.rng.bit_generator.state = json.loads(state["random"])
        for length, deck in zip(self._decks, state["decks"], strict=True):
            self._decks[length] = list(deck)

    def next(self) -> Batch:
        """The next batch; every suitable song is taken once before any is taken again."""
        shares = np.array([length.share for length in self.lengths])
        length = self.lengths[int(self.rng.choice(len(self.lengths), p=shares / shares.sum()))]
        return self.collate([self._deal(length) for _ in range(length.batch)], length.frames)

    def collate(self, songs: Sequence[Song], frames: int) -> Batch:
        """Crops of these songs; shorter songs are filled up with blanks that are not learned."""
        books = songs[0].codes.shape[0]
        codes = torch.full((len(songs), books, frames + 1), self.blank)
        prompted = self.rng.random(len(songs)) >= self.no_prompt
        for row, song in enumerate(songs):
            before = self._before(songs[row - 1], frames, bool(prompted[row]))
            own = self._crop(song, frames - before.shape[1])
            crop = np.concatenate([before, own], axis=1)
            crop[0] = recounted(crop[0], self.blank)
            seen = crop.shape[1] + 1  # what the delay moves past the end is cut off
            codes[row, :, :seen] = delayed(torch.from_numpy(crop.astype(np.int64)), self.blank)[
                :, :seen
            ]
        targets = codes[..., 1:].clone()
        targets[targets == self.blank] = IGNORED
        words = self.tokenizer(
            [caption(song.piece, self.rng) for song in songs], padding=True, return_tensors="pt"
        )
        shown = torch.from_numpy(prompted).float()
        return Batch(codes[..., :-1], targets, words.input_ids, words.attention_mask, shown)

    def _before(self, other: Song, frames: int, prompted: bool) -> np.ndarray:
        """Bars of other music before a spliced crop, half of it at most; nothing before the rest."""
        bars = min(frames // 2, other.codes.shape[1]) // other.bar
        spliced = self.rng.random() < self.spliced * prompted * (frames >= SPLICED_FROM)
        count = int(self.rng.integers(1, bars + 1)) if spliced and bars else 0
        return other.codes[:, : count * other.bar]

    def _deal(self, length: Length) -> Song:
        deck = self._decks[length]
        if not deck:
            deck.extend(self.rng.permutation(len(self.songs[length])).tolist())
        return self.songs[length][deck.pop()]

    def _turn(self, song: Song, frames: int) -> int:
        """Frames of a loop's turn, a bar or two; 0 where the crop is to be no loop."""
        looped = song.piece.family in PHRASINGS and self.rng.random() < self.looped
        turn = int(self.rng.integers(1, 3)) * song.bar if looped else 0
        return turn if turn < min(frames, song.codes.shape[1]) else 0

    def _crop(self, song: Song, frames: int) -> np.ndarray:
        """From the song's beginning or from a later bar, or a loop: music begins on a downbeat."""
        turn = self._turn(song, frames)
        bars = (song.codes.shape[1] - frames) // song.bar
        later = bars > 0 and self.rng.random() >= self.from_start
        start = int(self.rng.integers(bars + 1)) * song.bar if later else 0
        if not turn:
            return song.codes[:, start : start + frames]
        return np.tile(song.codes[:, start : start + turn], -(-frames // turn))[:, :frames]


def _suits(song: Song, length: Length, lengths: Sequence[Length]) -> bool:
    """Every song goes with the shortest length, else those that fill it."""
    return length is lengths[0] or song.codes.shape[1] >= length.frames
