"""The language model's shape, put together from transformers' own parts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
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
SMALLEST_SPREAD = 0.05


def build(
    codec: SketchCodec, tokenizer: PreTrainedTokenizerFast
) -> MusicgenForConditionalGeneration:
    """A MusicGen with this codec, untrained but for what the codec knows of its codes."""
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
    _initialise(decoder, [book.vectors for book in codec.quantiser.books])
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


EMBEDDING_SPREAD = 0.35
"""Token embeddings begin as large as the sinusoidal positions that they are added to."""

OWN = 0.2
"""How much of an embedding's variance begins as its own, and not its place in the codec."""


@torch.no_grad()
def _initialise(decoder: MusicgenForCausalLM, books: Sequence[Tensor]) -> None:
    """Blocks begin by changing nothing, and codes that sound alike begin alike.

    With thousands of codes, most of which are rare, what is learned of one code has to hold for its
    neighbours: embeddings and heads begin at the places that the codec has their entries at.
    """
    inner = decoder.model.decoder
    for embedding, head, vectors in zip(inner.embed_tokens, decoder.lm_heads, books, strict=True):
        size = embedding.weight.shape[1]
        near = places(vectors, size)
        own = torch.randn_like(near) / size**0.5
        mixed = (1 - OWN) ** 0.5 * near + OWN**0.5 * own
        nn.init.normal_(embedding.weight, std=EMBEDDING_SPREAD)
        embedding.weight[: len(near)] = mixed * EMBEDDING_SPREAD * size**0.5
        head.weight.copy_(near * head.weight.std() * size**0.5)
    for layer in inner.layers:
        for last in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
            nn.init.zeros_(last.weight)


def places(vectors: Tensor, size: int) -> Tensor:
    """A codebook's vectors ``[E, C]`` in ``size`` dimensions, ``[E, size]``, of length 1 on average.

    They are turned at random, their mean is taken out, and the spread along their axes is made more
    equal (by its square root), so that no axis drowns the others.
    """
    around = vectors.float() - vectors.float().mean(0)
    left, spread, _ = torch.linalg.svd(around, full_matrices=False)
    evened = left * (spread / spread[0]).clamp_min(SMALLEST_SPREAD).sqrt()
    evened = evened / evened.square().sum(1).mean().sqrt()
    turn = nn.init.orthogonal_(torch.empty(size, evened.shape[1], device=vectors.device))
    return evened @ turn.T
