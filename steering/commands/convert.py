"""Turn a checkpoint of one library into the other's."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from curation.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor

    from steering.models.transformers_backend import TransformersModel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="a folder, or a name on the Hub as facebook/musicgen-small")
    parser.add_argument("out", type=Path, help="folder of the converted checkpoint")
    parser.add_argument(
        "--to", choices=("audiocraft", "transformers"), required=True, help="the library to write"
    )
    parser.add_argument(
        "--like",
        help="for --to transformers: a transformers MusicGen of the same shape, whose text encoder "
        "and codec are taken over, as facebook/musicgen-small",
    )


def run(options: argparse.Namespace) -> None:
    """Read with one library, write for the other."""
    if options.to == "transformers" and not options.like:
        raise BadInput(
            "--to transformers needs --like: a transformers MusicGen with the same text encoder "
            "and codec, as facebook/musicgen-small"
        )
    if options.out.exists() and any(options.out.iterdir()):
        raise BadInput(f"{options.out} is not empty: name another folder")
    (_to_audiocraft if options.to == "audiocraft" else _to_transformers)(options)
    print(f"{options.out}: a checkpoint for {options.to}")


def _to_audiocraft(options: argparse.Namespace) -> None:
    from steering.models.convert import save_for_audiocraft

    save_for_audiocraft(_transformers(options.source).model, options.out)


def _to_transformers(options: argparse.Namespace) -> None:
    state = read_audiocraft(Path(options.source))
    like = _transformers(options.like)
    take_over(like.model, state)
    options.out.mkdir(parents=True, exist_ok=True)
    like.model.save_pretrained(options.out)
    like.tokenizer.save_pretrained(options.out)


def _transformers(name: str) -> TransformersModel:
    from steering.models import load_model
    from steering.models.transformers_backend import TransformersModel

    model = load_model(name, device="cpu")
    if not isinstance(model, TransformersModel):
        raise BadInput(f"{name} is no transformers MusicGen: give its folder or name")
    return model


def read_audiocraft(folder: Path) -> dict[str, Tensor]:
    """The language model's weights in a folder that audiocraft saved; no code in it is run.

    Raises:
        BadInput: the folder has no ``state_dict.bin``, or it is damaged.
    """
    import torch

    path = folder / "state_dict.bin"
    try:
        state: dict[str, Tensor] = torch.load(path, "cpu", weights_only=True)["best_state"]
        if not all(isinstance(weight, torch.Tensor) for weight in state.values()):
            raise TypeError("not tensors alone")
    except FileNotFoundError:
        raise BadInput(
            f"{folder} has no state_dict.bin: give a folder that audiocraft saved"
        ) from None
    except (OSError, LookupError, TypeError, ValueError, AttributeError, EOFError):
        raise BadInput(f"{path} is damaged, or no audiocraft checkpoint: save it again") from None
    except (RuntimeError, UnpicklingError):
        raise BadInput(
            f"{path} is damaged, or holds more than weights, and reading it could run code: save it "
            "again with audiocraft, as tensors alone"
        ) from None
    return state


def take_over(model: Any, state: Mapping[str, Tensor]) -> None:
    """Put audiocraft's decoder and projection in the place of a transformers MusicGen's.

    Raises:
        BadInput: the two checkpoints are not of one shape.
    """
    from steering.models.convert import to_transformers_names

    projection = "condition_provider.conditioners.description.output_proj."
    try:
        model.decoder.load_state_dict(to_transformers_names(state), strict=False)
        for part in ("weight", "bias"):
            wanted = getattr(model.enc_to_dec_proj, part)
            wanted.data.copy_(state[projection + part])
    except (RuntimeError, KeyError, AttributeError, TypeError) as error:
        raise BadInput(
            f"the checkpoints are not of one shape ({str(error).splitlines()[-1].strip()}): "
            "name a transformers MusicGen of the same size with --like"
        ) from None
