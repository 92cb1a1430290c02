"""One library's checkpoint as the other's: the same weights under other names.

Both hold the same decoder (Copet et al. 2023, arXiv 2306.05284). transformers keeps query, key and
value apart, audiocraft keeps them in one matrix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from curation.errors import BadInput
from curation.files import whole

_PARTS = (
    ("model.decoder.embed_tokens.", "emb."),
    ("model.decoder.layers.", "transformer.layers."),
    ("model.decoder.layer_norm.", "out_norm."),
    ("lm_heads.", "linears."),
)
_IN_LAYER = (
    ("self_attn_layer_norm.", "norm1."),
    ("encoder_attn_layer_norm.", "norm_cross."),
    ("encoder_attn.", "cross_attention."),
    ("final_layer_norm.", "norm2."),
    ("fc1.", "linear1."),
    ("fc2.", "linear2."),
)
_QKV = ("q_proj", "k_proj", "v_proj")
_PROJECTION = "condition_provider.conditioners.description.output_proj."
_CODEC, _TEXT = "facebook/encodec_32khz", "t5-base"


def to_audiocraft_names(decoder: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of a `MusicgenForCausalLM` as that of an audiocraft `LMModel`.

    Raises:
        BadInput: a name is of no weight of a MusicGen decoder.
    """
    state: dict[str, Tensor] = {}
    for name, weight in decoder.items():
        renamed = _renamed(name, forwards=True)
        if ".q_proj." in renamed:
            parts = [decoder[name.replace("q_proj", part)] for part in _QKV]
            state[renamed.replace("q_proj.weight", "in_proj_weight")] = torch.cat(parts)
        elif not re.search(r"\.[kv]_proj\.", renamed):
            state[renamed] = weight
    return state


def to_transformers_names(lm: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of an audiocraft `LMModel` as that of a `MusicgenForCausalLM`.

    Raises:
        BadInput: a name is of no weight of a MusicGen decoder.
    """
    state: dict[str, Tensor] = {}
    for name, weight in lm.items():
        if name.startswith("condition_provider."):
            continue
        renamed = _renamed(name, forwards=False)
        if renamed.endswith("in_proj_weight"):
            for part, third in zip(_QKV, weight.chunk(3), strict=True):
                state[renamed.replace("in_proj_weight", f"{part}.weight")] = third.clone()
        else:
            state[renamed] = weight
    return state


def _renamed(name: str, forwards: bool) -> str:
    for pair in _PARTS:
        old, new = pair if forwards else pair[::-1]
        if name.startswith(old):
            name = new + name.removeprefix(old)
            break
    else:
        raise BadInput(f"no weight of a MusicGen decoder is called {name}: is it another model?")
    for pair in _IN_LAYER:
        old, new = pair if forwards else pair[::-1]
        name = re.sub(rf"(layers\.\d+\.){re.escape(old)}", rf"\g<1>{new}", name)
    return name


def audiocraft_config(decoder: Any, text: str = _TEXT, text_size: int = 768) -> dict[str, Any]:
    """What audiocraft builds an `LMModel` from, for a transformers decoder configuration."""
    return {
        "device": "cpu",
        "dtype": "float32",
        "lm_model": "transformer_lm",
        "dataset": {"segment_duration": 30},
        "transformer_lm": {
            "dim": decoder.hidden_size,
            "num_heads": decoder.num_attention_heads,
            "num_layers": decoder.num_hidden_layers,
            "hidden_scale": decoder.ffn_dim / decoder.hidden_size,
            "n_q": decoder.num_codebooks,
            "card": decoder.vocab_size,
            "dropout": 0.0,
            "emb_lr": None,
            "activation": decoder.activation_function,
            "norm_first": True,
            "bias_ff": False,
            "bias_attn": False,
            "bias_proj": False,
            "past_context": None,
            "causal": True,
            "custom": False,
            "memory_efficient": False,
            "attention_as_float32": False,
            "layer_scale": None,
            "positional_embedding": "sin",
            "xpos": False,
            "checkpointing": "none",
            "weight_init": "gaussian",
            "depthwise_init": "current",
            "zero_bias_init": True,
            "norm": "layer_norm",
            "cross_attention": True,
            "qk_layer_norm": False,
            "qk_layer_norm_cross": False,
            "attention_dropout": None,
            "kv_repeat": 1,
            "two_step_cfg": False,
        },
        "codebooks_pattern": {
            "modeling": "delay",
            "delay": {
                "delays": list(range(decoder.num_codebooks)),
                "flatten_first": 0,
                "empty_initial": 0,
            },
        },
        "classifier_free_guidance": {"training_dropout": 0.3, "inference_coef": 3.0},
        "attribute_dropout": {},
        "fuser": {
            "cross_attention_pos_emb": False,
            "cross_attention_pos_emb_scale": 1,
            "sum": [],
            "prepend": [],
            "cross": ["description"],
            "input_interpolate": [],
        },
        "conditioners": {
            "args": {},
            "description": {
                "model": "t5",
                "t5": {
                    "name": text,
                    "finetune": False,
                    "word_dropout": 0.0,
                    "normalize_text": False,
                },
            },
        },
    }


def audiocraft_decoder(decoder: Any) -> Any:
    """An audiocraft `LMModel` with a transformers decoder's weights, and no text encoder.

    Its cross-attention takes ready states, as `Condition` holds them: for comparing the libraries.
    """
    import omegaconf
    from audiocraft.models.builders import get_codebooks_pattern_provider, get_condition_fuser
    from audiocraft.models.lm import LMModel
    from audiocraft.modules.conditioners import ConditioningProvider

    config = audiocraft_config(decoder.config)
    cfg = omegaconf.OmegaConf.create(config)
    shape = {k: v for k, v in config["transformer_lm"].items() if k != "dropout"}
    lm = LMModel(
        pattern_provider=get_codebooks_pattern_provider(shape["n_q"], cfg.codebooks_pattern),
        condition_provider=ConditioningProvider({}),
        fuser=get_condition_fuser(cfg),
        cfg_coef=3.0,
        dropout=0.0,
        **shape,
    )
    lm.load_state_dict(to_audiocraft_names(decoder.state_dict()))
    return lm.to(decoder.device).eval()


def save_for_audiocraft(model: Any, folder: Path) -> None:
    """A transformers MusicGen as a folder that `audiocraft.models.MusicGen` loads.

    Raises:
        BadInput: its codec is not an EnCodec.
    """
    import omegaconf

    codec, text = model.config.audio_encoder, model.config.text_encoder
    if codec.model_type != "encodec":
        raise BadInput(
            f"audiocraft cannot decode with a {codec.model_type} codec: only models with an EnCodec "
            "can be converted, the sketch's decoder alone runs in both libraries"
        )
    name = getattr(text, "_name_or_path", "") or _TEXT
    config = audiocraft_config(model.decoder.config, Path(name).name, text.d_model)
    state = to_audiocraft_names(model.decoder.state_dict())
    state |= {
        _PROJECTION + part: getattr(model.enc_to_dec_proj, part) for part in ("weight", "bias")
    }
    folder.mkdir(parents=True, exist_ok=True)
    _save(
        {"xp.cfg": omegaconf.OmegaConf.to_yaml(config), "best_state": state},
        folder / "state_dict.bin",
    )
    _save({"pretrained": _CODEC}, folder / "compression_state_dict.bin")


def _save(content: Mapping[str, Any], path: Path) -> None:
    with whole(path) as part:
        torch.save(dict(content), part)
