"""A model by its name: the built-in sketch, a published MusicGen, or a folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from curation.errors import BadInput, first_line
from curation.files import is_there
from curation.repository import check_name
from sketch.loading import check_no_code
from steering.models.interface import MusicModel
from steering.models.transformers_backend import TransformersModel

SKETCH = "sketch"
BACKENDS = ("transformers", "audiocraft")


def load_model(
    name: str = SKETCH,
    backend: str = "transformers",
    device: str | None = None,
    dtype: torch.dtype | None = None,
) -> MusicModel:
    """A model, ready to read and steer.

    Args:
        name: ``sketch``, a name on the Hub as ``facebook/musicgen-small``, or a local folder.
        backend: the library that runs it.
        device: the GPU if there is one, else the CPU.
        dtype: bfloat16 on a GPU, float32 on the CPU.

    Raises:
        BadInput: there is no such backend or model, or the model cannot be steered.
    """
    if backend not in BACKENDS:
        raise BadInput(f"no backend {backend!r}: choose one of {', '.join(BACKENDS)}")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = dtype or (torch.bfloat16 if device.startswith("cuda") else torch.float32)
    if backend == "audiocraft":
        return _from_audiocraft(name, device)
    if name == SKETCH:
        from sketch.loading import load_sketch

        sketch = load_sketch(device=device)
        sketch.model.decoder.to(dtype)
        return TransformersModel(SKETCH, sketch.model, sketch.processor.tokenizer)
    return _from_transformers(name, device, dtype)


@dataclass(frozen=True)
class NamedModel:
    """What `load_model` is given, for a process that loads the model itself, once."""

    name: str = SKETCH
    backend: str = "transformers"
    device: str | None = None

    def load(self) -> MusicModel:
        return _loaded(self)


@cache
def _loaded(named: NamedModel) -> MusicModel:
    return load_model(named.name, named.backend, named.device)


def _from_audiocraft(name: str, device: str) -> MusicModel:
    if name == SKETCH:
        raise BadInput("audiocraft cannot decode the sketch's codes: use --backend transformers")
    from steering.models.audiocraft_backend import load_audiocraft

    return load_audiocraft(name, device)


def is_public(name: str) -> bool:
    """Whether this is the sketch, or a repository on the Hub that no folder here stands in for.

    >>> is_public("sketch"), is_public("facebook/musicgen-small"), is_public("../model")
    (True, True, False)
    """
    if name == SKETCH:
        return True
    try:
        check_name(name)
    except BadInput:
        return False
    return not is_there(Path(name))


def _from_transformers(name: str, device: str, dtype: torch.dtype) -> MusicModel:
    from transformers import AutoTokenizer, MusicgenForConditionalGeneration

    import sketch  # noqa: F401  makes its codec known to transformers

    _check_config(name)
    label = Path(name).name if Path(name).is_dir() else name
    try:
        model = MusicgenForConditionalGeneration.from_pretrained(
            name, dtype=dtype, trust_remote_code=False, use_safetensors=True, weights_only=True
        )
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        return TransformersModel(label, model.to(device), tokenizer)
    except BadInput:
        raise
    except Exception as error:  # noqa: BLE001  anybody's files may break transformers anywhere
        raise BadInput(
            f"{name} cannot be loaded ({first_line(error)}): fetch it again; weights are read from "
            "safetensors alone, never from a pickle"
        ) from None


def _check_config(name: str) -> None:
    """Look at a model's configuration as mere JSON, before anything is made of it.

    Raises:
        BadInput: there is none, it is of another kind of model, or it asks for code of its own.
    """
    from transformers import PreTrainedConfig

    try:
        config, _ = PreTrainedConfig.get_config_dict(name, trust_remote_code=False)
        if not isinstance(config, dict):
            raise TypeError("no object")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        raise BadInput(
            f"{name} is no folder with a model, and the Hub does not give it: look at the name, "
            "connect to the internet, or use --model sketch"
        ) from None
    check_no_code(config, name)
    if config.get("model_type") != "musicgen":
        raise BadInput(
            f"{name} is a {config.get('model_type')!s:.40} model: melody models and others cannot be "
            "steered, use facebook/musicgen-small, -medium or -large"
        )
