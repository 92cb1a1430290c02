"""How often the judges that need no fitting are right: on rendered clips, plain and decoded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch

from listening.agreement import tempo_agreement
from sketch.material import SAMPLE_RATE, Share, pieces, render
from steering.families import families
from steering.families.family import Trial
from steering.metrics.judges import (
    hear_note,
    hear_tempo,
    hear_tonality,
    hear_triad,
    triad_quality,
)
from steering.metrics.verdict import Judge, OwnError, Verdict, own_error
from steering.models.interface import MusicModel

Same = Callable[[Verdict, str], bool]


def _same(verdict: Verdict, label: str) -> bool:
    return verdict.heard == label


def _same_tempo(verdict: Verdict, label: str) -> bool:
    if verdict.number is None:
        return False
    return tempo_agreement(verdict.number, float(label)) == "same"


JUDGES: dict[str, tuple[Judge, Same]] = {
    "note": (hear_note, _same),
    "triad": (hear_triad, _same),
    "quality": (hear_triad, lambda verdict, label: triad_quality(verdict) == label),
    "key": (hear_tonality, _same),
    "tempo": (hear_tempo, _same_tempo),
}
"""What hears, and when it is right. Families name them in their trials."""


KEPT = Path(__file__).parents[1] / "results" / "judges" / "report.json"
"""What ``python -m steering evaluate judges`` found of music by people, once."""


def kept_lines(names: Sequence[str]) -> dict[str, str]:
    """What was found in those trials that are measured once: on music by people, and on our songs."""
    return {name: line for name, line in _kept().items() if name in names}


@cache
def _kept() -> dict[str, str]:
    try:
        return dict(json.loads(KEPT.read_text("utf-8"))["lines"])
    except FileNotFoundError:
        return {}


def trials() -> dict[str, Trial]:
    """Those of all families by name."""
    return {trial.name: trial for family in families().values() for trial in family.trials}


def own_errors(
    names: list[str], clips: int, model: MusicModel | None = None
) -> dict[str, OwnError]:
    """How often the judges are right in trials of these names.

    Args:
        clips: of each trial, from the test splits.
        model: when given, every clip is heard through its codec, as generated ones are.
    """
    return {name: tried(trials()[name], clips, model) for name in names}


def tried(trial: Trial, clips: int, model: MusicModel | None = None) -> OwnError:
    """How often the judge of one trial is right."""
    through = " through the codec" if model else ""
    judge, same = JUDGES[trial.judge]
    heard = _clips(trial, clips, model)
    return own_error(judge, heard, f"rendered {trial.dataset}{through}", same)


def _clips(
    trial: Trial, count: int, model: MusicModel | None
) -> Iterator[tuple[np.ndarray, int, str]]:
    hours = 4 * count * trial.seconds / 3600
    left = count
    for piece in pieces("test", hours, (Share(trial.dataset, trial.seconds, 1.0),)):
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
