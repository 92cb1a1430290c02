"""Codes turned into sound piece by piece, as the whole would sound."""

from __future__ import annotations

import torch
from transformers import EncodecConfig, EncodecModel

from steering.models.streams import OverlapStream


def test_encodec_in_pieces_is_nearly_the_whole():
    torch.manual_seed(0)
    codec = EncodecModel(
        EncodecConfig(
            num_filters=4, hidden_size=16, codebook_dim=16, codebook_size=32,
            target_bandwidths=[1.1], sampling_rate=16_000, upsampling_ratios=[8, 5, 4, 2],
            norm_type="weight_norm", use_causal_conv=False, num_lstm_layers=2,
        )
    ).eval()  # fmt: skip

    @torch.inference_mode()
    def decode(codes: torch.Tensor) -> torch.Tensor:
        return codec.decode(codes[None], [None]).audio_values[:, 0]

    codes = torch.randint(32, (2, 2, 300))
    whole = decode(codes)
    stream = OverlapStream(decode, hop=320)
    pieces = [stream.push(piece) for piece in codes.split(25, dim=-1)]
    made = torch.cat([*pieces, stream.finish()], dim=-1)
    assert made.shape == whole.shape
    assert (made - whole).abs().max() < 1e-3 * whole.abs().max()
    blind = OverlapStream(decode, hop=320, past=0, future=0)
    rough = torch.cat([blind.push(piece) for piece in codes.split(25, dim=-1)], dim=-1)
    assert (rough - whole).abs().max() > 1e-2 * whole.abs().max()
