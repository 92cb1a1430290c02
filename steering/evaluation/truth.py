"""How often the judges that need no fitting are right: on rendered clips, plain and decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from listening.agreement import tempo_agreement
from listening.theory import PITCH_CLASSES
from sketch.material import SAMPLE_RATE, Piece, Share, pieces, render
from steering.metrics.judges import (
    hear_note,
    hear_tempo,
    hear_tonality,
    hear_triad,
    triad_quality,
)
from steering.metrics.verdict import Judge, OwnError, Verdict, own_error
from steering.models.interface import MusicModel
from steering.training.labels import TRIAD_NAMES, class_weights, nearest_triad

LOWEST, HIGHEST = 36, 96
"""MIDI notes between which the instruments have a clear pitch."""


@dataclass(frozen=True)
class Trial:
    """A judge, the family that it is tried on, and what its answer must be.

    Attributes:
        label: of a piece, as the judge would say it; None for a piece that is no fair question.
    """

    judge: Judge
    family: str
    seconds: float
    label: Callable[[Piece], str | None]
    same: Callable[[Verdict, str], bool] = lambda verdict, label: verdict.heard == label


def _note(piece: Piece) -> str | None:
    """A single note's class, where its octave has a clear pitch."""
    labels = piece.spec().labels
    return str(labels["pitch_class"]) if LOWEST <= labels["pitch"] <= HIGHEST else None


def _strongest_in_score(piece: Piece) -> str:
    """The pitch class that a song's notes hold longest, weighed by velocity."""
    return PITCH_CLASSES[int(class_weights(piece.spec().score(), piece.seconds).argmax())]


def _triad(piece: Piece) -> str | None:
    """A chord as it is steered to; None for those that are neither major nor minor."""
    place = nearest_triad(class_weights(piece.spec().score(), piece.seconds))
    return TRIAD_NAMES[place] if place >= 0 else None


def _same_tempo(verdict: Verdict, label: str) -> bool:
    if verdict.number is None:
        return False
    return tempo_agreement(verdict.number, float(label)) == "same"


TRIALS: dict[str, Trial] = {
    "pitch class, single notes": Trial(hear_note, "notes", 4.0, _note),
    "pitch class, songs by their scores": Trial(hear_note, "songs", 4.0, _strongest_in_score),
    "triads": Trial(hear_triad, "chords", 4.0, _triad),
    "triads, a second of songs": Trial(hear_triad, "songs", 1.0, _triad),
    "chord quality": Trial(
        hear_triad,
        "chords",
        4.0,
        lambda piece: str(piece.spec().labels["quality"]),
        lambda verdict, label: triad_quality(verdict) == label,
    ),
    "key of songs": Trial(
        hear_tonality,
        "songs",
        12.0,
        lambda piece: f"{piece.spec().labels['key']} {piece.spec().labels['mode']}",
    ),
    "tempo, metronome": Trial(
        hear_tempo, "tempos", 4.0, lambda piece: str(piece.spec().labels["bpm"]), _same_tempo
    ),
    "tempo, songs": Trial(
        hear_tempo, "songs", 12.0, lambda piece: str(piece.spec().labels["bpm"]), _same_tempo
    ),
}


def own_errors(
    names: list[str], clips: int, model: MusicModel | None = None
) -> dict[str, OwnError]:
    """The trials by name.

    Args:
        clips: of each trial, from the test splits.
        model: when given, every clip is heard through its codec, as generated ones are.
    """
    through = " through the codec" if model else ""
    return {
        name: own_error(
            TRIALS[name].judge,
            _clips(TRIALS[name], clips, model),
            f"rendered {TRIALS[name].family}{through}",
            TRIALS[name].same,
        )
        for name in names
    }


def _clips(
    trial: Trial, count: int, model: MusicModel | None
) -> Iterator[tuple[np.ndarray, int, str]]:
    hours = 4 * count * trial.seconds / 3600
    left = count
    for piece in pieces("test", hours, (Share(trial.family, trial.seconds, 1.0),)):
        label = trial.label(piece)
        sound = render(piece) if label is not None and left else None
        if sound is None or label is None:
            continue
        audio = sound.astype(np.float32) / 32767
        if model is not None:
            codes = model.encode(torch.from_numpy(audio)[None])
            audio = model.decode(codes)[0].cpu().numpy()
        left -= 1
        yield audio, SAMPLE_RATE, label
