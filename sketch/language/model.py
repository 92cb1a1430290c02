"""The language model's shape, put together from transformers' own parts."""

from __future__ import annotations

import torch
from torch import nn
from transformers import (
    GenerationConfig,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForCausalLM,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

from sketch.codec.model import SketchCodec

BLOCKS, SIZE, HEADS, FEED_FORWARD = 8, 256, 4, 896
POSITIONS = 2048
GUIDANCE = 3.0
SECONDS = 30
FRAMES_PER_SECOND = 50


def build(
    codec: SketchCodec, tokenizer: PreTrainedTokenizerFast
) -> MusicgenForConditionalGeneration:
    """A MusicGen with this codec, untrained.

    Token embeddings begin as large as the sinusoidal positions that they are added to.
    """
    text = T5EncoderModel(
        T5Config(
            vocab_size=len(tokenizer),
            d_model=128,
            d_kv=32,
            d_ff=384,
            num_layers=2,
            num_heads=4,
            dropout_rate=0.0,
            feed_forward_proj="gelu",
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    books = codec.config.num_codebooks
    entries = codec.config.codebook_size
    decoder = MusicgenForCausalLM(
        MusicgenDecoderConfig(
            vocab_size=entries,
            max_position_embeddings=POSITIONS,
            num_hidden_layers=BLOCKS,
            hidden_size=SIZE,
            num_attention_heads=HEADS,
            ffn_dim=FEED_FORWARD,
            num_codebooks=books,
            dropout=0.0,
            pad_token_id=entries,
            bos_token_id=entries,
        )
    )
    _initialise(decoder)
    config = MusicgenConfig(
        text_encoder=text.config, audio_encoder=codec.config, decoder=decoder.config
    )
    model = MusicgenForConditionalGeneration(
        config=config, text_encoder=text, audio_encoder=codec, decoder=decoder
    )
    model.set_attn_implementation("sdpa")
    model.generation_config = GenerationConfig(
        do_sample=True,
        guidance_scale=GUIDANCE,
        max_length=SECONDS * FRAMES_PER_SECOND + books - 1,
        top_k=250,
        bos_token_id=entries,
        pad_token_id=entries,
        decoder_start_token_id=entries,
    )
    return model


@torch.no_grad()
def _initialise(decoder: MusicgenForCausalLM) -> None:
    for embedding in decoder.model.decoder.embed_tokens:
        nn.init.normal_(embedding.weight, std=0.35)
    for layer in decoder.model.decoder.layers:
        for last in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
            nn.init.zeros_(last.weight)
