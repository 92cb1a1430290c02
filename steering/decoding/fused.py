"""A MusicGen decoder as few, large tensor operations: one step of all rows at a time.

Query, key and value are one product, the K heads are one, the K embeddings one look-up. Keys and values
of the prompt are computed once; rows of guidance without a word do not attend to it, since what they
would add is zero. Guidance is applied before the heads rather than after them: they are linear, so the
logits are the same, at half the work. On the CPU a step of few rows is one call of compiled loops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from steering.decoding.cache import Cache, Place, PromptCache, Spare
from steering.decoding.gpu_blocks import GpuBlocks
from steering.decoding.loops import Loops
from steering.decoding.matmul import MOST_ROWS, Matrix, as_array
from steering.decoding.moment import Applied, Moment, inject
from steering.decoding.sampling import Sampling, choose
from steering.interventions.followers import Followers
from steering.models.interface import Condition, readable
from steering.models.weights import BlockWeights, DecoderWeights, Norm


class _Block:
    """A block's tensors, as a step reads them."""

    def __init__(self, block: BlockWeights, scale: float) -> None:
        parts = block.query_key_value
        if len(parts) == 1:
            parts = parts[0].chunk(3)
        query, key, value = parts
        self.norm = _norm(block.norm)
        self.query_key_value = Matrix(torch.cat([query * scale, key, value]))
        self.out = Matrix(block.out)
        self.cross_norm = _norm(block.cross_norm)
        self.cross_query = Matrix(block.cross_query * scale)
        self.cross_key, self.cross_value = block.cross_key, block.cross_value
        self.cross_out = Matrix(block.cross_out)
        self.feed_forward_norm = _norm(block.feed_forward_norm)
        self.up, self.down = Matrix(block.up), Matrix(block.down)


class Fused:
    """The decoder's tensors and what is done with them; it holds no state of any generation.

    On a GPU, matrices that need no fusing are shared with the model; on the CPU all are copied. Memory of those who
    left is kept for those who come where ``spare`` is given: where many come and go.
    """

    def __init__(self, weights: DecoderWeights) -> None:
        self.codebooks = len(weights.embeddings)
        self.size = int(weights.norm.weight.shape[0])
        self.heads = weights.attention_heads
        self.vocabulary = int(weights.heads[0].shape[0])
        self.activation, self.masks_padding = weights.activation, weights.masks_padding
        scale = (self.size // self.heads) ** -0.5
        self.blocks = [_Block(block, scale) for block in weights.blocks]
        self.norm = _norm(weights.norm)
        self.embeddings = torch.cat(weights.embeddings)
        first = torch.arange(self.codebooks, device=self.embeddings.device)
        self.first = first * weights.embeddings[0].shape[0]
        self.all_heads = Matrix(torch.cat(weights.heads))
        self.positions = weights.positions
        self.loops = Loops.of(self.blocks, self.norm, self.embeddings, self.activation, self.heads)
        self.spare: Spare | None = None
        self.gpu = GpuBlocks.of(self.blocks, self.embeddings, self.activation, self.heads)

    def cache(self, rows: int, length: int) -> Cache:
        """An empty cache for R rows."""
        head = self.size // self.heads
        return Cache(len(self.blocks), rows, self.heads, length, head, self.embeddings, self.spare)

    def read(
        self, conditions: Callable[[Sequence[str]], Condition], prompts: Sequence[str]
    ) -> PromptCache:
        """PromptCache as all blocks read them.

        For the loops each is read alone: how a product over all their words is rounded would depend
        on what stands beside it. Not so where padding is attended to as well.
        """
        if self.loops is None or not self.masks_padding or len(prompts) == 1:
            return self.read_condition(conditions(prompts))
        known = {prompt: self.read_condition(conditions([prompt])) for prompt in set(prompts)}
        return _side_by_side([known[prompt] for prompt in prompts])

    def read_condition(self, condition: Condition) -> PromptCache:
        """The prompts ``[C, W, D]`` as all blocks read them."""
        rows, count, _ = condition.states.shape
        split = (rows, count, self.heads, -1)
        keys, values, plain = [], [], []
        for block in self.blocks:
            key = (condition.states @ block.cross_key.T).view(split)
            value = (condition.states @ block.cross_value.T).view(split)
            keys.append(key.permute(0, 2, 3, 1).flatten(0, 1).contiguous())
            values.append(value.transpose(1, 2).flatten(0, 1).contiguous())
            plain.append(torch.stack([key, value]).transpose(2, 3))
        mask = None
        seen = readable(condition.mask)
        if not self.masks_padding:
            seen = torch.ones_like(seen)
        if not bool(seen.all()):
            hidden = torch.zeros_like(keys[0][:1, 0, :1]).new_zeros(rows, 1, 1, count)
            hidden = hidden.masked_fill(seen[:, None, None] == 0, float("-inf"))
            mask = hidden.expand(-1, self.heads, -1, -1).flatten(0, 1).contiguous()
        arrays = None if self.loops is None else _read_first(torch.stack(plain), seen != 0)
        made = PromptCache(tuple(keys), tuple(values), mask, rows, arrays)
        return made if self.gpu is None else replace(made, words=self.gpu.words(made))

    def embed(self, codes: Tensor, positions: Tensor) -> Tensor:
        """Codes ``[..., K]`` and the embeddings of their positions to ``[..., D]``."""
        return functional.embedding(codes + self.first, self.embeddings).sum(-2) + positions

    def step(
        self,
        x: Tensor,
        cache: Cache,
        prompts: PromptCache,
        place: Place,
        seen: int,
        mask: Tensor | None,
        moment: Moment,
        followers: Followers,
    ) -> Tensor:
        """One position of all rows ``[R, D]``, which are changed; what comes after the final norm.

        Args:
            followers: what hears the streams before anything is applied to them.
            seen: how much of the cache is attended to; mask: what of it is hidden, ``[1, 1, seen]``.
                Where the place is a number it is the last that is seen.
        """
        if self.loops is not None and isinstance(place, int) and len(x) <= MOST_ROWS:
            return self.loops.step(x, cache, prompts, place, moment, followers)
        if self.gpu is not None and isinstance(place, Tensor):
            self.gpu.step(x, cache, prompts, place, moment, followers)
            return self._normed(x, self.norm)
        for layer, block in enumerate(self.blocks):
            mixed = block.query_key_value.times(self._normed(x, block.norm))
            query, new = self._split(mixed)
            cache.put(layer, new, place)
            keys, values = cache.keys[layer][..., :seen], cache.values[layer][:, :seen]
            block.out.add_to(x, self._attend(query, keys, values, mask))
            self._attend_prompts(x, layer, block, prompts)
            self._feed_forward(x, block)
            followers.hear(layer, x)
            x = inject(moment.applied, layer, x)
        return self._normed(x, self.norm)

    def fill(
        self,
        x: Tensor,
        cache: Cache,
        prompts: PromptCache,
        applied: Sequence[Applied],
        first: int = 0,
    ) -> None:
        """S positions of all rows ``[R, S, D]`` in one pass, into the cache from ``first`` on."""
        rows, count, size = x.shape
        seen = torch.ones(count, first + count, dtype=torch.bool, device=x.device).tril(first)
        for layer, block in enumerate(self.blocks):
            mixed = self._normed(x, block.norm) @ block.query_key_value.tensor
            parts = mixed.view(rows, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            cache.put_all(layer, parts[1:], first)
            key, value = cache.slots[layer][..., : first + count, :]
            attended = functional.scaled_dot_product_attention(
                parts[0], key, value, attn_mask=seen, scale=1.0
            )
            x = x + attended.transpose(1, 2).reshape(rows, count, size) @ block.out.tensor
            query = self._normed(x[: prompts.rows], block.cross_norm) @ block.cross_query.tensor
            query = query.view(prompts.rows, count, self.heads, -1).transpose(1, 2).flatten(0, 1)
            read = _attend(query, prompts.keys[layer], prompts.values[layer], prompts.mask)
            read = read.view(prompts.rows, self.heads, count, -1).transpose(1, 2)
            x[: prompts.rows] += read.reshape(prompts.rows, count, size) @ block.cross_out.tensor
            wide = self.activation(self._normed(x, block.feed_forward_norm) @ block.up.tensor)
            x = inject(applied, layer, x + wide @ block.down.tensor)

    def logits(self, states: Tensor, guidance: float) -> Tensor:
        """States ``[R, D]`` to guided logits ``[B, K, E]``; without guidance R is B."""
        if guidance > 1:
            conditional, unconditional = states.float().chunk(2)
            states = (unconditional + guidance * (conditional - unconditional)).to(states.dtype)
        if self.gpu is not None:
            return self.gpu.product(states, self.all_heads.weight).view(
                -1, self.codebooks, self.vocabulary
            )
        return self.all_heads.times(states).view(-1, self.codebooks, self.vocabulary)

    def choose(self, logits: Tensor, sampling: Sampling, noise: Tensor | None) -> Tensor:
        """Guided logits ``[B, K, E]`` to codes ``[B, K]``, as `sampling.choose` makes them."""
        if noise is None or sampling.top_p < 1:
            return choose(logits, sampling, noise)
        if self.gpu is not None:
            return self.gpu.choose(logits, sampling, noise)
        if self.loops is not None:
            return self.loops.choose(logits, [sampling] * len(logits), noise)
        return choose(logits, sampling, noise)

    def _normed(self, x: Tensor, norm: tuple[Tensor, Tensor, float]) -> Tensor:
        return torch.layer_norm(x, (self.size,), *norm, False)

    def _split(self, mixed: Tensor) -> tuple[Tensor, Tensor]:
        """``[R, 3 * D]`` to queries ``[R * H, 1, D / H]``, and keys and values ``[2, R, H, D / H]``."""
        rows = len(mixed)
        query = mixed[:, : self.size].reshape(rows * self.heads, 1, -1)
        new = mixed[:, self.size :].view(rows, 2, self.heads, -1).transpose(0, 1)
        return query, new

    def _attend(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        return _attend(query, keys, values, mask).view(-1, self.size)

    def _attend_prompts(self, x: Tensor, layer: int, block: _Block, prompts: PromptCache) -> None:
        conditional = x[: prompts.rows]
        query = block.cross_query.times(self._normed(conditional, block.cross_norm))
        query = query.view(prompts.rows * self.heads, 1, -1)
        read = self._attend(query, prompts.keys[layer], prompts.values[layer], prompts.mask)
        block.cross_out.add_to(conditional, read)

    def _feed_forward(self, x: Tensor, block: _Block) -> None:
        block.down.add_to(
            x, self.activation(block.up.times(self._normed(x, block.feed_forward_norm)))
        )


def _side_by_side(read: Sequence[PromptCache]) -> PromptCache:
    """Several prompts, each read alone, padded to the longest."""
    most = max(one.keys[0].shape[-1] for one in read)
    spare = [most - one.keys[0].shape[-1] for one in read]
    pairs = list(zip(read, spare, strict=True))
    layers = range(len(read[0].keys))
    pad = functional.pad
    keys = tuple(torch.cat([pad(w.keys[n], (0, s)) for w, s in pairs]) for n in layers)
    values = tuple(torch.cat([pad(w.values[n], (0, 0, 0, s)) for w, s in pairs]) for n in layers)
    masks = [pad(_hidden(w), (0, s), value=float("-inf")) for w, s in pairs]
    mask = torch.cat(masks) if any(spare) or any(w.mask is not None for w in read) else None
    arrays = [(w.loops, s) for w, s in pairs if w.loops is not None]
    plain = [np.pad(a[0], [(0, 0)] * 4 + [(0, s), (0, 0)]) for a, s in arrays]
    counts = np.concatenate([a[1] for a, _ in arrays])
    rows = sum(one.rows for one in read)
    return PromptCache(keys, values, mask, rows, (np.concatenate(plain, 2), counts))


def _hidden(prompts: PromptCache) -> Tensor:
    """A mask also where nothing is hidden."""
    return (
        prompts.keys[0].new_zeros(prompts.keys[0][:, :1].shape)
        if prompts.mask is None
        else prompts.mask
    )


def _read_first(plain: Tensor, seen: Tensor) -> tuple[Any, Any]:
    """Keys and values ``[L, 2, C, H, W, d]`` in the order of the words that are seen ``[C, W]``."""
    order = (~seen).int().argsort(dim=-1, stable=True)
    order = order[None, None, :, None, :, None].expand_as(plain)
    return as_array(plain.gather(4, order)), as_array(seen.sum(-1))


def _attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Scaled queries ``[N, S, d]``, keys ``[N, d, W]``, values ``[N, W, d]`` to ``[N, S, d]``."""
    scores = torch.bmm(query, keys) if mask is None else torch.baddbmm(mask, query, keys)
    return torch.bmm(scores.softmax(-1), values)


def _norm(norm: Norm) -> tuple[Tensor, Tensor, float]:
    return norm.weight, norm.bias, norm.eps


def unknown_rows(lengths: Sequence[int], books: int, steps: int, first: int = 0) -> Tensor:
    """Which code of each row a step gives, from step ``first`` on: bool ``[B, K, steps]``.

    Step s gives column s + 1 of the delay pattern: frame ``s - k`` of codebook k, where the clip has
    such a frame.
    """
    frame = torch.arange(first, first + steps) - torch.arange(books)[:, None]
    return (frame >= 0) & (frame < torch.tensor(list(lengths))[:, None, None])
