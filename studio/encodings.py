"""How the sound of an audio event travels: 16-bit samples as they are, or as FLAC; the same either way."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import soundfile

from studio.clips import SIDES


def as_flac(event: dict[str, Any], sample_rate: int) -> dict[str, Any]:
    """An audio event with both sides in one FLAC stream: the left channel is steered, the right is not."""
    sound = unpacked(event)
    if not len(sound[SIDES[0]]):
        return event
    file = io.BytesIO()
    both = np.stack([sound[side] for side in SIDES], axis=1)
    soundfile.write(file, both, sample_rate, format="FLAC", subtype="PCM_16", compression_level=0.5)
    rest = {name: value for name, value in event.items() if name not in SIDES}
    return rest | {"encoding": "flac", "flac": base64.b64encode(file.getvalue()).decode()}


def unpacked(event: dict[str, Any]) -> dict[str, np.ndarray]:
    """The samples of an audio event, int16 ``[N]`` by side, in whatever encoding it came."""
    if event.get("encoding") == "flac":
        both, _ = soundfile.read(io.BytesIO(base64.b64decode(event["flac"])), dtype="int16")
        return {side: both[:, row] for row, side in enumerate(SIDES)}
    return {side: np.frombuffer(base64.b64decode(event[side]), dtype="<i2") for side in SIDES}
