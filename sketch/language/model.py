"""The language model's shape, put together from transformers' own parts."""

from __future__ import annotations

import math
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
from transformers.models.musicgen.modeling_musicgen import MusicgenAttention

from sketch.codec.model import SketchCodec

BLOCKS, SIZE, HEADS, FEED_FORWARD = 6, 256, 8, 1024
POSITIONS = 2048
GUIDANCE = 3.0
SECONDS = 30
FRAMES_PER_SECOND = 50
SMALLEST_SPREAD = 0.05


class LanguageModel(nn.Module):
    """Text encoder, projection and decoder of a MusicGen, under the names that they have there.

    Args:
        books: places ``[E, F]`` of each codebook's entries among the sounds, as codes that sound
            alike begin alike.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, books: Sequence[Tensor]) -> None:
        super().__init__()
        entries = len(books[0])
        self.text_encoder = T5EncoderModel(
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
        self.decoder = MusicgenForCausalLM(
            MusicgenDecoderConfig(
                vocab_size=entries,
                max_position_embeddings=POSITIONS,
                num_hidden_layers=BLOCKS,
                hidden_size=SIZE,
                num_attention_heads=HEADS,
                ffn_dim=FEED_FORWARD,
                num_codebooks=len(books),
                dropout=0.0,
                pad_token_id=entries,
                bos_token_id=entries,
                attn_implementation="sdpa",
            )
        )
        self.enc_to_dec_proj = nn.Linear(self.text_encoder.config.d_model, SIZE)
        _initialise(self.decoder, books)


def assemble(codec: SketchCodec, parts: LanguageModel) -> MusicgenForConditionalGeneration:
    """The whole MusicGen: this codec, and the trained parts."""
    config = MusicgenConfig(
        text_encoder=parts.text_encoder.config,
        audio_encoder=codec.config,
        decoder=parts.decoder.config,
    )
    model = MusicgenForConditionalGeneration(
        config=config, text_encoder=parts.text_encoder, audio_encoder=codec, decoder=parts.decoder
    )
    model.enc_to_dec_proj = parts.enc_to_dec_proj
    model.set_attn_implementation("sdpa")
    entries = parts.decoder.config.vocab_size
    model.generation_config = GenerationConfig(
        do_sample=True,
        guidance_scale=GUIDANCE,
        max_length=SECONDS * FRAMES_PER_SECOND + codec.config.num_codebooks - 1,
        top_k=250,
        bos_token_id=entries,
        pad_token_id=entries,
        decoder_start_token_id=entries,
    )
    return model


@torch.no_grad()
def set_temperatures(
    model: MusicgenForConditionalGeneration, temperatures: Sequence[float]
) -> None:
    """Let each codebook be drawn at a temperature of its own when the model is asked for 1.

    Drums that keep time want a colder draw than a melody that wanders, and `generate` knows one
    temperature for all. Logits are linear in the heads, so a head divided by its temperature does it,
    guidance included. What the heads are divided by stands in the configuration.
    """
    for head, new, old in zip(
        model.decoder.lm_heads, temperatures, temperatures_of(model), strict=True
    ):
        head.weight.mul_(old / new)
    model.config.head_temperatures = list(temperatures)


TEMPERATURES = {"rhythm": 0.7, "drums": 0.7, "bass": 0.8, "chords": 0.9, "lead": 0.9}
"""Of each stem's codebooks in the shipped model, as chosen on validation prompts."""


def temperatures_of(model: MusicgenForConditionalGeneration) -> list[float]:
    """What each codebook's head is divided by."""
    known: list[float] = getattr(model.config, "head_temperatures", [])
    return list(known) or [1.0] * len(model.decoder.lm_heads)


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
    LookBack(decoder).keep()


STEPS = range(5, 13)
"""Frames of a sixteenth in the corpus, from its fastest tempo to its slowest."""


def _ago(*sixteenths: int) -> tuple[tuple[int, ...], ...]:
    """Lags of as many sixteenths, one a tempo: a frame less, as it is the next frame that is sought."""
    return tuple((count * step - 1,) for count in sixteenths for step in STEPS)


def _pairs(lags: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """Two lags a head, as far apart as can be: of neighbours it would see what lies between."""
    half = len(lags) // 2
    return tuple(a + b for a, b in zip(lags[:half], lags[half:], strict=True))


LAGS = (
    tuple((lag,) for lag in range(1, 9)),
    (*((lag,) for lag in range(9, 12)), *_pairs(_ago(4))),
    _ago(16),
    _ago(16),
    (*_pairs(_ago(12)), *_pairs(_ago(8))),
)
"""Frames before its own that each block's heads look at: the last ones and a sixteenth ago, a beat, a bar
of four (twice), and a bar of three or half a bar. The other heads are left to themselves."""

LAG_LOGIT = 4000.0
"""How far a lag is ahead of frames far from it, while all that a block reads is of variance 1.

Blocks read what is brought to that variance, and what the blocks before them wrote grows to 70 in a
training: positions, which do not grow, are then 70 times less of it.
"""

FAST = 1 / 4
"""Share of the sinusoids that tell neighbouring frames apart; the slower ones do not."""


@torch.no_grad()
def look_back(attention: MusicgenAttention, head: int, lags: Sequence[int]) -> None:
    """Let a head look at frames so many before its own.

    Positions are sinusoids, and a sinusoid some frames ago is one turned by a fixed angle: keys take
    the positions as they are, queries take them turned back by the lag.
    """
    size, wide = attention.head_dim, attention.embed_dim
    half, rows = wide // 2, slice(head * size, (head + 1) * size)
    pairs = torch.arange(size // 2)
    places = torch.linspace(0, FAST * half - 1, len(pairs)).round().long()
    rates = torch.exp(places * -(math.log(10_000) / (half - 1)))
    gain = (LAG_LOGIT * size**0.5 / len(pairs)) ** 0.5
    key = torch.zeros(size, wide)
    key[pairs, places], key[len(pairs) + pairs, half + places] = gain, gain
    query = torch.zeros(size, wide)
    for lag in lags:
        cosine, sine = (rates * lag).cos() * gain, (rates * lag).sin() * gain
        query[pairs, places] += cosine
        query[pairs, half + places] += sine
        query[len(pairs) + pairs, half + places] += cosine
        query[len(pairs) + pairs, places] -= sine
    attention.k_proj.weight[rows] = key
    attention.q_proj.weight[rows] = query


def clock_places(size: int) -> Tensor:
    """Where the fast sinusoids stand in a residual stream of this size: int ``[size / 4]``."""
    first = torch.arange(int(FAST * size / 2))
    return torch.cat([first, size // 2 + first])


class LookBack:
    """What a training may not change: heads that look back, and the positions that they read.

    A music's time is where its frames stand, and a bar ago is the best place to look for what comes
    next. Left to learn it, a small model learns by heart instead what follows what: the first steps
    wash away what heads begin with, and codes that are added to the positions drown them. So the fast
    sinusoids have places of the residual stream to themselves, into which no embedding and no block
    writes, and the heads' queries and keys stay as they are. What is read there, and what is made of
    it, is learned.
    """

    def __init__(self, decoder: MusicgenForCausalLM) -> None:
        inner = decoder.model.decoder
        size = decoder.config.hidden_size
        self.places = clock_places(size).to(decoder.device)
        self.embeddings = [table.weight for table in inner.embed_tokens]
        self.writers = [
            last.weight
            for layer in inner.layers
            for last in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2)
        ]
        self.heads: list[tuple[Tensor, int, Tensor]] = []
        for layer, lags in zip(inner.layers, LAGS, strict=False):
            attention = layer.self_attn
            apart = MusicgenAttention(size, attention.num_heads)
            count = min(len(lags), attention.num_heads)
            for head in range(count):
                look_back(apart, head, lags[head])
            rows = count * attention.head_dim
            for own, fixed in ((attention.q_proj, apart.q_proj), (attention.k_proj, apart.k_proj)):
                self.heads.append((own.weight, rows, fixed.weight[:rows].detach().to(own.weight)))

    @torch.no_grad()
    def keep(self) -> None:
        """Put all of it back, after a step."""
        for table in self.embeddings:
            table[:, self.places] = 0
        for writer in self.writers:
            writer[self.places] = 0
        for weight, rows, fixed in self.heads:
            weight[:rows] = fixed


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
