"""The GPU's kernels, as Triton's interpreter runs them on the CPU, against torch's own operations."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional

from steering.decoding.cache import Cache, PromptCache
from steering.decoding.gpu_blocks import GpuBlocks, folded, triton_kernels, works
from steering.decoding.matmul import Matrix
from steering.decoding.sampling import Sampling, choose

pytest.importorskip("triton")
INTERPRET = "TRITON_INTERPRET"
interpreted = pytest.mark.skipif(INTERPRET not in os.environ, reason="runs in a process of its own")
HEADS, SIZE, WORDS = 2, 16, 3


def test_the_interpreter_agrees_with_torch():
    """Triton asks for its interpreter when it is imported, so what follows is run by another process."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        __file__,
    ]
    told = os.environ | {INTERPRET: "1"}
    done = subprocess.run([*command, "-k", "kernels"], env=told, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.fixture(autouse=True)
def numbers_of_one(monkeypatch):
    """Triton's interpreter counts a loop by arrays of one number, which numpy takes for numbers no longer."""
    if INTERPRET not in os.environ:
        return
    from triton.runtime import interpreter

    patch = interpreter._patch_lang_tensor

    def patched(tensor, scope):
        patch(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))

    monkeypatch.setattr(interpreter, "_patch_lang_tensor", patched)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def close(made, expected):
    return torch.allclose(made, expected, rtol=1e-4, atol=1e-5)


@pytest.fixture
def block():
    """A block's attention to the prompt."""
    query, out = Matrix(drawn(SIZE, SIZE, seed=1)), Matrix(drawn(SIZE, SIZE, seed=2))
    norm = (drawn(SIZE, seed=3), drawn(SIZE, seed=4), 1e-5)
    up = Matrix(drawn(32, SIZE, seed=5))
    return SimpleNamespace(
        query_key_value=Matrix(drawn(48, SIZE, seed=6)), norm=norm, cross_query=query, cross_out=out,
        cross_norm=norm, up=up, feed_forward_norm=norm,
    )  # fmt: skip


@pytest.fixture
def blocks(block):
    kernels = triton_kernels()
    return GpuBlocks(kernels, [block], kernels.GELU, HEADS, early=False)


@pytest.fixture
def prompts():
    keys, values = (
        drawn(HEADS, SIZE // HEADS, WORDS, seed=7),
        drawn(HEADS, WORDS, SIZE // HEADS, seed=8),
    )
    return PromptCache((keys,), (values,), None, 1)


@interpreted
@pytest.mark.parametrize("rows", [1, 2, 5, 20])
def test_the_kernels_normalise_multiply_and_activate(blocks, rows):
    x, weight, norm = (
        drawn(rows, 48) + 0.5,
        drawn(32, 48, seed=1),
        (drawn(48, seed=2), drawn(48, seed=3), 1e-5),
    )
    made = blocks.product(
        x, weight, norm=(*norm, folded(weight, norm)), activation=blocks.activation
    )
    assert close(made, functional.gelu(functional.layer_norm(x, (48,), *norm) @ weight.T))


@interpreted
@pytest.mark.parametrize("rows", [2, 5, 20])
def test_the_kernels_add_a_product_and_a_push(blocks, rows):
    x, weight, out, push = (
        drawn(rows, 64),
        drawn(16, 64, seed=1),
        drawn(rows, 16, seed=2),
        drawn(rows, 16, seed=3),
    )
    expected = out + x @ weight.T + push
    assert close(blocks.product(x, weight, out=out, push=push), expected)


@interpreted
@pytest.mark.parametrize("place", [0, 5, 400])
def test_the_kernels_attend_to_the_past_and_keep_their_own(blocks, place):
    cache = Cache(1, 2, HEADS, 512, SIZE // HEADS, torch.zeros(1))
    cache.all.copy_(drawn(*cache.all.shape))
    before, mixed = cache.all[0].clone(), drawn(2, 3 * SIZE, seed=1)
    made = blocks._attended(mixed, cache, 0, torch.tensor([place]))
    query, key, value = mixed.view(2, 3, HEADS, 1, -1).unbind(1)
    before[0, :, :, place], before[1, :, :, place] = key[:, :, 0], value[:, :, 0]
    assert torch.equal(cache.all[0], before)
    seen = before[..., : place + 1, :]
    expected = functional.scaled_dot_product_attention(query, seen[0], seen[1], scale=1.0)
    assert close(made, expected.reshape(2, SIZE))


@interpreted
@pytest.mark.parametrize("short", [True, False])
def test_the_kernels_read_a_prompt_either_way(blocks, block, prompts, short):
    """Word by word, or by matrices that are made of the words beforehand."""
    x = drawn(1, SIZE, seed=9)
    normed = functional.layer_norm(x, (SIZE,), *block.cross_norm)
    query = (normed @ block.cross_query.tensor).view(HEADS, 1, -1)
    read = (query @ prompts.keys[0]).softmax(-1) @ prompts.values[0]
    expected = x + read.view(1, SIZE) @ block.cross_out.tensor
    if short:
        assert blocks.words(prompts) is not None
        prompts = PromptCache(prompts.keys, prompts.values, None, 1, words=blocks.words(prompts))
    blocks._attend_prompts(x, 0, prompts)
    assert close(x, expected)


@interpreted
def test_the_kernels_leave_out_words_that_are_hidden(blocks, prompts):
    hidden = torch.zeros(HEADS, 1, WORDS)
    hidden[..., 1] = float("-inf")
    some = [0, 2]
    fewer = PromptCache((prompts.keys[0][..., some],), (prompts.values[0][:, some],), None, 1)
    masked = PromptCache(prompts.keys, prompts.values, hidden, 1)
    assert blocks.words(masked) is None
    made = [drawn(1, SIZE, seed=9) for _ in range(2)]
    for x, one in zip(made, (fewer, masked), strict=True):
        blocks._attend_prompts(x, 0, one)
    assert close(*made)


@interpreted
def test_the_kernels_multiply_a_row_as_if_it_were_alone(blocks):
    """Up to sixteen rows are multiplied together, and none hears another."""
    x, weight = drawn(9, 128), drawn(64, 128, seed=1)
    assert torch.equal(blocks.product(x, weight)[:4], blocks.product(x[:4].clone(), weight))


@interpreted
def test_the_kernels_are_tried_before_they_are_relied_on():
    assert works(triton_kernels(), torch.device("cpu"))


def test_torch_plays_where_triton_finds_no_compiler(caplog):
    def launched(*given, **fixed):
        raise RuntimeError("Failed to find C compiler.")

    broken = SimpleNamespace(GELU=1, draw=None, wide=int, launched=launched)
    assert not works(broken, torch.device("cpu"))
    assert "torch plays, as Triton does not work here: Failed to find C compiler" in caplog.text


@interpreted
@pytest.mark.parametrize("top", [0, 5])
def test_the_kernels_draw_the_codes_that_torch_draws(blocks, top):
    logits, sampling = drawn(2, 3, 40), Sampling(top_k=top)
    noise = drawn(2, 3, 40, seed=1).abs()
    assert torch.equal(blocks.choose(logits, sampling, noise), choose(logits, sampling, noise))
