"""A step of the fused decoder on the CPU as one call of the compiled loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from steering.decoding import matmul
from steering.decoding.cache import Cache, PromptCache
from steering.decoding.matmul import as_array, fits_loops, stacked
from steering.decoding.moment import Moment, inject
from steering.decoding.pushes import Arrays, no_pushes
from steering.decoding.sampling import Sampling, choose
from steering.interventions.followers import Followers


class Loops:
    """A decoder's tensors as the loops read them.

    Args:
        blocks: of the fused decoder. norm: scale, shift and epsilon of what comes after them.
        kind: number of the activation.
    """

    def __init__(
        self,
        blocks: Sequence[Any],
        norm: tuple[Tensor, Tensor, float],
        compiled: Any,
        kind: int,
        heads: int,
    ) -> None:
        names = ("query_key_value", "out", "cross_query", "cross_out", "up", "down")
        matrices = [stacked([getattr(block, name) for block in blocks]) for name in names]
        norms = [(block.norm, block.cross_norm, block.feed_forward_norm) for block in blocks]
        kept = torch.stack([torch.stack([torch.stack(n[:2]) for n in three]) for three in norms])
        epsilons = torch.tensor([[n[2] for n in three] for three in norms])
        self.model = (as_array(kept), as_array(epsilons), *matrices, heads)
        scale, shift, epsilon = norm
        self.norm, self.epsilon = as_array(torch.stack([scale, shift])), np.float32(epsilon)
        self.compiled, self.kind, self.layers = compiled, kind, len(blocks)
        self.nothing = no_pushes()

    @staticmethod
    def of(
        blocks: Sequence[Any],
        norm: tuple[Tensor, Tensor, float],
        like: Tensor,
        activation: Callable[[Tensor], Tensor],
        heads: int,
    ) -> Loops | None:
        """None on a GPU, in other dtypes, without numba and for an activation they do not know."""
        compiled = matmul.kernel()
        if compiled is None or not fits_loops(like):
            return None
        points = torch.linspace(-4, 4, 33)
        for kind, name in enumerate(compiled.ACTIVATIONS):
            if torch.equal(activation(points), getattr(functional, name)(points)):
                return Loops(blocks, norm, compiled, kind, heads)
        return None

    def step(
        self,
        x: Tensor,
        cache: Cache,
        prompts: PromptCache,
        place: int,
        moment: Moment,
        followers: Followers,
    ) -> Tensor:
        """As `Fused.step`; where an operator has no loop, torch hears and pushes between the blocks."""
        assert prompts.loops is not None
        places, table = np.full(len(x), place), (cache.lines, prompts.lines, prompts.loops[1])
        if moment.pushes is not None:
            return self.run(x, places, *table, moment.pushes)
        x = x.contiguous()
        for layer in range(self.layers):
            fixed = (x.numpy(), places, *table, self.model, self.kind, self.nothing)
            self.compiled.blocks(layer, layer + 1, *fixed)
            followers.hear(layer, x)
            x = inject(moment.applied, layer, x).contiguous()
        return self._normed(x)

    def run(
        self, x: Tensor, places: Any, past: Any, prompts: Any, words: Any, pushes: Arrays
    ) -> Tensor:
        """Rows ``[R, D]``, each at its own position, as `kernels.blocks` has them; they are changed."""
        x = x.contiguous()
        fixed = (places, past, prompts, words, self.model, self.kind, pushes)
        self.compiled.blocks(0, self.layers, x.numpy(), *fixed)
        return self._normed(x)

    def _normed(self, x: Tensor) -> Tensor:
        made = torch.empty_like(x)
        self.compiled.normalise(x.numpy(), self.norm, self.epsilon, made.numpy())
        return made

    def choose(self, logits: Tensor, samplings: Sequence[Sampling], noise: Tensor) -> Tensor:
        """As `sampling.choose`, for clips each of its own sampling, none of which has a top-p."""
        clips, books, entries = logits.shape
        out = np.empty((clips, books), np.int64)
        temperatures = np.array([one.temperature for one in samplings], np.float32)
        tops = np.array([one.top_k or entries for one in samplings])
        room = np.empty(entries, np.float32)
        self.compiled.draw(logits.numpy(), noise.numpy(), temperatures, tops, room, out)
        codes = torch.from_numpy(out)
        for clip in np.flatnonzero((out < 0).any(1)).tolist():
            one = slice(clip, clip + 1)
            codes[one] = choose(logits[one], samplings[clip], noise[one])
        return codes
