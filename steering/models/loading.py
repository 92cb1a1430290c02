"""A model by its name: the built-in sketch, a published MusicGen, or a folder."""

from __future__ import annotations

from pathlib import Path

import torch

from curation.errors import BadInput
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


def _from_audiocraft(name: str, device: str) -> MusicModel:
    if name == SKETCH:
        raise BadInput("audiocraft cannot decode the sketch's codes: use --backend transformers")
    from steering.models.audiocraft_backend import load_audiocraft

    return load_audiocraft(name, device)


def _from_transformers(name: str, device: str, dtype: torch.dtype) -> MusicModel:
    from transformers import AutoConfig, AutoTokenizer, MusicgenForConditionalGeneration

    import sketch  # noqa: F401  makes its codec known to transformers

    try:
        config = AutoConfig.from_pretrained(name)
    except (OSError, ValueError):
        raise BadInput(
            f"{name} is no folder with a model, and the Hub does not give it: look at the name, "
            "connect to the internet, or use --model sketch"
        ) from None
    if config.model_type != "musicgen":
        raise BadInput(
            f"{name} is a {config.model_type} model: melody models and others cannot be steered, "
            "use facebook/musicgen-small, -medium or -large"
        )
    model = MusicgenForConditionalGeneration.from_pretrained(name, dtype=dtype).to(device)
    label = Path(name).name if Path(name).is_dir() else name
    return TransformersModel(label, model, AutoTokenizer.from_pretrained(name))
