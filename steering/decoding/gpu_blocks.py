"""A step of the fused decoder on a GPU by kernels of our own; without Triton torch does it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from subprocess import CalledProcessError
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from curation.errors import first_line
from steering.decoding.cache import Cache, PromptCache, Words
from steering.decoding.moment import Moment, inject
from steering.decoding.sampling import Sampling
from steering.interventions.followers import Followers

log = logging.getLogger(__name__)

FEW, MOST_ROWS = 2, 16
"""Rows that are multiplied one by one, and by the matrix units; with more of them the library's products are as
fast."""

LEAST_ROWS = 16
"""As many the matrix units take at least."""

COLUMNS = 16
"""What the columns of every product are a multiple of."""

PROGRAMS = 256
"""That many read the past of few rows, each a share of it."""

STEPS, MOST_SHARES = 128, 8
"""Of the past that a program reads at a time, and into how many shares it is cut at most."""

Normed = tuple[Tensor, Tensor, float, Tensor]
"""A norm's scale, shift and epsilon, and what they come to in a product: see `folded`."""


class GpuBlocks:
    """A decoder's blocks as the kernels run them.

    Args:
        blocks: of the fused decoder.
        activation: as the kernels know it.
        early: whether a kernel may begin before the one that it follows has ended.
    """

    def __init__(
        self, kernels: ModuleType, blocks: Sequence[Any], activation: int, heads: int, early: bool
    ) -> None:
        self.kernels, self.blocks, self.activation = kernels, blocks, activation
        self.heads, self.early = heads, early
        self.folded = [
            (
                folded(block.query_key_value.weight, block.norm),
                folded(block.cross_query.weight, block.cross_norm),
                folded(block.up.weight, block.feed_forward_norm),
            )
            for block in blocks
        ]

    @staticmethod
    def of(
        blocks: Sequence[Any], like: Tensor, activation: Callable[[Tensor], Tensor], heads: int
    ) -> GpuBlocks | None:
        """None where there is no Nvidia GPU or no working Triton, and for what the kernels do not know."""
        kernels = triton_kernels()
        if kernels is None or not like.is_cuda or torch.version.cuda is None:
            return None
        size = like.shape[-1]
        if size % COLUMNS or size // heads & (size // heads - 1) or not works(kernels, like.device):
            return None
        points = torch.linspace(-4, 4, 33)
        for kind, known in ((kernels.GELU, functional.gelu), (kernels.RELU, functional.relu)):
            if torch.equal(activation(points), known(points)):
                early = torch.cuda.get_device_capability(like.device) >= (9, 0)
                return GpuBlocks(kernels, blocks, kind, heads, early)
        return None

    def step(
        self,
        x: Tensor,
        cache: Cache,
        prompts: PromptCache,
        place: Tensor,
        moment: Moment,
        followers: Followers,
    ) -> None:
        """As `Fused.step`, but for the last norm: ``x [R, D]`` is changed."""
        applied = moment.applied
        alone = not followers and len(applied) == 1 and applied[0].injection.adds
        conditional = x[: prompts.rows]
        for layer, block in enumerate(self.blocks):
            to_past, _, to_wide = self.folded[layer]
            mixed = self.product(x, block.query_key_value.weight, norm=(*block.norm, to_past))
            self.product(self._attended(mixed, cache, layer, place), block.out.weight, out=x)
            self._attend_prompts(conditional, layer, prompts)
            norm, kind = (*block.feed_forward_norm, to_wide), self.activation
            up = self.product(x, block.up.weight, norm=norm, activation=kind)
            push = applied[0].amounts[layer] if alone else None
            self.product(up, block.down.weight, out=x, push=push)
            if not alone:
                followers.hear(layer, x)
                x.copy_(inject(applied, layer, x))

    def product(
        self,
        rows: Tensor,
        weight: Tensor,
        *,
        norm: Normed | None = None,
        activation: int = 0,
        out: Tensor | None = None,
        push: Tensor | None = None,
    ) -> Tensor:
        """Rows ``[R, K]``, normalised, times ``weight [N, K]``, activated; added to ``out`` if there is one.

        Args:
            push: ``[R, N]`` that is added as well.
        """
        count, width = rows.shape
        made = rows.new_empty(_wide(count), len(weight))[:count] if out is None else out
        adds, pushes = out is not None, push is not None
        shape = _shape(len(weight), width, rows.element_size(), count)
        more = made if push is None else push
        programs = (len(weight) // shape.columns,)
        cut = {"K": width, "BN": shape.columns, "BK": shape.terms, "STAGES": shape.stages}
        done = {"ACTIVATION": activation, "ADD": adds, "PUSH": pushes}
        if count <= FEW:
            scale, _, eps, fold = norm or (rows, rows, 0.0, rows)
            self.kernels.launched(
                self.kernels.product, programs, rows, weight, made, scale, fold, more, eps,
                len(weight), early=self.early, warps=shape.warps, R=count, NORM=norm is not None,
                **cut, **done,
            )  # fmt: skip
            return made
        if norm is not None:
            rows = self._normed(rows, norm)
        if count > MOST_ROWS:
            return self._by_library(rows, weight, made, activation, adds, push)
        rows = _roomy(rows)
        self.kernels.launched(
            self.kernels.products, programs, rows, weight, made, more, len(weight), count,
            early=self.early, warps=shape.warps, WIDE=_wide(count), **cut, **done,
        )  # fmt: skip
        return made

    def _normed(self, rows: Tensor, norm: Normed) -> Tensor:
        """Rows with a norm, in memory for as many as the matrix units take."""
        count, width = rows.shape
        out = rows.new_empty(_wide(count), width)
        self.kernels.launched(
            self.kernels.normalise, (count,), rows, *norm[:2], out, norm[2], width,
            early=self.early, warps=8, WIDE=self.kernels.wide(width),
        )  # fmt: skip
        return out[:count]

    def _by_library(
        self,
        rows: Tensor,
        weight: Tensor,
        made: Tensor,
        activation: int,
        add: bool,
        push: Tensor | None,
    ) -> Tensor:
        if add:
            made.addmm_(rows, weight.T)
        else:
            torch.mm(rows, weight.T, out=made)
        if push is not None:
            made += push
        if activation:
            return functional.gelu(made) if activation == self.kernels.GELU else made.relu_()
        return made

    def _attended(self, mixed: Tensor, cache: Cache, layer: int, place: Tensor) -> Tensor:
        keys, values = cache.slots[layer]
        rows, heads, length, size = keys.shape
        out = mixed.new_empty(_wide(rows), heads * size)[:rows]
        shares = shares_of(rows * heads)
        self.kernels.launched(
            self.kernels.attend_past, (rows * heads, shares), mixed, keys, values, place, out,
            *cache.shares(shares), length, int(len(place) > 1), early=self.early, warps=4,
            H=heads, D=size, BS=STEPS, SHARES=shares, STAGES=3,
        )  # fmt: skip
        return out

    def _attend_prompts(self, x: Tensor, layer: int, prompts: PromptCache) -> None:
        block, norm = self.blocks[layer], self.blocks[layer].cross_norm
        if prompts.words is not None:
            self._add_words(x, norm, prompts.words[layer], prompts.keys[layer].shape[-1])
            return
        asked = self.product(x, block.cross_query.weight, norm=(*norm, self.folded[layer][1]))
        out = asked.new_empty(_wide(len(asked)), asked.shape[1])[: len(asked)]
        hidden = prompts.mask
        words = prompts.keys[layer].shape[-1]
        self.kernels.launched(
            self.kernels.attend_prompt, (prompts.rows * self.heads,),
            asked, prompts.keys[layer], prompts.values[layer],
            asked if hidden is None else hidden, out, words,
            early=self.early, warps=4, D=asked.shape[1] // self.heads,
            WIDE=self.kernels.wide(words), MASK=hidden is not None,
        )  # fmt: skip
        self.product(out, block.cross_out.weight, out=x)

    def _add_words(
        self, x: Tensor, norm: tuple[Tensor, Tensor, float], words: Words, count: int
    ) -> None:
        scores = self.product(x, words.scores, norm=(*norm, words.folded))
        columns, heads, wide = words.adds.shape
        self.kernels.launched(
            self.kernels.add_words, (columns // COLUMNS,), scores, words.adds, x,
            self.heads, count, columns, early=self.early, warps=4,
            BN=COLUMNS, HEADS=heads, WIDE=wide,
        )  # fmt: skip

    def words(self, prompts: PromptCache) -> tuple[Words, ...] | None:
        """What each word of a short prompt does, in place of larger matrices; None for others.

        A prompt does not change: a head's query times its keys is one product, and so is what is read of
        its values. With W words these are two matrices ``[H W, D]``, smaller than two ``[D, D]``.
        """
        count = prompts.keys[0].shape[-1]
        size = len(self.blocks[0].cross_out.weight)
        if prompts.rows > 1 or prompts.mask is not None or self.heads * count > size // 2:
            return None
        made = [self._words(layer, prompts) for layer in range(len(self.blocks))]
        return tuple(made)

    def _words(self, layer: int, prompts: PromptCache) -> Words:
        block, keys, values = self.blocks[layer], prompts.keys[layer], prompts.values[layer]
        heads, size, count = keys.shape
        query = block.cross_query.weight.view(heads, size, -1)
        scores = torch.einsum("hdw,hdk->hwk", keys, query).flatten(0, 1)
        out = block.cross_out.weight.view(-1, heads, size)
        adds = torch.einsum("hwd,nhd->nhw", values, out)
        wide = self.kernels.wide
        adds = functional.pad(adds, (0, wide(count) - count, 0, wide(heads) - heads))
        return Words(scores.contiguous(), folded(scores, block.cross_norm), adds.contiguous())

    def choose(self, logits: Tensor, sampling: Sampling, noise: Tensor) -> Tensor:
        """As `sampling.choose`, where top-p is off; codes that tie with the last of the top stay too."""
        rows, _, vocabulary = logits.shape
        over = noise.new_full((rows,), 1 / sampling.temperature)
        top = torch.full_like(over, sampling.top_k or vocabulary, dtype=torch.int32)
        return self.draw(logits, over, top, noise)

    def draw(self, logits: Tensor, over: Tensor, top: Tensor, noise: Tensor) -> Tensor:
        """The same, of clips each of its own sampling.

        Args:
            over: one over the temperatures, float32 ``[B]``. top: of how many codes it is drawn, int32 ``[B]``.
        """
        rows, books, vocabulary = logits.shape
        out = torch.empty(rows, books, dtype=torch.long, device=logits.device)
        self.kernels.launched(
            self.kernels.draw, (rows * books,), logits, noise, out, over, top,
            early=self.early, warps=8, K=books, E=vocabulary, WIDE=self.kernels.wide(vocabulary),
        )  # fmt: skip
        return out


@cache
def triton_kernels() -> ModuleType | None:
    """None without Triton."""
    try:
        from steering.decoding import gpu_kernels
    except ImportError:
        return None
    return gpu_kernels


def works(kernels: ModuleType, device: torch.device) -> bool:
    """Whether a kernel can be compiled and run: Triton wants a C compiler, which not every machine has."""
    noise = torch.ones(1, 1, 16, device=device)
    try:
        drawn = GpuBlocks(kernels, [], kernels.GELU, 1, early=False).choose(
            noise, Sampling(), noise
        )
        return int(drawn) == 0
    except (RuntimeError, OSError, CalledProcessError) as error:
        log.warning("torch plays, as Triton does not work here: %s", first_line(error))
        return False


def folded(weight: Tensor, norm: tuple[Tensor, Tensor, float]) -> Tensor:
    """What a weight ``[N, K]`` makes of a norm's scale and of its shift: float32 ``[2, N]``."""
    return torch.stack([weight.float() @ part.float() for part in norm[:2]])


def shares_of(readers: int) -> int:
    """Into how many shares the past is cut that so many rows' heads read: a power of two."""
    share = 1
    while share < MOST_SHARES and 2 * share * readers <= PROGRAMS:
        share *= 2
    return share


class Shape(NamedTuple):
    """How a product is cut up.

    Attributes:
        columns: that a program makes. terms: that it adds at a time. stages: of them that are under way.
        warps: that make it.
    """

    columns: int
    terms: int
    stages: int
    warps: int


def _wide(rows: int) -> int:
    """Rows of memory that the matrix units may read for so many."""
    return max(LEAST_ROWS, 1 << (rows - 1).bit_length())


def _roomy(rows: Tensor) -> Tensor:
    """The same rows ``[R, K]``, in memory for as many as the matrix units take; what follows them does not matter."""
    count, width = rows.shape
    last = (rows.storage_offset() + _wide(count) * width) * rows.element_size()
    if rows.is_contiguous() and last <= rows.untyped_storage().nbytes():
        return rows
    return rows.new_empty(_wide(count), width)[:count].copy_(rows)


def _shape(columns: int, terms: int, item: int, rows: int) -> Shape:
    """For a weight ``[N, K]`` and so many rows, as it was fastest on an H200."""
    if rows > FEW:
        shape = Shape(64, 64, 5, 4) if columns > terms else Shape(64, 128, 7, 4)
    elif columns == terms:
        shape = Shape(4, 2048, 3, 4)
    elif columns < terms:
        shape = Shape(4, 1024, 3, 4)
    else:
        shape = Shape(16, 256, 4, 4) if columns >= 4 * terms else Shape(8, 256, 4, 2)
    most = max(1, 2 * shape.terms // item)
    most = min(most, terms & -terms)
    return shape._replace(
        columns=min(shape.columns, columns & -columns),
        terms=most,
        stages=1 if most == terms else shape.stages,
    )
