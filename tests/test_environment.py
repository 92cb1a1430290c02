"""What the lock promises: a current torch, audiocraft beside it, and librosa compiled in peace."""

from __future__ import annotations

import importlib.metadata
import os
import threading

import torch

from curation.compiled import compile_librosa
from curation.locks import locked


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


def test_librosa_is_compiled_by_one_process_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    with locked(tmp_path / f"librosa-{os.getuid()}.lock", lambda holder: None):
        waiting = threading.Thread(target=compile_librosa)
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
    waiting.join(10)
    assert not waiting.is_alive()
