"""The codec as transformers sees it: `SketchCodec`, with the calls that MusicGen makes of a codec.

The first codebook is the rhythm, each of the others belongs to a stem. An encoder hears a mixture and
says which notes begin in it and which codes its stems are; a decoder for every stem makes its sound
from its own strokes and codes alone, and the stems are added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from sketch.codec.constants import Constants
from sketch.codec.convnext import Block
from sketch.codec.features import HOP, SAMPLE_RATE, FrameFeatures
from sketch.codec.rhythm import counted, strikes
from sketch.codec.stems import CODEBOOK_STEMS, ENTRIES, STEMS
from sketch.codec.synthesis import Synthesis, within_full_scale

ENCODER_PAST, ENCODER_FUTURE = 4, 4
DECODER_PAST, DECODER_FUTURE = 5, 1
LIKELY_STRUCK = 0.0
"""Logit from which on a note is taken to begin."""


class SketchCodecConfig(PretrainedConfig):
    """Sizes of the codec. ``frame_rate`` is 50, ``sampling_rate`` 32,000 and both are fixed.

    ``codebook_stems`` says which stem each codebook after the rhythm belongs to.
    """

    model_type = "sketch_codec"

    def __init__(
        self,
        codebook_size: int = ENTRIES,
        codebook_stems: tuple[str, ...] = CODEBOOK_STEMS,
        encoder_size: int = 256,
        encoder_blocks: int = 5,
        decoder_size: int = 128,
        decoder_blocks: int = 5,
        **kwargs: Any,
    ) -> None:
        self.codebook_size = codebook_size
        self.codebook_stems = list(codebook_stems)
        self.num_codebooks = 1 + len(codebook_stems)
        self.encoder_size = encoder_size
        self.encoder_blocks = encoder_blocks
        self.decoder_size = decoder_size
        self.decoder_blocks = decoder_blocks
        self.sampling_rate = SAMPLE_RATE
        self.frame_rate = SAMPLE_RATE // HOP
        self.audio_channels = 1
        for fixed in ("sampling_rate", "frame_rate", "audio_channels", "num_codebooks"):
            kwargs.pop(fixed, None)
        super().__init__(**kwargs)

    @property
    def decoder_past(self) -> int:
        """Frames before a frame that its sound depends on."""
        return DECODER_PAST * self.decoder_blocks + 1

    @property
    def decoder_future(self) -> int:
        """Frames after a frame that its sound depends on."""
        return DECODER_FUTURE * self.decoder_blocks + 1


@dataclass
class SketchCodecEncoding(ModelOutput):
    """Codes ``[1, B, K, T]``, as EnCodec gives them: one chunk, no scales."""

    audio_codes: Tensor | None = None
    audio_scales: list[None] | None = None


@dataclass
class SketchCodecDecoding(ModelOutput):
    """Samples ``[B, 1, N]``, full scale 1."""

    audio_values: Tensor | None = None


class Encoder(nn.Module):
    """Bands of a mixture ``[B, T, F]`` to what begins in it and how likely each code is.

    Returns logits: of notes that begin, by stem, ``[B, 4, T]``, and of the stems' codes ``[B, k, T, E]``.
    """

    def __init__(self, config: SketchCodecConfig, features: int) -> None:
        super().__init__()
        size = config.encoder_size
        self.enter = nn.Linear(features, size)
        self.blocks = nn.Sequential(
            *(Block(size, ENCODER_PAST, ENCODER_FUTURE) for _ in range(config.encoder_blocks))
        )
        self.norm = nn.LayerNorm(size)
        self.shape = (len(config.codebook_stems), config.codebook_size)
        self.begin = nn.Linear(size, len(STEMS))
        self.leave = nn.Linear(size, self.shape[0] * self.shape[1])

    def forward(self, bands: Tensor) -> tuple[Tensor, Tensor]:
        heard = self.norm(self.blocks(self.enter(bands)))
        return self.begin(heard).mT, self.leave(heard).unflatten(-1, self.shape).transpose(1, 2)

    def codes(self, bands: Tensor) -> Tensor:
        """Codes ``[B, K, T]``, the rhythm first: a note begins where that is likeliest around."""
        begins, likely = self(bands)
        around = functional.max_pool1d(begins, 3, stride=1, padding=1)
        struck = (begins > LIKELY_STRUCK) & (begins == around)
        bits = 1 << torch.arange(len(STEMS), device=bands.device)
        rhythm = counted((struck * bits[:, None]).sum(1), self.shape[1])
        return torch.cat([rhythm[:, None], likely.argmax(-1)], dim=1)


class StemDecoder(nn.Module):
    """A stem's strokes ``[B, T]`` and codes ``[B, k, T]`` to controls ``[B, T, sum(sizes)]``."""

    def __init__(self, config: SketchCodecConfig, books: int, controls: int) -> None:
        super().__init__()
        size = config.decoder_size
        self.begin = nn.Embedding(2, size)
        self.entries = nn.ModuleList(nn.Embedding(config.codebook_size, size) for _ in range(books))
        self.blocks = nn.Sequential(
            *(Block(size, DECODER_PAST, DECODER_FUTURE) for _ in range(config.decoder_blocks))
        )
        self.norm = nn.LayerNorm(size)
        self.leave = nn.Linear(size, controls)

    def forward(self, struck: Tensor, codes: Tensor) -> Tensor:
        entered = [table(codes[:, k]) for k, table in enumerate(self.entries)]
        entered.append(self.begin(struck))
        return self.leave(self.norm(self.blocks(torch.stack(entered).sum(0))))


class SketchCodec(PreTrainedModel):
    """Sound to codes ``[B, K, T]`` and back, 50 frames a second at 32 kHz."""

    config_class = SketchCodecConfig
    base_model_prefix = "codec"
    main_input_name = "input_values"
    _supports_sdpa = True

    def __init__(self, config: SketchCodecConfig) -> None:
        super().__init__(config)
        self.features = FrameFeatures()
        self.synthesis = Synthesis()
        self.encoder = Encoder(config, self.features.size)
        controls = sum(self.synthesis.sizes)
        self.decoders = nn.ModuleDict(
            {
                stem: StemDecoder(config, config.codebook_stems.count(stem), controls)
                for stem in dict.fromkeys(config.codebook_stems)
            }
        )
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, Constants):
            module.refill()

    def forward(
        self, input_values: Tensor, padding_mask: Tensor | None = None, **_: Any
    ) -> SketchCodecDecoding:
        """Sound through the codes and back: ``[B, 1, N]`` to the same."""
        codes = self.encode(input_values, padding_mask).audio_codes
        assert codes is not None
        return self.decode(codes)

    @torch.no_grad()
    def encode(
        self, input_values: Tensor, padding_mask: Tensor | None = None, **_: Any
    ) -> SketchCodecEncoding:
        """Samples ``[B, 1, N]`` at 32 kHz to codes; a begun frame counts as a whole one."""
        if padding_mask is not None:
            input_values = input_values * padding_mask.view(input_values.shape[0], 1, -1)
        codes = self.encoder.codes(self.features(input_values.squeeze(1)))
        return SketchCodecEncoding(codes[None], [None])

    @torch.no_grad()
    def decode(
        self, audio_codes: Tensor, audio_scales: Any = None, first_frame: int = 0, **_: Any
    ) -> SketchCodecDecoding:
        """Codes ``[1, B, K, T]`` to samples ``[B, 1, T * 640]``.

        Args:
            audio_scales: unused: this codec has none.
            first_frame: which frame of the clip the first one is, for chunks.
        """
        stems = [self.stem(stem, audio_codes[0], first_frame) for stem in self.decoders]
        samples = within_full_scale(torch.stack(stems).sum(0))
        return SketchCodecDecoding(samples.unsqueeze(1))

    def stem(self, stem: str, codes: Tensor, first_frame: int = 0) -> Tensor:
        """One stem alone: codes ``[B, K, T]`` of all stems to its samples ``[B, T * 640]``."""
        mine = [k for k, name in enumerate(self.config.codebook_stems, start=1) if name == stem]
        controls = self.decoders[stem](strikes(codes[:, 0], stem), codes[:, mine])
        return self.synthesis(controls, first_frame)
