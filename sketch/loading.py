"""The shipped model, opened with care, and played in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor
from transformers import MusicgenForConditionalGeneration, MusicgenProcessor, StoppingCriteria

from curation.errors import BadInput, first_line
from curation.files import read_object
from sketch.codec.model import SketchCodec, SketchCodecConfig
from sketch.codec.stems import BOOKS_FILE
from sketch.prompts import check_all

WEIGHTS = Path(__file__).parent / "weights"
FORMAT = 3
"""Raised when folders that this code wrote before can no longer be read."""

CODEC_PREFIX = "audio_encoder."
CONFIG, INDEX = "config.json", "model.safetensors.index.json"
SHARDS = 2
"""The codec, and the language model with its text encoder."""


def shard_name(number: int, count: int) -> str:
    """What transformers calls the files of weights.

    >>> shard_name(1, 1), shard_name(1, 2)
    ('model.safetensors', 'model-00001-of-00002.safetensors')
    """
    return "model.safetensors" if count == 1 else f"model-{number:05d}-of-{count:05d}.safetensors"


FILES = (
    CONFIG,
    "generation_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    BOOKS_FILE,
    INDEX,
    *(shard_name(number, SHARDS) for number in range(1, SHARDS + 1)),
)
_RESTORE = "restore it with 'git checkout -- sketch/weights', or train and export anew"


@dataclass(frozen=True)
class Sketch:
    """The model with its processor, and the folder that they came from."""

    model: MusicgenForConditionalGeneration
    processor: MusicgenProcessor
    folder: Path

    @property
    def sample_rate(self) -> int:
        return int(self.model.config.audio_encoder.sampling_rate)

    def play(
        self,
        prompts: Sequence[str],
        seconds: float = 10.0,
        seed: int = 0,
        guidance: float = 3.0,
        temperature: float = 1.0,
        top_k: int = 250,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> np.ndarray:
        """Music to prompts, by transformers' own ``generate``: float32 ``[B, N]``.

        The same arguments give the same samples; torch's own random state is left as it was.

        Args:
            progress: called after every step with the steps so far and all there will be.

        Raises:
            BadInput: a prompt or a length that cannot be played.
        """
        check_all(self.processor.tokenizer, prompts, seconds)
        frames = round(seconds * self.model.config.audio_encoder.frame_rate)
        books = self.model.config.decoder.num_codebooks
        words = self.processor(text=list(prompts), padding=True, return_tensors="pt")
        device = self.model.device
        steps = frames + books - 1
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            audio = self.model.generate(
                **words.to(device),
                max_new_tokens=steps,
                guidance_scale=guidance,
                temperature=temperature,
                top_k=top_k,
                do_sample=True,
                stopping_criteria=[_Counted(steps, progress)],
            )
        return audio[:, 0].float().cpu().numpy()


class _Counted(StoppingCriteria):
    """Stops nothing, and tells how far a generation is."""

    def __init__(self, steps: int, progress: Callable[[int, int], None]) -> None:
        self.done, self.steps, self.progress = 0, steps, progress

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: Any) -> Tensor:
        self.done += 1
        self.progress(self.done, self.steps)
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def load_sketch(folder: Path = WEIGHTS, device: str = "cpu") -> Sketch:
    """The sketch from a folder; `BadInput` when it is incomplete, damaged or of another format."""
    check_folder(folder)
    with _whole(folder):
        model, found = MusicgenForConditionalGeneration.from_pretrained(
            folder,
            trust_remote_code=False,
            use_safetensors=True,
            weights_only=True,
            output_loading_info=True,
        )
        if any(found.values()):
            raise ValueError(f"{CONFIG} and the weights are of different models")
        processor = MusicgenProcessor.from_pretrained(folder, trust_remote_code=False)
    return Sketch(model.to(device).eval(), processor, folder)


def load_codec(folder: Path = WEIGHTS) -> SketchCodec:
    """The codec alone, out of the folder of a whole sketch; `BadInput` as for the sketch."""
    check_folder(folder)
    with _whole(folder):
        codec = SketchCodec(SketchCodecConfig(**read_object(folder / CONFIG)["audio_encoder"]))
        weights = load_file(folder / shard_name(1, SHARDS))
        codec.load_state_dict({name.removeprefix(CODEC_PREFIX): w for name, w in weights.items()})
    return codec.float().eval()


def check_folder(folder: Path) -> None:
    """Read enough of every file to know that all of the model is there, and nothing else.

    Raises:
        BadInput: a file is missing, damaged, or of another format or model, or asks for code.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise BadInput(f"{folder} has no {', '.join(missing)}: {_RESTORE}")
    with _whole(folder):
        content = {name: read_object(folder / name) for name in FILES if name.endswith(".json")}
        expected = content[INDEX]["weight_map"]
        if not isinstance(expected, dict) or not set(expected.values()) <= set(FILES):
            raise ValueError(f"{INDEX} names no weights, or other files")
        found = {name: file for file in set(expected.values()) for name in _names(folder / file)}
    config = content[CONFIG]
    check_no_code(config, folder)
    if found != expected:
        raise BadInput(f"{folder}: {INDEX} and the weights do not belong together: {_RESTORE}")
    if config.get("sketch_format") != FORMAT:
        raise BadInput(
            f"{folder} is of format {config.get('sketch_format')!s:.20}, this code reads {FORMAT}: "
            f"{_RESTORE}"
        )


def check_no_code(config: Mapping[str, Any], name: object) -> None:
    """Refuse a model whose configuration, or that of a part of it, asks for code beside it.

    transformers would ask whether to run it, part by part.

    Raises:
        BadInput: it does.
    """
    left: list[Any] = [config]
    while left:
        one = left.pop()
        if isinstance(one, Mapping):
            if "auto_map" in one:
                raise BadInput(
                    f"{name} asks for code of its own (auto_map), which is never run: use a model "
                    "that transformers knows, as facebook/musicgen-small"
                )
            left += one.values()
        elif isinstance(one, list):
            left += one


@contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """Whatever files that are not as they were may break, in one line."""
    try:
        yield
    except PermissionError as error:
        raise BadInput(
            f"{error.filename or folder} may not be read: give yourself the right to"
        ) from None
    except Exception as error:  # noqa: BLE001  damaged files may break transformers anywhere
        raise BadInput(
            f"{folder} is truncated or damaged ({first_line(error)}): {_RESTORE}"
        ) from None


def _names(weights: Path) -> list[str]:
    with safe_open(weights, "pt") as file:
        return list(file.keys())
