"""A pitch that is heard through headphones alone: Huggins's, as Milne et al. (2021) test by it.

Noise goes to both ears. In one interval of three a narrow band of it is turned round in the right ear:
there a faint pitch of 600 Hz is heard. Each ear by itself gets plain noise in all three, and through
loudspeakers both mix in the air and nothing is left of it.
"""

from __future__ import annotations

import numpy as np

CENTRE_HZ, WIDTH = 600.0, 0.06
"""The band that is turned round: 600 Hz, 6 % to either side."""

SECONDS, PAUSE_SECONDS = 1.0, 0.4
_FADE_SECONDS = 0.03
_LEVEL = 0.05
"""RMS of the noise, of full scale."""


def huggins(
    pitched: bool, sample_rate: int, lot: np.random.Generator, seconds: float = SECONDS
) -> np.ndarray:
    """Noise for both ears ``[2, N]``, full scale 1, with the pitch in it or not."""
    count = round(seconds * sample_rate)
    spectrum = np.fft.rfft(lot.standard_normal(count))
    turned = spectrum.copy()
    if pitched:
        offset = np.abs(np.fft.rfftfreq(count, 1 / sample_rate) / CENTRE_HZ - 1)
        turned[offset <= WIDTH] *= -1
    ears = np.fft.irfft(np.stack([spectrum, turned]), count)
    places = np.arange(count)
    fade = np.clip(np.minimum(places, places[::-1]) / (_FADE_SECONDS * sample_rate), 0, 1)
    return _LEVEL * ears * np.sin(fade * np.pi / 2) ** 2


def intervals(pitched: tuple[bool, ...], sample_rate: int) -> np.ndarray:
    """Intervals below each other with pauses between: int16 ``[N, 2]``, other noise each time.

    Both ears have a dither of their own: nowhere are they equal sample by sample.
    """
    lot = np.random.default_rng()
    pause = np.zeros((2, round(PAUSE_SECONDS * sample_rate)))
    parts = [part for one in pitched for part in (huggins(one, sample_rate, lot), pause)]
    sound = 32_767 * np.concatenate(parts[:-1], axis=1)
    dither = lot.uniform(-1, 1, (2, *sound.shape)).sum(axis=0)
    return np.round(sound + dither).astype("<i2").T
