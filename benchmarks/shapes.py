"""Models in the shapes of the published ones, with random weights: for speed there is no download."""

from __future__ import annotations

import torch
from transformers import (
    EncodecConfig,
    EncodecModel,
    MusicgenDecoderConfig,
    MusicgenForCausalLM,
    MusicgenForConditionalGeneration,
    T5Config,
    T5EncoderModel,
)

from sketch.language.text import make_tokenizer
from steering.models.transformers_backend import TransformersModel

PUBLISHED = {"large": (48, 2048, 32), "medium": (48, 1536, 24), "small": (24, 1024, 16)}
"""Blocks, size and heads of musicgen-large, -medium and -small (arXiv 2306.05284)."""


def random_musicgen(layers: int, size: int, heads: int) -> TransformersModel:
    """A MusicGen of this shape in bfloat16 on the GPU, with a tiny text encoder and codec."""
    tokenizer = make_tokenizer(hours=2.0)
    text = T5EncoderModel(
        T5Config(vocab_size=len(tokenizer), d_model=64, d_kv=32, d_ff=64, num_layers=1, num_heads=2)
    )
    codec = EncodecModel(
        EncodecConfig(
            sampling_rate=32_000, upsampling_ratios=[8, 5, 4, 4], num_filters=4, hidden_size=16,
            codebook_dim=16, codebook_size=2048, target_bandwidths=[2.2],
        )
    )  # fmt: skip
    with torch.device("cuda"):
        decoder = MusicgenForCausalLM(
            MusicgenDecoderConfig(
                vocab_size=2048, num_hidden_layers=layers, hidden_size=size,
                num_attention_heads=heads, ffn_dim=4 * size, pad_token_id=2048, bos_token_id=2048,
            )
        )  # fmt: skip
    whole = MusicgenForConditionalGeneration(
        text_encoder=text, audio_encoder=codec, decoder=decoder
    )
    whole.decoder.set_attn_implementation("sdpa")  # Encodec has none
    return TransformersModel(f"random {size}", whole.to("cuda", torch.bfloat16), tokenizer)
