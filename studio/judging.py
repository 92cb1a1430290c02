"""What independent ears say of a pair: heard in the sound alone, steered beside unsteered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from curation.errors import BadInput
from curation.hearing import NothingHeard, hear_bpm, hear_chord, hear_key
from curation.theory import PITCH_CLASSES, TRIADS
from steering.metrics.pitch import strongest
from studio.clips import SIDES, Pair
from studio.loudness import loudness

Ear = Callable[[np.ndarray, int], Any]


def verdict(pair: Pair) -> list[dict[str, Any]]:
    """Rows of a table: what was asked, its unit, what was heard in each clip, and the target if any."""
    concepts = [record["concept"] for record in pair.recipe["interventions"]]
    rows = _pitch_rows(pair, list(dict.fromkeys(c for c in concepts if c in PITCH_CLASSES)))
    rows.append(_row(pair, "key", lambda audio, rate: " ".join(hear_key(audio, rate))))
    if any(concept in TRIADS for concept in concepts):
        rows.append(_row(pair, "triad, over all", lambda a, r: " ".join(hear_chord(a, r))))
    rows.append(_row(pair, "tempo", lambda audio, rate: round(hear_bpm(audio, rate)), "bpm"))
    rows.append(_row(pair, "loudness", lambda a, r: round(loudness(a, r), 1), "LUFS"))
    return rows


def _pitch_rows(pair: Pair, targets: list[str]) -> list[dict[str, Any]]:
    """Each target's share of frames, the class that is strongest most often, and how they vary."""
    heard = {side: _classes(pair, side) for side in SIDES}
    rows: list[dict[str, Any]] = [
        {"what": f"frames in which {target} is strongest", "unit": "%", "target": target}
        | {side: _share(shares, target) for side, shares in heard.items()}
        for target in targets
    ]
    rows.append(
        {"what": "strongest most often", "unit": ""}
        | {side: _commonest(shares) for side, shares in heard.items()}
    )
    rows.append(
        {"what": "variety of pitch classes", "unit": "bits"}
        | {side: _variety(shares) for side, shares in heard.items()}
    )
    return rows


def _classes(pair: Pair, side: str) -> np.ndarray:
    """Shares ``[12]`` of the sounding frames in which each class is strongest; zeros for silence."""
    classes, sounds, _ = strongest(pair.floating(side), pair.sample_rate)
    counts = np.bincount(classes[sounds], minlength=12)
    shares: np.ndarray = counts / max(1, counts.sum())
    return shares


def _share(shares: np.ndarray, target: str) -> float:
    return round(100 * float(shares[PITCH_CLASSES.index(target)]), 1)


def _commonest(shares: np.ndarray) -> str | None:
    return PITCH_CLASSES[int(shares.argmax())] if shares.any() else None


def _variety(shares: np.ndarray) -> float:
    there = shares[shares > 0]
    return round(abs(float((there * np.log2(there)).sum())), 1)


def _row(pair: Pair, what: str, hear: Ear, unit: str = "") -> dict[str, Any]:
    return {"what": what, "unit": unit} | {
        side: _heard(hear, pair.floating(side), pair.sample_rate) for side in SIDES
    }


def _heard(hear: Ear, audio: np.ndarray, sample_rate: int) -> Any:
    try:
        return hear(audio, sample_rate)
    except (NothingHeard, BadInput):
        return None
