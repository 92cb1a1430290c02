"""Tiny untrained MusicGens, in memory and as a folder, and banks of random directions for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForCausalLM,
    MusicgenForConditionalGeneration,
    T5Config,
    T5EncoderModel,
)

from sketch.codec.books import Codebooks
from sketch.codec.model import SketchCodec, SketchCodecConfig
from sketch.export import save_sketch
from sketch.language import model as shape
from sketch.language.text import make_tokenizer
from steering.directions.bank import Bank
from steering.directions.direction import Direction
from steering.models.transformers_backend import TransformersModel
from tests.test_sketch_codec import SMALL

LAYERS, SIZE, ENTRIES = 2, 32, 32
CODEC = SMALL | {"codebook_stems": ("drums", "bass", "lead")}
"""With the rhythm four codebooks, as the published models have."""

MODEL_LAYERS = 3
"""Blocks of the fixture `model`."""

CHORD_CLIPS = 240
"""Clips of the fixture `place`: every triad stands four times in the validation splits."""


def toy_model(layers: int = LAYERS) -> TransformersModel:
    torch.manual_seed(0)
    tokenizer = make_tokenizer(hours=2.0)
    codec = SketchCodec(SketchCodecConfig(**CODEC))
    text = T5EncoderModel(
        T5Config(vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    )
    decoder = MusicgenForCausalLM(
        MusicgenDecoderConfig(
            vocab_size=ENTRIES,
            num_hidden_layers=layers,
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
    whole.set_attn_implementation("sdpa")
    return TransformersModel("toy", whole, tokenizer)


def centres(seed: int = 0) -> list[np.ndarray]:
    """Small codebooks of four stems; the rhythm comes before them."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(32, 8)).astype(np.float32) for _ in range(4)]


def save_small_sketch(folder: Path) -> None:
    """A sketch of two small blocks, as export writes it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, size in (("BLOCKS", 2), ("SIZE", 32), ("HEADS", 2), ("FEED_FORWARD", 64)):
            patch.setattr(shape, name, size)
        torch.manual_seed(0)
        tokenizer = make_tokenizer(hours=2.0)
        books = Codebooks([np.ones((32, 8), np.float32) * np.arange(32)[:, None]] * 3)
        parts = shape.LanguageModel(tokenizer, books.places)
        model = shape.assemble(SketchCodec(SketchCodecConfig(**CODEC)), parts)
        save_sketch(model, tokenizer, books, folder)


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
