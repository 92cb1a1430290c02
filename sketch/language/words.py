"""What the words mean, before the music is learned: which codes the captions' clips are made of.

A language model that hears a clip's first notes hardly needs its caption, and so is slow to learn
to read. MusicGen begins with a T5 that can read already; ours first learns to tell from a caption
how often each code comes in its clip. The layer that says so is thrown away.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, T5EncoderModel

from sketch.language.corpus import Song
from sketch.language.text import caption

log = logging.getLogger(__name__)

STEPS, BATCH, LEARNING_RATE = 1200, 128, 2e-3
FLOOR = 0.1


def learn_words(
    text: T5EncoderModel,
    tokenizer: PreTrainedTokenizerFast,
    songs: Sequence[Song],
    entries: int,
    steps: int = STEPS,
    seed: int = 0,
) -> list[float]:
    """Train the text encoder; the cross-entropy of each step, in nats."""
    rng = np.random.default_rng(seed)
    device = text.device
    books = len(songs[0].codes)
    guess = nn.Linear(text.config.d_model, books * entries).to(device)
    optimiser = torch.optim.AdamW([*text.parameters(), *guess.parameters()], LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    losses = []
    for step in range(steps):
        drawn = [songs[place] for place in rng.integers(len(songs), size=BATCH).tolist()]
        words = tokenizer(
            [caption(song.piece, rng) for song in drawn], padding=True, return_tensors="pt"
        ).to(device)
        states = text(**words).last_hidden_state
        mask = words.attention_mask[..., None]
        logits = guess((states * mask).sum(1) / mask.sum(1)).view(BATCH, books, entries)
        shares = torch.stack([code_shares(song.codes, entries) for song in drawn]).to(device)
        loss = -(shares * logits.log_softmax(-1)).sum(-1).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % 100 == 0:
            log.info("words: step %d of %d, cross-entropy %.3f", step, steps, losses[-1])
    return losses


@torch.no_grad()
def whiten(
    projection: nn.Linear,
    text: T5EncoderModel,
    tokenizer: PreTrainedTokenizerFast,
    songs: Sequence[Song],
    seed: int = 0,
) -> None:
    """Let the projection into the decoder begin with what differs between captions.

    Most of what a text encoder gives is the same for every caption. The projection takes the mean
    out and brings the rest to one size in all directions, but for the smallest.
    """
    rng = np.random.default_rng(seed)
    drawn = [songs[place] for place in rng.integers(len(songs), size=8 * BATCH).tolist()]
    words = tokenizer(
        [caption(song.piece, rng) for song in drawn], padding=True, return_tensors="pt"
    ).to(text.device)
    states = text(**words).last_hidden_state[words.attention_mask.bool()]
    mean, covariance = states.mean(0), states.T.cov()
    sizes, axes = torch.linalg.eigh(covariance)
    spread = axes / (sizes + FLOOR * sizes.mean()).sqrt()
    turn = nn.init.orthogonal_(torch.empty_like(projection.weight))
    weight = turn @ spread.T * max(1.0, projection.out_features / len(mean)) ** 0.5
    projection.weight.copy_(weight)
    projection.bias.copy_(-weight @ mean)


def code_shares(codes: np.ndarray, entries: int) -> Tensor:
    """How often each entry of the codebooks comes in a clip: ``[K, E]``, sums of 1."""
    counts = np.stack([np.bincount(book, minlength=entries) for book in codes])
    return torch.from_numpy(counts / codes.shape[1]).float()
