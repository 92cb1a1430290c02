"""Neutral clips to be compared with where somebody brings none: music of all kinds, matched to the examples.

They come as codes of the sketch. Other models hear them decoded. Each was moved by chance as variants are
(`variant`), so that a trace of that tells no example from them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import librosa
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from curation.errors import BadInput
from curation.spec import seed_for
from listening.levels import rms_dbfs
from listening.onsets import onset_rate
from sketch.material import SAMPLE_RATE, Share, pieces, render
from steering.models.interface import MusicModel
from steering.sealed import Sealed
from steering.teaching.material import Use, at_once
from steering.teaching.variants import drawn, variant

FOLDER = Path(__file__).parents[1] / "neutral"
KEPT = Sealed(
    "the neutral clips",
    "neutral",
    again="fetch the project anew, or run 'python -m steering neutral'",
    unsealed="run 'python -m steering neutral'",
)
CLIPS, SECONDS = 120, 8.0
MIX = (
    Share("songs", SECONDS, 0.6),
    Share("genres", SECONDS, 0.2),
    Share("notes", 4.0, 0.07),
    Share("chords", 4.0, 0.06),
    Share("progressions", 4.0, 0.07),
)
MOVED = 2 / 3
"""Share of them that are variants."""
QUALITIES = ("level", "register", "density")
BELONGING = {"level": "level", "register": "pitch", "density": "tempo"}
"""Which part of a concept each quality is: what belongs to a concept is not matched."""
EACH, FEWEST_MATCHED = 3, 30
"""Neutral clips for each example, and in all at least."""


@dataclass(frozen=True)
class Neutral:
    """Codes ``[N, K, T]``, frames of each ``[N]``, and qualities float ``[N, 3]``; captions of songs."""

    codes: Tensor
    frames: Tensor
    qualities: np.ndarray
    captions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def dbfs(self) -> float:
        """The level that others are brought to beside them."""
        return float(np.median(self.qualities[:, 0]))

    def clip(self, place: int) -> Tensor:
        """Codes ``[K, T]`` of one."""
        return self.codes[place, :, : int(self.frames[place])]

    def matched(self, wanted: np.ndarray, belongs: Collection[str] = ()) -> list[int]:
        """Which of them are most like some examples, several for each.

        Args:
            wanted: qualities ``[M, 3]`` of the examples. belongs: parts of the concept that are not
                matched, see `variants.PARTS`.
        """
        kept = [place for place, name in enumerate(QUALITIES) if BELONGING[name] not in belongs]
        spread = np.maximum(self.qualities.std(0), 1e-9)
        apart = (wanted[:, None] - self.qualities[None]) / spread  # [M, N, 3]
        cost = np.square(apart[..., kept]).sum(-1)
        each = min(max(EACH, -(-FEWEST_MATCHED // len(wanted))), len(self) // len(wanted))
        _, chosen = linear_sum_assignment(np.repeat(cost, max(each, 1), axis=0))
        return sorted(set(chosen.tolist()))

    def for_model(
        self, model: MusicModel, places: Sequence[int], use: Use = at_once
    ) -> list[Tensor]:
        """Codes of some of them as a model has them: its own where it is the sketch."""
        known = [self.clip(place) for place in places]
        return known if _is_sketch(model) else _heard_by(model, known, use)


def qualities(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Level in dBFS, register in octaves above 1 Hz (of the spectrum's centre), onsets a second."""
    centre = librosa.feature.spectral_centroid(y=audio, sr=sample_rate)[0]
    power = librosa.feature.rms(y=audio)[0][: len(centre)] ** 2
    mean = float((centre[: len(power)] * power).sum() / max(power.sum(), 1e-12))
    return np.array([rms_dbfs(audio), np.log2(max(mean, 1.0)), onset_rate(audio, sample_rate)])


def _is_sketch(model: MusicModel) -> bool:
    return model.origin.model == "sketch"


def _heard_by(model: MusicModel, codes: Sequence[Tensor], use: Use) -> list[Tensor]:
    """Codes of the sketch, decoded and encoded anew by another model's codec."""
    from steering.models.loading import load_model

    sketch, made = load_model("sketch"), []
    for one in codes:
        sound = sketch.decode(one[None].long())[0].cpu().numpy()
        audio = librosa.resample(sound, orig_sr=sketch.sample_rate, target_sr=model.sample_rate)
        made.append(
            use(partial(model.encode, torch.from_numpy(audio)[None].to(model.device)))[0].cpu()
        )
    return made


@lru_cache(maxsize=2)
def load_neutral(folder: Path = FOLDER) -> Neutral:
    """Those in a folder.

    Raises:
        BadInput: they are not there, or are damaged.
    """
    facts, tensors = KEPT.read(folder)
    try:
        captions = tuple(str(one) for one in facts["captions"])
        codes, frames = tensors["codes"], tensors["frames"]
        found = Neutral(codes.short(), frames.int(), tensors["qualities"].numpy(), captions)
        if not len(codes) == len(frames) == len(found.qualities) == len(captions) > 0:
            raise ValueError("its parts are not of one length")
    except (KeyError, TypeError, ValueError) as error:
        raise KEPT.damaged(folder, str(error)) from None
    return found


def make_neutral(
    model: MusicModel,
    count: int = CLIPS,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Neutral:
    """Render and encode them anew; the same for the same code.

    Raises:
        BadInput: the model is not the sketch.
    """
    if not _is_sketch(model):
        raise BadInput("neutral clips are kept as codes of the sketch: leave the model out")
    frames = round(SECONDS * model.frame_rate)
    table = torch.full((count, model.codebooks, frames), 0, dtype=torch.int16)
    lengths, heard, captions = torch.zeros(count, dtype=torch.int32), [], []
    corpus = pieces("train", 4 * count * SECONDS / 3600, MIX)
    sounding = ((p, a) for p in corpus if (a := render(p, exact=False)) is not None)
    for place, (piece, samples) in enumerate(itertools.islice(sounding, count)):
        rng = np.random.default_rng(seed_for("neutral", piece.family, piece.index))
        moves = drawn(rng) if rng.random() < MOVED else {}
        audio = variant(samples.astype(np.float32) / 32768, SAMPLE_RATE, moves)
        codes = model.encode(torch.from_numpy(audio)[None])[0][:, :frames]
        table[place, :, : codes.shape[-1]] = codes.short()
        lengths[place] = codes.shape[-1]
        heard.append(qualities(audio, SAMPLE_RATE))
        captions.append(piece.spec().caption if piece.family in ("songs", "genres") else "")
        told(place + 1, count)
    return Neutral(table, lengths, np.stack(heard), tuple(captions))


def save_neutral(neutral: Neutral, folder: Path = FOLDER) -> None:
    """Write them whole or not at all."""
    tensors = {
        "codes": neutral.codes,
        "frames": neutral.frames,
        "qualities": torch.from_numpy(neutral.qualities),
    }
    KEPT.write(folder, {"captions": list(neutral.captions)}, tensors)
