"""What the encoder hears: log-frequency bands from long windows, mel bands from a short one.

Pitch is explicit in the bands before anything is learned, which is what makes a codec of this
size possible without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from librosa.filters import mel as mel_filters
from torch import Tensor, nn
from torch.nn import functional

from sketch.codec.constants import Constants

SAMPLE_RATE = 32_000
HOP = 640
"""Samples per frame: 50 frames a second."""

LOWEST_HZ = 32.703
"""C1."""

BANDS_PER_OCTAVE = 24
FLOOR = 3e-4
"""Amplitude (full scale 1) below which bands are compressed to nothing: -70 dB."""


def log_frequency_bands(window: int, bands: int) -> np.ndarray:
    """Triangular filters on a log-frequency axis, float32 ``[bands, window // 2 + 1]``.

    A filter is never narrower than one bin, so that low bands interpolate between bins. The largest
    weight of each is 1: a tone has at least its own amplitude in its band, whatever the band's width.
    """
    centres = LOWEST_HZ * 2.0 ** (np.arange(bands) / BANDS_PER_OCTAVE)
    width = np.maximum(centres * (2 ** (1 / BANDS_PER_OCTAVE) - 1), SAMPLE_RATE / window)
    bins = np.fft.rfftfreq(window, 1 / SAMPLE_RATE)
    weights = np.maximum(0, 1 - np.abs(bins[None] - centres[:, None]) / width[:, None])
    return (weights / weights.max(axis=1, keepdims=True)).astype(np.float32)


class _Amplitudes(torch.autograd.Function):
    """Amplitudes of windowed frames, with a gradient that stays real: twice as fast as torch's own.

    ``|rfft(frame * window)|`` over padded audio ``[B, P]``, a frame every ``hop`` samples, of the
    first ``bins`` bins.
    """

    @staticmethod
    def forward(ctx: Any, padded: Tensor, window: Tensor, hop: int, bins: int) -> Tensor:
        spectrum = torch.fft.rfft(padded.unfold(-1, len(window), hop) * window)[..., :bins]
        power = spectrum.real.square() + spectrum.imag.square()
        amplitudes = power.sqrt_().clamp_min_(1e-6)
        ctx.save_for_backward(spectrum, amplitudes, window)
        ctx.hop, ctx.length = hop, padded.shape[-1]
        return amplitudes

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        spectrum, amplitudes, window = ctx.saved_tensors
        size = len(window)
        weight = grads[0] / amplitudes
        weight[..., 1 : size // 2] *= 0.5
        frames = torch.fft.irfft(spectrum * weight, n=size, norm="forward") * window
        return _overlap_add(frames, ctx.hop, ctx.length), None, None, None


def _overlap_add(frames: Tensor, hop: int, length: int) -> Tensor:
    """Frames ``[B, T, size]``, one every ``hop``, to samples ``[B, length]``."""
    batch, count, size = frames.shape
    parts = -(-size // hop)
    frames = functional.pad(frames, (0, parts * hop - size))
    total = frames.new_zeros(batch, count + parts, hop)
    for part in range(parts):
        total[:, part : part + count] += frames[..., part * hop : (part + 1) * hop]
    return functional.pad(total.flatten(1), (0, max(0, length - total[0].numel())))[:, :length]


class Spectrum(Constants):
    """Amplitude spectrum of Hann windows, one per hop, centred in the hop.

    A sinusoid of amplitude a stands as a at its bin. Only the first ``bins`` are kept, or all.
    """

    hann: Tensor

    def __init__(self, window: int, hop: int = HOP, bins: int | None = None) -> None:
        super().__init__()
        self.window, self.hop, self.bins = window, hop, bins or window // 2 + 1
        self.register_tables()

    def tables(self) -> dict[str, Tensor]:
        hann = torch.hann_window(self.window)
        return {"hann": hann * (2 / hann.sum())}

    def forward(self, audio: Tensor) -> Tensor:
        """float ``[B, N]`` to amplitudes ``[B, ceil(N / hop), bins]``."""
        frames = -(-audio.shape[-1] // self.hop)
        left = (self.window - self.hop) // 2
        right = (frames - 1) * self.hop + self.window - left - audio.shape[-1]
        padded = functional.pad(audio, (left, max(right, 0)))
        amplitudes: Tensor = _Amplitudes.apply(  # type: ignore[no-untyped-call]
            padded, self.hann, self.hop, self.bins
        )
        return amplitudes[:, :frames]


class Bands(Constants):
    """A spectrum's amplitudes in bands. Shapes: ``[B, N]`` to ``[B, T, bands]``.

    Args:
        make_filters: gives float32 ``[bands, window // 2 + 1]`` for a window and number of bands.
    """

    filters: Tensor

    def __init__(
        self,
        make_filters: Callable[[int, int], np.ndarray],
        window: int,
        bands: int,
        hop: int = HOP,
    ) -> None:
        super().__init__()
        self._filters = partial(make_filters, window, bands)
        self.spectrum = Spectrum(
            window, hop, bins=int(np.flatnonzero(self._filters().sum(0))[-1]) + 1
        )
        self.register_tables()

    def tables(self) -> dict[str, Tensor]:
        needed = self._filters()[:, : self.spectrum.bins]
        return {"filters": torch.from_numpy(needed).T.contiguous()}

    def forward(self, audio: Tensor) -> Tensor:
        return self.spectrum(audio) @ self.filters


def mel_bands(window: int, bands: int) -> np.ndarray:
    """Mel filters, float32 ``[bands, window // 2 + 1]``; each sums to 1 at most."""
    filters = mel_filters(sr=SAMPLE_RATE, n_fft=window, n_mels=bands, norm=None)
    filters /= np.maximum(filters.sum(axis=1, keepdims=True), 1.0)
    return filters.astype(np.float32)


def compress(amplitudes: Tensor) -> Tensor:
    """Amplitudes to a scale near that of hearing, 0 at silence, about 2 at full scale."""
    return torch.log1p(amplitudes * (1 / FLOOR)) * 0.25


class FrameFeatures(nn.Module):
    """All bands side by side: low notes (12288 points), all notes (6144), attacks (1280)."""

    LOW, ALL, MEL = 96, 216, 64

    def __init__(self) -> None:
        super().__init__()
        self.low = Bands(log_frequency_bands, 12_288, self.LOW)
        self.all = Bands(log_frequency_bands, 6_144, self.ALL)
        self.mel = Bands(mel_bands, 1_280, self.MEL)

    @property
    def size(self) -> int:
        return self.LOW + self.ALL + self.MEL

    def amplitudes(self, audio: Tensor) -> Sequence[Tensor]:
        """``[B, N]`` to three tensors ``[B, T, bands]``: low, all, mel."""
        return self.low(audio), self.all(audio), self.mel(audio)

    def forward(self, audio: Tensor) -> Tensor:
        """``[B, N]`` to compressed bands ``[B, T, size]``."""
        return compress(torch.cat(list(self.amplitudes(audio)), dim=-1))
