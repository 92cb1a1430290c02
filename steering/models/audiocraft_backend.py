"""MusicGen as audiocraft has it: the same decoder, other names, its own streaming cache."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pickle import UnpicklingError
from threading import RLock
from typing import Any

import torch
from torch import Tensor, nn

from curation.errors import BadInput, first_line
from steering.models.fingerprint import fingerprint
from steering.models.interface import Condition, MusicModel
from steering.models.origin import Origin
from steering.models.sites import Sublayer
from steering.models.weights import BlockWeights, DecoderWeights, Norm, unfit, without_bias

DESCRIPTION = "description"
_SUBLAYERS: dict[Sublayer, str] = {
    "self-attention": "layer_scale_1",
    "cross-attention": "layer_scale_cross",
    "feed-forward": "layer_scale_2",
}
"""What a sublayer gives goes through one of these, an identity in MusicGen, on its way into the stream."""

_SWITCH, _READING = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", RLock()


class AudiocraftModel(MusicModel):
    """An `audiocraft.models.MusicGen`.

    In a batch of prompts of different lengths audiocraft attends to the padding, which is zeros, as
    it did in training; transformers masks it out. Prompts alone are the same in both.

    Args:
        name: what its directions are marked with.

    Raises:
        BadInput: it is a stereo model, or is conditioned on more than text.
    """

    backend = "audiocraft"

    def __init__(self, name: str, model: Any) -> None:
        self.model = model
        self.lm = model.lm.eval()
        self.lock = RLock()
        """Held over each pass: audiocraft keeps the state of a generation in the modules."""
        codec = model.compression_model
        _check(name, self.lm, codec)
        self.codebooks, self.vocabulary = self.lm.n_q, self.lm.card
        self.sample_rate = int(codec.sample_rate)
        self.frame_rate = float(codec.frame_rate)
        self.longest_seconds = float(model.max_duration or 30.0)
        weights = [
            *(embedding.weight for embedding in self.lm.emb),
            *(
                linear.weight
                for block in self.lm.transformer.layers
                for linear in (block.linear1, block.linear2)
            ),
            *(linear.weight for linear in self.lm.linears),
        ]
        self.origin = Origin(name, fingerprint(weights), len(self.blocks), self.lm.dim)

    @property
    def device(self) -> torch.device:
        return self.lm.emb[0].weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.lm.emb[0].weight.dtype

    @property
    def blocks(self) -> Sequence[nn.Module]:
        return list(self.lm.transformer.layers)

    def sublayers(self, sublayer: Sublayer) -> Sequence[nn.Module]:
        return [getattr(block, _SUBLAYERS[sublayer]) for block in self.blocks]

    @torch.inference_mode()
    def encode(self, audio: Tensor) -> Tensor:
        return self.model.compression_model.encode(audio.unsqueeze(1).to(self.device))[0]

    @torch.inference_mode()
    def decode(self, codes: Tensor) -> Tensor:
        return self.model.compression_model.decode(codes, None)[:, 0].float()

    @torch.inference_mode()
    def condition(self, prompts: Sequence[str]) -> Condition:
        from audiocraft.modules.conditioners import ConditioningAttributes

        provider = self.lm.condition_provider
        texts = [
            ConditioningAttributes(text={DESCRIPTION: prompt.strip() or None}) for prompt in prompts
        ]
        states, mask = provider(provider.tokenize(texts))[DESCRIPTION]
        return Condition(states.to(self.dtype), mask)

    def through_blocks(self, columns: Tensor, condition: Condition) -> Tensor:
        embedded = sum(self.lm.emb[k](columns[:, k]) for k in range(self.codebooks))
        with self.lock:
            states = self.lm.transformer(embedded, cross_attention_src=condition.states)
        return states if self.lm.out_norm is None else self.lm.out_norm(states)

    def through_heads(self, states: Tensor) -> Tensor:
        return torch.stack([linear(states) for linear in self.lm.linears], dim=1)

    def start(self, condition: Condition) -> _AudiocraftDecoding:
        return _AudiocraftDecoding(self, condition)

    def weights(self) -> DecoderWeights:
        transformer = self.lm.transformer
        if transformer.positional_embedding != "sin":
            raise unfit(self.origin.model, f"has {transformer.positional_embedding} positions")
        return DecoderWeights(
            embeddings=tuple(one.weight.detach() for one in self.lm.emb),
            positions=self._positions,
            blocks=tuple(self._block(layer) for layer in transformer.layers),
            norm=Norm.of(self.lm.out_norm),
            heads=without_bias(self.origin.model, self.lm.linears),
            attention_heads=transformer.layers[0].self_attn.num_heads,
            activation=transformer.layers[0].activation,
            masks_padding=False,
        )

    def _positions(self, count: int) -> Tensor:
        from audiocraft.modules.transformer import create_sin_embedding

        transformer = self.lm.transformer
        places = torch.arange(count, device=self.device).view(1, -1, 1)
        table = create_sin_embedding(places, self.lm.dim, transformer.max_period, self.dtype)
        return transformer.positional_scale * table[0]

    def _block(self, layer: Any) -> BlockWeights:
        name = self.origin.model
        parts = (layer.layer_scale_1, layer.layer_scale_cross, layer.layer_scale_2)
        if not layer.norm_first or not all(isinstance(part, nn.Identity) for part in parts):
            raise unfit(name, "scales its blocks, or norms after them")
        matrix, out = _attention(name, layer.self_attn)
        cross, cross_out = _attention(name, layer.cross_attention)
        cross_query, cross_key, cross_value = cross.chunk(3)
        up, down = without_bias(name, (layer.linear1, layer.linear2))
        return BlockWeights(
            norm=Norm.of(layer.norm1),
            query_key_value=(matrix,),
            out=out,
            cross_norm=Norm.of(layer.norm_cross),
            cross_query=cross_query,
            cross_key=cross_key,
            cross_value=cross_value,
            cross_out=cross_out,
            feed_forward_norm=Norm.of(layer.norm2),
            up=up,
            down=down,
        )


class _AudiocraftDecoding:
    """A generation by the library's own streaming transformer.

    The streaming state lives in the model's modules: it is put there for each step and taken out
    again, so that several decodings can be under way, step by step in turn.
    """

    def __init__(self, owner: AudiocraftModel, condition: Condition) -> None:
        self.owner, self.condition = owner, condition
        self.state: dict[str, Tensor] = {}

    def step(self, codes: Tensor) -> Tensor:
        lm = self.owner.lm
        with self.owner.lock, lm.streaming():
            lm.set_streaming_state(self.state)
            logits = self.owner.logits(codes.unsqueeze(-1), self.condition)
            self.state = lm.get_streaming_state()
        return logits[:, :, -1]


def _attention(name: str, attention: Any) -> tuple[Tensor, Tensor]:
    """Query, key and value in one ``[3 * D, D]``, and what leads out ``[D, D]``."""
    if attention.qk_layer_norm or attention.kv_repeat != 1 or attention.past_context is not None:
        raise unfit(name, "norms, repeats or forgets its keys")
    inner = attention if attention.custom else attention.mha
    if inner.in_proj_bias is not None:
        raise unfit(name, "has biases in its matrices")
    (out,) = without_bias(name, (inner.out_proj,))
    return inner.in_proj_weight.detach(), out


def _check(name: str, lm: Any, codec: Any) -> None:
    others = set(lm.condition_provider.conditioners) - {DESCRIPTION}
    if others:
        raise BadInput(
            f"{name} is also conditioned on {', '.join(sorted(others))}: melody and style models "
            "cannot be steered, use facebook/musicgen-small, -medium or -large"
        )
    if codec.channels != 1:
        raise BadInput(f"{name} is a stereo model: use its mono sibling, as musicgen-small")


def load_audiocraft(name: str, device: str) -> AudiocraftModel:
    """The model of this name or in this folder, as audiocraft loads it.

    Raises:
        BadInput: audiocraft is not installed or cannot load it, or it cannot be steered.
    """
    try:
        from audiocraft.models import MusicGen
    except ImportError:
        raise BadInput(
            "audiocraft is not installed: pip install 'steering-music[audiocraft]', then pip install "
            "--no-deps audiocraft==1.3.0, or use --backend transformers"
        ) from None
    try:
        with _weights_only():
            loaded = MusicGen.get_pretrained(name, device=device)
        return AudiocraftModel(name, loaded)
    except BadInput:
        raise
    except UnpicklingError:
        raise BadInput(
            f"{name} holds more than weights, and reading it could run code, which is refused: take "
            "a checkpoint of tensors alone, as facebook/musicgen-small"
        ) from None
    except Exception as error:  # noqa: BLE001  anybody's files may break audiocraft anywhere
        raise BadInput(f"audiocraft cannot load {name}: {first_line(error)}") from None


@contextmanager
def _weights_only() -> Iterator[None]:
    """While it lasts, torch reads tensors and no objects, whoever calls it and whatever they ask.

    audiocraft's checkpoints are pickles, and it does not say how torch is to read them.
    """
    with _READING:
        before = os.environ.get(_SWITCH)
        os.environ[_SWITCH] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ[_SWITCH]
            else:
                os.environ[_SWITCH] = before
