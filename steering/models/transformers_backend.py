"""MusicGen as transformers has it, the sketch among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import MusicgenForConditionalGeneration, PreTrainedTokenizerBase
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

from curation.errors import BadInput
from steering.models.fingerprint import fingerprint
from steering.models.interface import Condition, MusicModel, readable
from steering.models.origin import Origin
from steering.models.sites import Sublayer
from steering.models.streams import Stream
from steering.models.weights import BlockWeights, DecoderWeights, Norm, without_bias

_SUBLAYERS: dict[Sublayer, str] = {
    "self-attention": "self_attn",
    "cross-attention": "encoder_attn",
    "feed-forward": "fc2",
}


class TransformersModel(MusicModel):
    """A `MusicgenForConditionalGeneration` and its tokenizer.

    Args:
        name: what its directions are marked with.

    Raises:
        BadInput: it is a stereo model.
    """

    backend = "transformers"

    def __init__(
        self, name: str, model: MusicgenForConditionalGeneration, tokenizer: PreTrainedTokenizerBase
    ) -> None:
        decoder = model.decoder.config
        if decoder.audio_channels != 1:
            raise BadInput(f"{name} is a stereo model: use its mono sibling, as musicgen-small")
        self.model, self.tokenizer = model.eval(), tokenizer
        self.codebooks, self.vocabulary = decoder.num_codebooks, decoder.vocab_size
        codec = model.config.audio_encoder
        self.sample_rate = int(codec.sampling_rate)
        self.frame_rate = float(codec.frame_rate)
        self.longest_seconds = decoder.max_position_embeddings / self.frame_rate - 0.1
        inner = model.decoder.model.decoder
        weights = [
            *(embedding.weight for embedding in inner.embed_tokens),
            *(fc.weight for block in inner.layers for fc in (block.fc1, block.fc2)),
            *(head.weight for head in model.decoder.lm_heads),
        ]
        self.origin = Origin(
            name, fingerprint(weights), decoder.num_hidden_layers, decoder.hidden_size
        )

    @property
    def device(self) -> torch.device:
        return self.model.decoder.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.decoder.dtype

    @property
    def blocks(self) -> Sequence[nn.Module]:
        return list(self.model.decoder.model.decoder.layers)

    def sublayers(self, sublayer: Sublayer) -> Sequence[nn.Module]:
        return [getattr(block, _SUBLAYERS[sublayer]) for block in self.blocks]

    @torch.inference_mode()
    def encode(self, audio: Tensor) -> Tensor:
        codec = self.model.audio_encoder
        codes = codec.encode(audio.unsqueeze(1).to(codec.device, codec.dtype)).audio_codes
        return codes[0, :, : self.codebooks].to(self.device)

    @torch.inference_mode()
    def decode(self, codes: Tensor) -> Tensor:
        audio = self.model.audio_encoder.decode(codes[None], audio_scales=[None] * len(codes))
        return audio.audio_values[:, 0].float()

    @torch.inference_mode()
    def condition(self, prompts: Sequence[str]) -> Condition:
        words = self.tokenizer(list(prompts), padding=True, return_tensors="pt").to(self.device)
        empty = torch.tensor([not prompt.strip() for prompt in prompts], device=self.device)
        mask = words.attention_mask.masked_fill(empty[:, None], 0)
        text = self.model.text_encoder(
            input_ids=words.input_ids, attention_mask=words.attention_mask
        ).last_hidden_state
        if hasattr(self.model, "enc_to_dec_proj"):
            text = self.model.enc_to_dec_proj(text)
        return Condition((text * mask[..., None].to(text.dtype)).to(self.dtype), mask)

    def through_blocks(self, columns: Tensor, condition: Condition) -> Tensor:
        return self.model.decoder.model(
            input_ids=columns.flatten(0, 1),
            encoder_hidden_states=condition.states,
            encoder_attention_mask=readable(condition.mask),
            use_cache=False,
        ).last_hidden_state

    def through_heads(self, states: Tensor) -> Tensor:
        return torch.stack([head(states) for head in self.model.decoder.lm_heads], dim=1)

    def start(self, condition: Condition) -> _TransformersDecoding:
        return _TransformersDecoding(self.model, condition)

    def weights(self) -> DecoderWeights:
        inner = self.model.decoder.model.decoder
        return DecoderWeights(
            embeddings=tuple(one.weight.detach() for one in inner.embed_tokens),
            positions=self._positions,
            blocks=tuple(self._block(layer) for layer in inner.layers),
            norm=Norm.of(inner.layer_norm),
            heads=without_bias(self.origin.model, self.model.decoder.lm_heads),
            attention_heads=self.model.decoder.config.num_attention_heads,
            activation=inner.layers[0].activation_fn,
            masks_padding=True,
        )

    def stream(self) -> Stream:
        codec = self.model.audio_encoder
        if codec.config.model_type == "sketch_codec":
            from sketch.codec.stream import ChunkedDecoder

            return ChunkedDecoder(codec)
        return super().stream()

    def _positions(self, count: int) -> Tensor:
        table = self.model.decoder.model.decoder.embed_positions
        if count <= len(table.weights):
            return table.weights[:count]
        return table.get_embedding(count, self.origin.size).to(table.weights)

    def _block(self, layer: Any) -> BlockWeights:
        own, cross = layer.self_attn, layer.encoder_attn
        modules = (own.q_proj, own.k_proj, own.v_proj, own.out_proj, cross.q_proj, cross.k_proj)
        rest = (cross.v_proj, cross.out_proj, layer.fc1, layer.fc2)
        q, k, v, out, *others = without_bias(self.origin.model, (*modules, *rest))
        cross_query, cross_key, cross_value, cross_out, up, down = others
        return BlockWeights(
            norm=Norm.of(layer.self_attn_layer_norm),
            query_key_value=(q, k, v),
            out=out,
            cross_norm=Norm.of(layer.encoder_attn_layer_norm),
            cross_query=cross_query,
            cross_key=cross_key,
            cross_value=cross_value,
            cross_out=cross_out,
            feed_forward_norm=Norm.of(layer.final_layer_norm),
            up=up,
            down=down,
        )


class _TransformersDecoding:
    """A generation by the library's own decoder and growing cache."""

    def __init__(self, model: MusicgenForConditionalGeneration, condition: Condition) -> None:
        self.decoder, self.condition = model.decoder, condition
        self.mask = readable(condition.mask)
        config = model.decoder.config
        self.cache = EncoderDecoderCache(DynamicCache(config=config), DynamicCache(config=config))

    @torch.inference_mode()
    def step(self, codes: Tensor) -> Tensor:
        rows, books = codes.shape
        out = self.decoder(
            input_ids=codes.reshape(rows * books, 1),
            encoder_hidden_states=self.condition.states,
            encoder_attention_mask=self.mask,
            past_key_values=self.cache,
            use_cache=True,
        ).logits
        return out.view(rows, books, -1)
