"""From a checkpoint to a folder that `from_pretrained` loads: half the size, the same sounds.

Weights are stored in float16, and the configurations say float32, so that they are loaded as
that: the CPU has no fast float16.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    EncodecFeatureExtractor,
    MusicgenForConditionalGeneration,
    MusicgenProcessor,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from curation.errors import BadInput
from curation.files import whole
from sketch.checkpoints import read_checkpoint
from sketch.codec.books import Codebooks
from sketch.codec.features import SAMPLE_RATE
from sketch.codec.stems import BOOKS_FILE, CODEBOOKS
from sketch.codec.train import PARTS, checkpoint_name
from sketch.codec.train import assemble as assemble_codec
from sketch.language.corpus import fingerprint
from sketch.language.model import TEMPERATURES, LanguageModel, assemble, set_temperatures
from sketch.language.text import make_tokenizer
from sketch.language.train import CHECKPOINT as LM_CHECKPOINT
from sketch.loading import CODEC_PREFIX, FORMAT, INDEX, shard_name

NEEDED = {**{checkpoint_name(part): part for part in PARTS}, LM_CHECKPOINT: "lm"}
"""Checkpoints that a whole model is made of, and what trains them."""


def save_halved(model: PreTrainedModel, folder: Path) -> None:
    """A model's configuration and its weights in float16; the codec has a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for config in (model.config, *_parts(model)):
        config.dtype = torch.float32
    model.config.save_pretrained(folder)
    tensors = {weight.data_ptr(): name for name, weight in reversed(model.state_dict().items())}
    halved = {
        name: weight.detach().cpu().to(torch.float16).contiguous()
        for name, weight in model.state_dict().items()
        if tensors[weight.data_ptr()] == name  # tied weights once
    }
    codec = {name for name in halved if name.startswith(CODEC_PREFIX)}
    files = [codec, halved.keys() - codec] if codec else [halved.keys()]
    place: dict[str, str] = {}
    for number, names in enumerate(files, start=1):
        target = folder / shard_name(number, len(files))
        with whole(target) as part:
            tensors_of = {name: halved[name] for name in sorted(names)}
            save_file(tensors_of, part, metadata={"format": "pt"})
        place |= dict.fromkeys(sorted(names), target.name)
    if len(files) > 1:
        size = sum(weight.numel() * weight.element_size() for weight in halved.values())
        index = {"metadata": {"total_size": size}, "weight_map": place}
        (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n")


def _parts(model: PreTrainedModel) -> list[object]:
    names = getattr(model.config, "sub_configs_defaults", {})
    return [getattr(model.config, name) for name in names]


def save_sketch(
    model: MusicgenForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    books: Codebooks,
    folder: Path,
) -> None:
    """A whole MusicGen with its processor, generation settings and codebooks."""
    model.config.sketch_format = FORMAT
    save_halved(model, folder)
    model.generation_config.save_pretrained(folder)
    extractor = EncodecFeatureExtractor(feature_size=1, sampling_rate=SAMPLE_RATE)
    MusicgenProcessor(extractor, tokenizer).save_pretrained(folder)
    books.save(folder / BOOKS_FILE)


def export(work: Path, folder: Path) -> int:
    """The trained model out of ``work`` into ``folder``; the bytes that it takes there.

    Raises:
        BadInput: a part is not trained yet, or was trained on other codes.
    """
    for name, part in NEEDED.items():
        if not (work / name).exists():
            raise BadInput(f"{work} has no {name} yet: run 'python -m sketch train {part}'")
    saved = read_checkpoint(work / LM_CHECKPOINT)
    if saved["recipe"]["books"] != fingerprint(work / BOOKS_FILE):
        raise BadInput(
            f"{work / LM_CHECKPOINT} speaks other codes than {BOOKS_FILE}: train it anew"
        )
    tokenizer, books = make_tokenizer(), Codebooks.load(work / BOOKS_FILE)
    parts = LanguageModel(tokenizer, books.places)
    parts.decoder.load_state_dict(saved["states"]["decoder"])
    parts.text_encoder.load_state_dict(saved["states"]["text"])
    parts.enc_to_dec_proj.load_state_dict(saved["states"]["projection"])
    model = assemble(assemble_codec(work), parts)
    set_temperatures(model, [TEMPERATURES[book] for book in CODEBOOKS])
    save_sketch(model, tokenizer, books, folder)
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
