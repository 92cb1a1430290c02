"""From what the decoder says of each frame to samples: oscillators, noise and direct spectra.

A convolution over frames that gets the same codes again and again can only repeat itself every
20 ms: it cannot hold a tone that is no multiple of 50 Hz. So steady tones are made by oscillators
on the tempered scale whose phase runs on with the clock, and noise has its own random phases; only
attacks are left to spectra with phases that the network predicts. The clock is the frame's index,
so a chunk that begins at frame t sounds as it does within the whole.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sketch.codec.constants import Constants
from sketch.codec.features import HOP, LOWEST_HZ, SAMPLE_RATE

WINDOW = 2 * HOP
BINS = WINDOW // 2 + 1
NOISE_BANDS = 48
NOISE_FRAMES = 512
"""Random phases repeat after 10 s."""

KNEE, CEILING = 0.85, 0.99
"""Samples below the knee stay as they are; what is above is bent, and never passes the ceiling."""


def oscillator_frequencies() -> np.ndarray:
    """Hz of the oscillators: semitones up to A3, steps of 20 cents from there to 13 kHz.

    Partials of tempered notes are at most 9 cents from such a step, apart from high odd ones.
    """
    low = LOWEST_HZ * 2.0 ** (np.arange(33) / 12)
    high = LOWEST_HZ * 2.0 ** (33 / 12 + np.arange(5.85 * 60) / 60)
    return np.concatenate([low, high])


class Synthesis(Constants):
    """One amplitude per oscillator and noise band, and magnitude and phase per bin, to samples."""

    cycles: Tensor
    start: Tensor
    basis: Tensor
    noise: Tensor
    noise_bands: Tensor
    fade: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.sizes = (len(oscillator_frequencies()), NOISE_BANDS, BINS, BINS)
        self.register_tables()

    def tables(self) -> dict[str, Tensor]:
        cycles = torch.from_numpy(oscillator_frequencies() / SAMPLE_RATE)
        angle = 2 * math.pi * cycles[:, None] * (torch.arange(WINDOW) - HOP)
        generator = torch.Generator().manual_seed(0)
        start = torch.rand(len(cycles), generator=generator, dtype=torch.float64)
        phases = 2 * math.pi * torch.rand(NOISE_FRAMES, BINS, generator=generator)
        return {
            "cycles": cycles,
            "start": start,
            "basis": torch.cat([angle.cos(), -angle.sin()]).float(),
            "noise": torch.polar(torch.ones_like(phases), phases),
            "noise_bands": _noise_bands(),
            "fade": torch.hann_window(WINDOW),
        }

    def forward(self, controls: Tensor, first_frame: int = 0) -> Tensor:
        """Controls ``[B, T, sum(sizes)]`` to samples ``[B, T * 640]``.

        Args:
            controls: what the decoder's last layer gives.
            first_frame: which frame of the clip the first one is.
        """
        tones, noise, loudness, phase = controls.split(self.sizes, dim=-1)
        clock = torch.arange(controls.shape[1], device=controls.device) + first_frame
        blocks = self._tones(tones, clock) + self._spectra(noise, loudness, phase, clock)
        blocks = blocks * self.fade
        return _overlap_add(blocks)

    def _tones(self, tones: Tensor, clock: Tensor) -> Tensor:
        turns = (clock[:, None].double() * HOP * self.cycles + self.start).remainder(1.0)
        angle = (2 * math.pi * turns).to(tones.dtype)
        amplitude = _amplitude(tones - 4)
        rotated = torch.cat([amplitude * angle.cos(), amplitude * angle.sin()], dim=-1)
        return rotated @ self.basis.to(tones.dtype)

    def _spectra(self, noise: Tensor, loudness: Tensor, phase: Tensor, clock: Tensor) -> Tensor:
        direct = torch.polar(_amplitude(loudness - 2), phase)
        hiss = (_amplitude(noise - 2) @ self.noise_bands) * self.noise[clock % NOISE_FRAMES]
        return torch.fft.irfft(direct + hiss, n=WINDOW)


def _amplitude(logarithm: Tensor) -> Tensor:
    return logarithm.clamp(max=5.0).exp()


def _noise_bands() -> Tensor:
    """Interpolation from bands, evenly spaced in mel, to bins: float32 ``[bands, bins]``."""
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE) / 700)
    place = mel / mel[-1] * (NOISE_BANDS - 1)
    weights = np.maximum(0, 1 - np.abs(place[None] - np.arange(NOISE_BANDS)[:, None]))
    return torch.from_numpy(weights.astype(np.float32))


def _overlap_add(blocks: Tensor) -> Tensor:
    """Blocks ``[B, T, 2 * 640]``, each centred on its frame, to ``[B, T * 640]``."""
    rising, falling = blocks.split(HOP, dim=-1)
    whole = functional.pad(rising, (0, 0, 0, 1)) + functional.pad(falling, (0, 0, 1, 0))
    return whole.flatten(1)[:, HOP // 2 : -HOP // 2]


def within_full_scale(samples: Tensor) -> Tensor:
    """Loud samples bent smoothly to less than full scale, sample by sample, so that none is cut off.

    >>> within_full_scale(torch.tensor([0.5, -0.75, -20.0]))
    tensor([ 0.5000, -0.7500, -0.9900])
    """
    room = CEILING - KNEE
    bent = KNEE + room * torch.tanh((samples.abs() - KNEE) / room)
    return torch.where(samples.abs() > KNEE, bent.copysign(samples), samples)
