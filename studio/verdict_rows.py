"""What independent ears say of a pair: heard in the sound alone, steered beside unsteered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from listening.chroma import profile
from listening.features import features
from listening.key import hear_key
from listening.loudness import loudness
from listening.onsets import onset_rate
from listening.spectrum import NothingHeard
from listening.tempo import hear_bpm
from listening.theory import PITCH_CLASSES, TRIADS
from steering.directions.bank_name import BankName
from steering.families.labels import TRIAD_NAMES
from steering.interventions.schedules import Schedule
from steering.metrics.adherence import asked_in
from steering.metrics.judges import hear_triad
from steering.metrics.kept_listeners import KeptListeners
from studio.clips import SIDES, Pair

CHORDS = (*TRIAD_NAMES, *TRIADS)

Ear = Callable[[np.ndarray, int], Any]


def verdict(pair: Pair, listeners: KeptListeners | None = None) -> list[dict[str, Any]]:
    """Rows of a table: what was asked, its unit, what was heard in each clip, and the target if any.

    Args:
        listeners: where they are there, whether the clips are what the prompt asks for is heard too.
    """
    concepts = [record["concept"] for record in pair.recipe["interventions"]]
    rows = _pitch_rows(pair, list(dict.fromkeys(c for c in concepts if c in PITCH_CLASSES)))
    rows.append(_row(pair, "key", lambda audio, rate: " ".join(hear_key(audio, rate))))
    rows += _chord_rows(pair)
    rows.append(_row(pair, "tempo", lambda audio, rate: round(hear_bpm(audio, rate)), "bpm"))
    rows.append(_onset_row(pair))
    rows += _prompt_rows(pair, listeners) if listeners else []
    rows.append(_row(pair, "loudness", lambda a, r: round(loudness(a, r), 1), "LUFS"))
    return rows


def _pitch_rows(pair: Pair, targets: list[str]) -> list[dict[str, Any]]:
    """Each target's share of frames, the most prominent class, and how much the classes vary."""
    seen = {side: profile(pair.floating(side), pair.sample_rate) for side in SIDES}
    rows: list[dict[str, Any]] = [
        {"what": f"frames in which {target} is strongest", "unit": "%", "target": target}
        | {side: round(100 * one.share(target), 1) for side, one in seen.items()}
        for target in targets
    ]
    rows.append(
        {"what": "most prominent pitch class", "unit": ""}
        | {side: one.most_prominent for side, one in seen.items()}
    )
    rows.append(
        {"what": "variety of pitch classes", "unit": "bits"}
        | {side: round(abs(one.entropy), 1) for side, one in seen.items()}
    )
    return rows


def _chord_rows(pair: Pair) -> list[dict[str, Any]]:
    """How many of the seconds in which a chord is pushed sound as that chord; and the usual one."""
    records = [
        one
        for one in pair.recipe["interventions"]
        if one["concept"] in CHORDS and _family(one) not in ("keys", "modes")
    ]
    if not records:
        return []
    rows: list[dict[str, Any]] = []
    for record in records:
        seconds = _pushed_seconds(pair, record)
        if not seconds:
            continue
        row = {"what": f"{record['concept']} while it is pushed", "unit": "%"}
        for side in SIDES:
            rate = pair.sample_rate
            audio = _these(pair.floating(side), rate, seconds)
            share = hear_triad(audio, rate).share(record["concept"])
            row[side] = round(100 * share)  # type: ignore[assignment]
        rows.append(row | {"target": record["concept"]})
    heard = {side: hear_triad(pair.floating(side), pair.sample_rate).heard for side in SIDES}
    return [*rows, {"what": "most frequent chord", "unit": ""} | heard]


def _onset_row(pair: Pair) -> dict[str, Any]:
    """Beginnings of notes a second, which a push of the tempo changes first: while it is pushed."""
    pushed = [one for one in pair.recipe["interventions"] if _family(one).startswith("tempos")]
    seconds = sorted({second for record in pushed for second in _pushed_seconds(pair, record)})
    if not seconds:
        return _row(pair, "notes begin", _onsets, "a second")

    def hear(audio: np.ndarray, rate: int) -> float:
        return _onsets(_these(audio, rate, seconds), rate)

    row = _row(pair, "notes begin while pushed", hear, "a second")
    return row | {"target": "faster or slower"}


def _onsets(audio: np.ndarray, rate: int) -> float:
    return round(onset_rate(audio, rate), 1)


def _these(audio: np.ndarray, rate: int, seconds: Sequence[int]) -> np.ndarray:
    """Some seconds of the samples ``[N]``, one after the other."""
    return np.concatenate([audio[rate * second : rate * (second + 1)] for second in seconds])


def _family(record: dict[str, Any]) -> str:
    return BankName.parse(str(record["bank"])).family


def _pushed_seconds(pair: Pair, record: dict[str, Any]) -> list[int]:
    """The seconds in whose middle a schedule has half of its height or more, as far as was played."""
    asked = float(pair.recipe["seconds"])
    middles = np.arange(0.5, max(asked, 1.0))
    levels = np.abs(Schedule.from_record(record["schedule"]).levels(middles, asked))
    played = pair.sound.shape[1] / pair.sample_rate
    return [int(at) for at in middles[(levels >= levels.max() / 2) & (middles < played)]]


def _prompt_rows(pair: Pair, kept: KeptListeners) -> list[dict[str, Any]]:
    """The probability of each thing that the prompt names, in clips as long as the listeners know."""
    known = kept.listeners.listeners
    asked = {
        name: value
        for name, value in asked_in(pair.recipe["prompt"]).items()
        if name in known and value in known[name].model.classes_
    }
    length = round(kept.seconds * pair.sample_rate)
    if not asked or pair.sound.shape[1] < length or not pair.sound.any(axis=1).all():
        return []
    clips = [pair.floating(side)[:length] for side in SIDES]
    heard = np.stack([features(clip, pair.sample_rate) for clip in clips])
    rows = []
    for name, value in asked.items():
        chances = kept.listeners.probabilities(name, heard)[value]
        rows.append(
            {"what": f"sounds like the prompt's '{value}'", "unit": "%"}
            | {"about": f"its judge is {kept.errors.get(name, 'untested')}"}
            | {side: round(100 * float(one), 1) for side, one in zip(SIDES, chances, strict=True)}
        )
    return rows


def _row(pair: Pair, what: str, hear: Ear, unit: str = "") -> dict[str, Any]:
    return {"what": what, "unit": unit} | {
        side: _heard(hear, pair.floating(side), pair.sample_rate) for side in SIDES
    }


def _heard(hear: Ear, audio: np.ndarray, sample_rate: int) -> Any:
    try:
        return hear(audio, sample_rate)
    except NothingHeard:
        return None
