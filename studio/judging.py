"""What independent ears say of a pair: heard in the sound alone, steered beside unsteered."""

from __future__ import annotations

from typing import Any

import numpy as np

from curation.errors import BadInput
from curation.hearing import NothingHeard, hear_bpm, hear_chord, hear_key
from curation.theory import PITCH_CLASSES
from steering.metrics.pitch import entropy, most_prominent, share
from studio.clips import SIDES, Pair
from studio.loudness import loudness


def verdict(pair: Pair) -> list[dict[str, Any]]:
    """Rows of a table: what is asked, what was heard steered and unsteered, whether it is a target."""
    rows: list[dict[str, Any]] = []
    for record in pair.recipe["interventions"]:
        if record["concept"] in PITCH_CLASSES:
            rows.append(_share_row(pair, record["concept"]))
    rows.append(_row(pair, "strongest pitch class", most_prominent))
    rows.append(_row(pair, "variety of pitch classes", entropy, "bits"))
    rows.append(_row(pair, "key", lambda a, r: " ".join(hear_key(a, r))))
    rows.append(_row(pair, "chord, over all", lambda a, r: " ".join(hear_chord(a, r))))
    rows.append(_row(pair, "tempo", lambda a, r: round(hear_bpm(a, r)), "bpm"))
    rows.append(_row(pair, "loudness", loudness, "LUFS"))
    return rows


def _share_row(pair: Pair, pitch_class: str) -> dict[str, Any]:
    row = _row(pair, f"frames in which {pitch_class} is strongest", lambda a, r: share(a, r, pitch_class), "%")
    return row | {"target": pitch_class}


def _row(pair: Pair, what: str, hear: Any, unit: str = "") -> dict[str, Any]:
    return {"what": what, "unit": unit} | {
        side: _heard(hear, pair.floating(side), pair.sample_rate, unit) for side in SIDES
    }


def _heard(hear: Any, audio: np.ndarray, sample_rate: int, unit: str) -> Any:
    try:
        found = hear(audio, sample_rate)
    except (NothingHeard, BadInput):
        return None
    if isinstance(found, float | np.floating):
        return round(float(found) * (100 if unit == "%" else 1), 1)
    return found
