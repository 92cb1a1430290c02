"""The libraries' own decoders on the sketch's weights: what ours is held against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from steering.activations.hooks import Steering, changing
from steering.interventions.plan import Plan
from steering.models.transformers_backend import TransformersModel

PROMPT = "calm jazz with a flute"
Player = Callable[[], Any]


def by_transformers(model: TransformersModel, count: int, seconds: float) -> None:
    words = model.tokenizer([PROMPT] * count, padding=True, return_tensors="pt").to(model.device)
    frames = round(seconds * model.frame_rate)
    with torch.inference_mode():
        model.model.generate(
            **words, do_sample=True, guidance_scale=3.0, top_k=250,
            max_new_tokens=frames + model.codebooks - 1, pad_token_id=model.vocabulary,
            bos_token_id=model.vocabulary, decoder_start_token_id=model.vocabulary,
        )  # fmt: skip


def by_transformers_steered(
    model: TransformersModel, count: int, seconds: float, plan: Plan
) -> None:
    plans = [plan] * count
    like = next(model.model.decoder.parameters())
    with changing(model, Steering(plans, True, like)):
        by_transformers(model, count, seconds)


def audiocraft_player(model: TransformersModel, count: int, seconds: float) -> Player | None:
    """audiocraft's own generation on the same weights; None where it is not installed."""
    try:
        from audiocraft.modules.conditioners import ConditioningAttributes
    except ImportError:
        return None
    from steering.models.convert import audiocraft_decoder

    lm = audiocraft_decoder(model.model.decoder)
    rows = model.condition([PROMPT] * count).with_unconditional()
    lm.condition_provider.tokenize = lambda conditions: None
    lm.condition_provider.forward = lambda tokenized: {"description": (rows.states, rows.mask)}
    texts = [ConditioningAttributes(text={"description": PROMPT}) for _ in range(count)]
    frames = round(seconds * model.frame_rate)

    def play() -> None:
        with torch.inference_mode():
            lm.generate(conditions=texts, max_gen_len=frames, top_k=250, cfg_coef=3.0)

    return play
