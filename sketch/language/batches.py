"""Clips and captions as training batches, in MusicGen's delay pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from sketch.language.corpus import Song
from sketch.language.text import caption

IGNORED = -100
NO_PROMPT = 0.15
"""Share of clips that are learned without their caption, for classifier-free guidance."""

SPLICED, SPLICED_FROM = 0.3, 300
"""Share of captioned crops of so many frames and more that begin with other music.

What was played so far tells nearly all that a caption tells, so a model learns to trust it alone, and
once its own notes stray from the prompt it never comes back. Here the caption tells what follows.
Short crops are left whole, and the other music is learned as well: a model that learns nothing but the
change would change all the time.
"""


@dataclass(frozen=True)
class Length:
    """Crops of ``frames``, this many at a time, in this share of the steps."""

    frames: int
    batch: int
    share: float


LENGTHS = (
    Length(20, 200, 0.25),
    Length(100, 45, 0.20),
    Length(300, 15, 0.25),
    Length(600, 7, 0.15),
    Length(1500, 3, 0.15),
)
"""Beginnings of many clips, because it takes tens of thousands of captions to learn to read; two,
six and twelve seconds; half minutes, to learn to go on."""


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


def delayed(codes: np.ndarray, blank: int) -> np.ndarray:
    """Codes ``[K, T]`` with codebook k moved k steps later and ``blank`` in front: ``[K, T + 1]``.

    Column 0 is what generation starts from; frame t of codebook k stands in column t + k + 1.
    What the delay moves past the end is cut off.

    >>> delayed(np.array([[1, 2, 3], [4, 5, 6]]), blank=9).tolist()
    [[9, 1, 2, 3], [9, 9, 4, 5]]
    """
    books, frames = codes.shape
    moved = np.full((books, frames + 1), blank, dtype=np.int64)
    for k in range(books):
        moved[k, k + 1 :] = codes[k, : frames - k]
    return moved


class Batches:
    """An endless stream of batches out of a corpus.

    Args:
        blank: the code that stands for 'nothing yet', one past the last entry.
        from_start: share of crops that begin where their clip does.
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
    ) -> None:
        self.tokenizer, self.blank, self.lengths = tokenizer, blank, lengths
        self.from_start, self.no_prompt, self.spliced = from_start, no_prompt, spliced
        self.rng = np.random.default_rng(seed)
        self.songs = {
            length: [song for song in songs if _suits(song, length, lengths)] for length in lengths
        }
        self._decks: dict[Length, list[int]] = {length: [] for length in lengths}

    def next(self) -> Batch:
        """The next batch; every suitable song is taken once before any is taken again."""
        shares = np.array([length.share for length in self.lengths])
        length = self.lengths[int(self.rng.choice(len(self.lengths), p=shares / shares.sum()))]
        return self.collate([self._deal(length) for _ in range(length.batch)], length.frames)

    def collate(self, songs: Sequence[Song], frames: int) -> Batch:
        """Crops of these songs; shorter songs are filled up with blanks that are not learned."""
        books = songs[0].codes.shape[0]
        columns = np.full((len(songs), books, frames + 1), self.blank, dtype=np.int64)
        prompted = self.rng.random(len(songs)) >= self.no_prompt
        for row, (song, begin) in enumerate(
            zip(songs, self._begins(prompted, frames), strict=True)
        ):
            before = songs[row - 1].codes[:, :begin]
            own = self._crop(song.codes, frames - before.shape[1])
            crop = np.concatenate([before, own], axis=1)
            columns[row, :, : crop.shape[1] + 1] = delayed(crop, self.blank)
        codes = torch.from_numpy(columns)
        targets = codes[..., 1:].clone()
        targets[targets == self.blank] = IGNORED
        words = self.tokenizer(
            [caption(song.piece, self.rng) for song in songs], padding=True, return_tensors="pt"
        )
        shown = torch.from_numpy(prompted).float()
        return Batch(codes[..., :-1], targets, words.input_ids, words.attention_mask, shown)

    def _begins(self, prompted: np.ndarray, frames: int) -> list[int]:
        """Where each clip's own music begins: somewhere in the first half where it is spliced."""
        places = self.rng.integers(1, max(2, frames // 2), size=len(prompted))
        chosen = prompted & (self.rng.random(len(prompted)) < self.spliced)
        begins: list[int] = (places * chosen * (frames >= SPLICED_FROM)).tolist()
        return begins

    def _deal(self, length: Length) -> Song:
        deck = self._decks[length]
        if not deck:
            deck.extend(self.rng.permutation(len(self.songs[length])).tolist())
        return self.songs[length][deck.pop()]

    def _crop(self, codes: np.ndarray, frames: int) -> np.ndarray:
        spare = codes.shape[1] - frames
        if spare <= 0 or self.rng.random() < self.from_start:
            return codes[:, :frames]
        start = int(self.rng.integers(spare + 1))
        return codes[:, start : start + frames]


def _suits(song: Song, length: Length, lengths: Sequence[Length]) -> bool:
    """Every song goes with the shortest length, else those that fill it."""
    return length is lengths[0] or song.codes.shape[1] >= length.frames
