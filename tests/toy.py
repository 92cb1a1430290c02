"""A tiny random MusicGen of two blocks, and a bank of random directions for it."""

from __future__ import annotations

import torch
from transformers import (
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForCausalLM,
    MusicgenForConditionalGeneration,
    T5Config,
    T5EncoderModel,
)

from sketch.codec.model import SketchCodec, SketchCodecConfig
from sketch.language.text import make_tokenizer
from steering.directions import Bank, Direction
from steering.models.transformers_backend import TransformersModel
from tests.test_sketch_codec import SMALL

LAYERS, SIZE, ENTRIES = 2, 32, 32


def toy_model() -> TransformersModel:
    torch.manual_seed(0)
    tokenizer = make_tokenizer(hours=2.0)
    codec = SketchCodec(SketchCodecConfig(**SMALL))
    text = T5EncoderModel(
        T5Config(vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    )
    decoder = MusicgenForCausalLM(
        MusicgenDecoderConfig(
            vocab_size=ENTRIES,
            num_hidden_layers=LAYERS,
            hidden_size=SIZE,
            num_attention_heads=4,
            ffn_dim=64,
            pad_token_id=ENTRIES,
            bos_token_id=ENTRIES,
        )
    )
    for weight in decoder.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    config = MusicgenConfig(
        text_encoder=text.config, audio_encoder=codec.config, decoder=decoder.config
    )
    whole = MusicgenForConditionalGeneration(
        config=config, text_encoder=text, audio_encoder=codec, decoder=decoder
    )
    return TransformersModel("toy", whole, tokenizer)


def toy_bank(model: TransformersModel, concepts: tuple[str, ...], seed: int = 0) -> Bank:
    generator = torch.Generator().manual_seed(seed)
    directions = {
        name: Direction(
            name,
            torch.randn(LAYERS, SIZE, generator=generator),
            torch.linspace(0.6, 0.9, LAYERS),
            model.origin,
        ).unit()
        for name in concepts
    }
    return Bank("toys", "random", model.origin, directions, torch.full((LAYERS,), 5.0))
