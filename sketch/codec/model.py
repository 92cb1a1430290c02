"""The codec as transformers sees it: `SketchCodec`, with the calls that MusicGen makes of a codec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from sketch.codec.constants import Constants
from sketch.codec.convnext import Block
from sketch.codec.features import HOP, SAMPLE_RATE, FrameFeatures
from sketch.codec.quantiser import ResidualQuantiser
from sketch.codec.synthesis import Synthesis, within_full_scale

ENCODER_REACH, DECODER_PAST, DECODER_FUTURE = 3, 5, 1


class SketchCodecConfig(PretrainedConfig):
    """Sizes of the codec. ``frame_rate`` is 50, ``sampling_rate`` 32,000 and both are fixed."""

    model_type = "sketch_codec"

    def __init__(
        self,
        codebook_size: int = 2048,
        num_codebooks: int = 4,
        codebook_dim: int = 64,
        patience: float = 0.5,
        encoder_size: int = 256,
        encoder_blocks: int = 4,
        decoder_size: int = 256,
        decoder_blocks: int = 6,
        **kwargs: Any,
    ) -> None:
        self.codebook_size = codebook_size
        self.num_codebooks = num_codebooks
        self.codebook_dim = codebook_dim
        self.patience = patience
        self.encoder_size = encoder_size
        self.encoder_blocks = encoder_blocks
        self.decoder_size = decoder_size
        self.decoder_blocks = decoder_blocks
        self.sampling_rate = SAMPLE_RATE
        self.frame_rate = SAMPLE_RATE // HOP
        self.audio_channels = 1
        for fixed in ("sampling_rate", "frame_rate", "audio_channels"):
            kwargs.pop(fixed, None)
        super().__init__(**kwargs)

    @property
    def decoder_past(self) -> int:
        """Frames before a frame that its sound depends on."""
        return DECODER_PAST * (self.decoder_blocks + 1) + 1

    @property
    def decoder_future(self) -> int:
        """Frames after a frame that its sound depends on."""
        return DECODER_FUTURE * (self.decoder_blocks + 1) + 1


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
    """Bands ``[B, T, F]`` to latents ``[B, T, codebook_dim]``."""

    def __init__(self, config: SketchCodecConfig, features: int) -> None:
        super().__init__()
        self.enter = nn.Linear(features, config.encoder_size)
        self.blocks = nn.Sequential(
            *(
                Block(config.encoder_size, ENCODER_REACH, ENCODER_REACH)
                for _ in range(config.encoder_blocks)
            )
        )
        self.norm = nn.LayerNorm(config.encoder_size)
        self.leave = nn.Linear(config.encoder_size, config.codebook_dim)

    def forward(self, bands: Tensor) -> Tensor:
        latent: Tensor = self.leave(self.norm(self.blocks(self.enter(bands))))
        return latent


class Decoder(nn.Module):
    """Latents ``[B, T, codebook_dim]`` to the controls of `Synthesis`, ``[B, T, sum(sizes)]``."""

    def __init__(self, config: SketchCodecConfig, controls: int) -> None:
        super().__init__()
        size = config.decoder_size
        self.enter = nn.Linear(config.codebook_dim, size)
        self.blocks = nn.Sequential(
            *(Block(size, DECODER_PAST, DECODER_FUTURE) for _ in range(config.decoder_blocks + 1))
        )
        self.norm = nn.LayerNorm(size)
        self.leave = nn.Linear(size, controls)

    def forward(self, latent: Tensor) -> Tensor:
        controls: Tensor = self.leave(self.norm(self.blocks(self.enter(latent))))
        return controls


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
        self.quantiser = ResidualQuantiser(
            config.num_codebooks, config.codebook_size, config.codebook_dim, config.patience
        )
        self.decoder = Decoder(config, sum(self.synthesis.sizes))
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
        latent = self.encoder(self.features(input_values.squeeze(1)))
        return SketchCodecEncoding(self.quantiser.encode(latent)[None], [None])

    @torch.no_grad()
    def decode(
        self, audio_codes: Tensor, audio_scales: Any = None, first_frame: int = 0, **_: Any
    ) -> SketchCodecDecoding:
        """Codes ``[1, B, K, T]`` to samples ``[B, 1, T * 640]``.

        Args:
            audio_scales: unused: this codec has none.
            first_frame: which frame of the clip the first one is, for chunks.
        """
        controls = self.decoder(self.quantiser.decode(audio_codes[0]))
        samples = within_full_scale(self.synthesis(controls, first_frame))
        return SketchCodecDecoding(samples.unsqueeze(1))
