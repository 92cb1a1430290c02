"""Real clips as their codes hold them: what the language model could play at best."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch

from sketch.codec.model import SketchCodec
from sketch.codec.stems import BOOKS_FILE
from sketch.language.corpus import codes_of
from sketch.loading import WEIGHTS, load_codec
from sketch.material import Piece


@cache
def _codec(folder: Path) -> SketchCodec:
    return load_codec(folder)


@torch.no_grad()
def decoded(piece: Piece, folder: Path = WEIGHTS) -> tuple[np.ndarray, np.ndarray] | None:
    """A piece decoded from its stems' codes, float32 ``[N]``, and the codes ``[K, T]``.

    Args:
        folder: of the model, which holds the codebooks too.
    """
    codes = codes_of(piece, folder / BOOKS_FILE)
    if codes is None:
        return None
    entered = torch.from_numpy(codes.astype(np.int64))[None, None]
    audio = _codec(folder).decode(entered).audio_values
    assert audio is not None
    return audio[0, 0].numpy(), codes
