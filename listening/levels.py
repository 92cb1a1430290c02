"""How loud a clip is, whether it is silent, and what keeps it from clipping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SILENT_DBFS = -60.0
"""A clip whose peak stays below this is silent: nothing of it survives 10 bits."""

CEILING_DBFS = -0.3
"""A clip that would clip is turned down until its peak stands here."""

FLOOR_DBFS = -120.0


@dataclass(frozen=True)
class Levels:
    """Peak and root mean square in dB below full scale, and the gain that was applied, in dB."""

    peak_dbfs: float
    rms_dbfs: float
    gain_db: float

    @property
    def silent(self) -> bool:
        return self.peak_dbfs < SILENT_DBFS

    @property
    def clipped(self) -> bool:
        """Whether the clip had to be turned down."""
        return self.gain_db < 0


def dbfs(amplitude: float) -> float:
    """Amplitude to dB below full scale.

    >>> dbfs(1.0), round(dbfs(0.5), 2), dbfs(0.0)
    (0.0, -6.02, -120.0)
    """
    return max(FLOOR_DBFS, 20 * float(np.log10(max(amplitude, 1e-9))))


def rms_dbfs(audio: np.ndarray) -> float:
    """Root mean square level of a clip ``[N]`` in dBFS."""
    return dbfs(float(np.sqrt(np.mean(np.square(audio, dtype=np.float64)))))


def settle(audio: np.ndarray) -> tuple[np.ndarray, Levels]:
    """Turn a clip down if it would clip, and measure it.

    Args:
        audio: float32 ``[N]``, full scale 1.0.

    Returns:
        int16 ``[N]``, and the levels after the gain.
    """
    peak = float(np.abs(audio).max(initial=0.0))
    gain = 1.0 if peak <= 1.0 else 10 ** (CEILING_DBFS / 20) / peak
    settled = audio * np.float32(gain)
    rms = float(np.sqrt(np.mean(np.square(settled, dtype=np.float64)))) if len(audio) else 0.0
    levels = Levels(
        peak_dbfs=round(dbfs(peak * gain), 2),
        rms_dbfs=round(dbfs(rms), 2),
        gain_db=round(20 * float(np.log10(gain)), 2) if gain < 1 else 0.0,
    )
    return np.rint(settled * 32767).clip(-32768, 32767).astype(np.int16), levels
