"""What the lock promises: a current torch, and audiocraft beside it."""

from __future__ import annotations

import importlib.metadata

import torch


def test_torch_is_the_release_that_torchaudio_allows():
    assert torch.__version__.startswith("2.11.")
    assert importlib.metadata.version("torchaudio").startswith("2.11.")


def test_audiocrafts_transformer_runs_on_it():
    from audiocraft.modules.transformer import StreamingTransformer

    torch.manual_seed(0)
    transformer = StreamingTransformer(16, 2, 1, dim_feedforward=32, causal=True).eval()
    frames = torch.randn(1, 5, 16)
    whole, start = transformer(frames), transformer(frames[:, :3])
    assert torch.allclose(whole[:, :3], start, atol=1e-6)
